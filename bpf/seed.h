/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Task iterators, run by user space: what was the case before the attach fires no event.
 *
 * seed_task() makes threads that sleep in a loop's wait count as waiters, so that a loop asleep at the attach is covered. look_task() shows
 * what a sleeping thread does, without stopping it; if asked, it becomes the owner of its loop's gap. look_stack() then takes its stack: in a
 * program of its own, because it has to sleep, and before 6.4 programs that may sleep cannot use queues.
 */
#ifndef LOOPSTALL_BPF_SEED_H
#define LOOPSTALL_BPF_SEED_H

#include "sample.h"
#include "sched.h"

/* The iterator that looks may sleep, so it has buffers of its own. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_buffer);
} look_buffers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lst_task_record);
} look_records SEC(".maps");

/* Changes whenever the thread has run. */
static __always_inline __u64 task_switches(struct task_struct *task)
{
	return BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
}

static __always_inline bool task_is_ours(struct task_struct *task)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return false;
	if (cfg.only_tids && !bpf_map_lookup_elem(&target_tids, &tid))
		return false;
	return scope_has_process(BPF_CORE_READ(task, tgid));
}

static __always_inline void seed_task(struct task_struct *task)
{
	struct call_regs regs;
	__u32 tid = BPF_CORE_READ(task, pid);

	if (!task_is_ours(task) || !task_state(task) || thread_find(tid))
		return;
	__u64 switches = task_switches(task), now = bpf_ktime_get_ns();
	if (!regs_read(task, &regs) || !is_wait_call(regs_call(&regs)))
		return;
	struct lst_thread *t = thread_create(task, tid, BPF_CORE_READ(task, tgid));
	if (!t)
		return;
	quota_begin(t, task);
	struct lst_loop *l = loop_of(t, file_of(task, regs_arg(&regs, 0)), regs_arg(&regs, 0), now);
	if (!l)
		return;
	t->enter_ns = now;
	t->timeout_ns = TIMEOUT_NONE;
	t->slept = 1;
	t->in_flight = cfg.returns_unseen ? LST_FLIGHT_WAITS : LST_FLIGHT_NONE;
	__sync_fetch_and_add(&l->waiters, 1);
	t->in_wait = 1;
	if ((task_switches(task) == switches && task_state(task)) || !t->in_wait)
		return;
	/* It woke while we looked, and is about to leave: let its next event tell. */
	t->in_wait = 0;
	waiter_leaves(l);
}

/*
 * An epoll object that came by a fork and that the parent waits on is the parent's loop, which the child never closed. (If the child waits
 * on it, too, that is seen as soon as it has.)
 */
static __always_inline bool is_parents_loop(struct task_struct *task, __u64 object)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct loop_key key = {.object = object, .tgid = BPF_CORE_READ(parent, tgid)};
	struct call_regs regs;

	if (bpf_map_lookup_elem(&loop_slots, &key))
		return true;
	return task_state(parent) && regs_read(parent, &regs) && is_wait_call(regs_call(&regs)) &&
	       (__u64)epoll_object(parent, regs_arg(&regs, 0)) == object;
}

/* By another descriptor than the one that user space was told of, such as the duplicate that every loop of tokio's has. */
static __always_inline bool is_attended(__u64 object, __u32 tgid)
{
	struct loop_key key = {.object = object, .tgid = tgid};
	__u32 *slot = bpf_map_lookup_elem(&loop_slots, &key);
	struct lst_loop *l = slot ? loop_at(*slot) : NULL;

	return l && (l->waiters || l->gap_start_ns);
}

/* Makes the thread the owner of a gap that is open already. */
static __always_inline struct lst_loop *stuck_adopt(struct task_struct *task, const struct lst_wanted *want,
						    struct lst_task_record *r, __u64 now)
{
	__u32 tid = r->head.tid;
	struct lst_thread *t = thread_find(tid);
	struct file *file = file_of(task, want->fd);
	__u64 object = file ? file_object(file) : 0;

	if (!object || is_attended(object, r->head.tgid) || is_parents_loop(task, object))
		return NULL;
	if (!t)
		t = thread_create(task, tid, r->head.tgid);
	if (!t || t->open_gaps || t->in_wait)
		return NULL;
	struct lst_loop *l = loop_of(t, file, want->fd, now);
	if (!l || l->waiters || l->gap_start_ns) /* somebody has come meanwhile */
		return NULL;
	t->timeout_ns = TIMEOUT_NONE;
	t->delay_ns = t->delay_throttled_ns = 0;
	gap_open(l, t, task_usage(task), now);
	l->gap_flags = LST_GAP_BEFORE_ATTACH;
	if (r->cpu == LST_CPU_BLOCKED) {
		if (want->since_ns && want->since_ns < now)
			l->gap_start_ns = want->since_ns;
		t->cpu = LST_CPU_BLOCKED;
		t->since_ns = l->gap_start_ns;
		bpf_probe_read_kernel(&t->blocks[0], sizeof t->blocks[0], &r->block);
		t->n_blocks = 1;
		t->block_now = 0;
	} else if (!BPF_CORE_READ(task, on_cpu)) {
		t->cpu = LST_CPU_RUNNABLE;
	}
	ledger_note(t, task);
	r->slot = t->wait_slot;
	r->gap_seq = l->gap_seq;
	return l;
}

/* All of a sleeping thread's stack but its pages. */
static __always_inline void look_frame(struct task_struct *task, const struct call_regs *regs,
				       const struct lst_wanted *want, struct lst_stack_record *r)
{
	__u64 sp = regs_sp(regs);

	record_begin(&r->head, LST_RECORD_STACK, 0, BPF_CORE_READ(task, tgid), BPF_CORE_READ(task, pid),
		     bpf_ktime_get_ns());
	regs_to_dwarf(task, regs, &r->regs);
	r->base = (sp - RED_ZONE_BYTES) & ~(__u64)(LST_PAGE_BYTES - 1);
	r->n_pages = stack_pages(task, sp, r->base);
	r->pages_present = 0;
	r->why = LST_STACK_STUCK;
	r->slot = want->slot;
	r->seq = stack_number();
	r->block = out_state(false, task_state(task)) == LST_CPU_BLOCKED ? 0 : ~0u;
	r->gap_seq = want->gap_seq;
	r->weight_ns = 0;
	r->for_tid = r->kernel_frames = r->in_kernel = 0;
}

static __always_inline void look_stack(struct task_struct *task)
{
	struct call_regs regs;
	__u32 tid = BPF_CORE_READ(task, pid), zero = 0;
	const struct lst_wanted *want = bpf_map_lookup_elem(&wanted, &tid);
	struct stack_buffer *buffer = bpf_map_lookup_elem(&look_buffers, &zero);

	if (!want || !buffer || !task_state(task) || !regs_read(task, &regs))
		return;
	struct lst_stack_record *r = &buffer->record;
	look_frame(task, &regs, want, r);
	for (__u32 i = 0; i < LST_MAX_PAGES; i++) {
		if (i >= r->n_pages)
			break;
		if (!bpf_copy_from_user_task(buffer->pages + i * LST_PAGE_BYTES, LST_PAGE_BYTES,
					     (void *)(r->base + i * LST_PAGE_BYTES), task, 0))
			r->pages_present |= 1ULL << i;
	}
	python_capture(task, NULL, &buffer->python.python, &buffer->scratch, task, 0);
	stack_send(buffer);
}

static __always_inline void look_task(struct task_struct *task)
{
	struct call_regs regs;
	__u32 tid = BPF_CORE_READ(task, pid), zero = 0;
	struct lst_wanted *want = bpf_map_lookup_elem(&wanted, &tid);
	struct lst_task_record *r = bpf_map_lookup_elem(&look_records, &zero);

	if (!want || !r || !regs_read(task, &regs))
		return;
	__u32 state = task_state(task);
	__u64 now = bpf_ktime_get_ns();
	__builtin_memset(r, 0, sizeof *r);
	record_begin(&r->head, LST_RECORD_TASK, sizeof *r, BPF_CORE_READ(task, tgid), tid, now);
	r->cpu = state ? out_state(false, state) : LST_CPU_ON;
	r->slot = ~0u;
	r->last_ran_ns = bpf_core_field_exists(task->sched_info.last_arrival)
				 ? BPF_CORE_READ(task, sched_info.last_arrival)
				 : 0;
	BPF_CORE_READ_STR_INTO(&r->comm, task, comm);
	r->block.call = regs_call(&regs);
	if (state)
		block_describe(task, &regs, &r->block);
	if (want->fd != ~0u)
		stuck_adopt(task, want, r, now);
	want->slot = r->slot;
	want->gap_seq = r->gap_seq;
	if (state && !cfg.has_copy)
		look_frame(task, &regs, want, &r->stack);
	if (bpf_ringbuf_output(&ring, r, sizeof *r, BPF_RB_FORCE_WAKEUP))
		lose(LST_LOSS_RING_FULL);
}

#endif
