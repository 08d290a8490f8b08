/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Birth, change and death of processes and threads: what is followed grows and shrinks with them, and user space is told. */
#ifndef LOOPSTALL_BPF_PROCESS_H
#define LOOPSTALL_BPF_PROCESS_H

#include "block.h"
#include "wait.h"

static __always_inline void process_send(struct task_struct *task, __u32 event, __u32 parent)
{
	struct lst_process_record *r = bpf_ringbuf_reserve(&ring, sizeof *r, 0);
	if (!r) {
		lose(LST_LOSS_RING_FULL);
		return;
	}
	record_begin(&r->head, LST_RECORD_PROCESS, sizeof *r, BPF_CORE_READ(task, tgid),
		     BPF_CORE_READ(task, pid), bpf_ktime_get_ns());
	r->event = event;
	r->parent = parent;
	BPF_CORE_READ_STR_INTO(&r->comm, task, comm);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* A process born while its parent's loop does not wait may be what the loop waits for next. */
static __always_inline void child_note(__u32 parent_tid, struct task_struct *child)
{
	struct lst_thread *t = thread_find(parent_tid);
	if (!t || !t->open_gaps)
		return;
	t->children[1] = t->children[0];
	t->children[0].pid = BPF_CORE_READ(child, tgid);
	BPF_CORE_READ_STR_INTO(&t->children[0].comm, child, comm);
}

static __always_inline void process_forked(struct task_struct *parent, struct task_struct *child)
{
	__u32 from = BPF_CORE_READ(parent, tgid), to = BPF_CORE_READ(child, tgid), yes = 1;

	stranger_forget(BPF_CORE_READ(child, pid));
	if (from == to)
		return;				     /* a thread */
	bpf_map_delete_elem(&followed_threads, &to); /* of an earlier process, where an end was not seen */
	if (!scope_has_process(from))
		return;
	child_note(BPF_CORE_READ(parent, pid), child);
	if (!cfg.follow_forks || cfg.scope == LST_SCOPE_ALL)
		return;
	if (bpf_map_update_elem(&targets, &to, &yes, BPF_ANY)) {
		lose(LST_LOSS_CREATE_FAILED);
		return;
	}
	process_send(child, LST_PROCESS_FORK, from);
}

/*
 * One gap of the thread that runs now and will be gone; verified by itself, once for all that it may have open. Without a flag for how it
 * ended it is none.
 */
SEPARATE int gap_leave(__u32 slot, __u32 thread_slot, __u64 now, __u32 flags, __u32 signal)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct lst_thread *t = thread_at(thread_slot);
	struct lst_loop *l = loop_at(slot);

	if (!t || !l || !l->gap_start_ns || l->owner != t->tid)
		return 0;
	if (!gap_claim(l, slot))
		return 0; /* another thread is ending it */
	pending_flush(l, slot);
	if (flags && now - l->gap_start_ns + l->gap_delay_ns >= cfg.record_ns) {
		ledger_arrive(t, task, now);
		gap_close(l, slot, t, task, now, flags, signal);
	} else {
		gap_drop(l, slot, t);
	}
	gap_unclaim(l, slot);
	return 0;
}

/*
 * Takes the thread that runs now out of whatever it takes part in. `flags` say how its gaps end, 0 that it left by itself; `signal` is what
 * kills it.
 */
static __always_inline void thread_leave(struct lst_thread *t, __u32 flags, __u32 signal)
{
	__u64 now = bpf_ktime_get_ns();
	struct lst_loop *waited = loop_at(t->wait_slot);

	if (t->in_wait) {
		t->in_wait = 0;
		if (waited && waited->object == t->wait_object)
			waiter_leaves(waited);
	}
	if (waited && waited->object == t->wait_object && waited->pending.owner == t->tid)
		pending_flush(waited, t->wait_slot);
	scratch_release(t);
	for (int i = 0; i < LST_OPEN_GAPS; i++)
		if (t->gap_slots[i])
			gap_leave(t->gap_slots[i] - 1, t->slot, now, flags, signal);
	thread_remove(t);
}

static __always_inline void process_execed(struct task_struct *task, __u32 old_tid)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), parent = BPF_CORE_READ(task, real_parent, pid);
	struct lst_thread *t = thread_find(parent);

	if (t && t->open_gaps && t->children[0].pid == tgid)
		BPF_CORE_READ_STR_INTO(&t->children[0].comm, task, comm);
	else if (t && t->open_gaps && t->children[1].pid == tgid)
		BPF_CORE_READ_STR_INTO(&t->children[1].comm, task, comm);
	t = thread_find(old_tid);
	if (!t && !scope_has_process(tgid))
		return;
	if (t)
		thread_leave(t, LST_GAP_EXEC, 0);
	t = old_tid == tgid ? NULL : thread_find(tgid);
	if (t)
		thread_leave(t, 0, 0);
	process_send(task, LST_PROCESS_EXEC, 0);
}

/*
 * Threads that are killed together all count themselves out before any of them gets here, and any of them may be the last to: the last of
 * ours tells the end, behind what the others had to tell.
 */
static __always_inline void thread_exited(struct task_struct *task)
{
	__u32 tid = BPF_CORE_READ(task, pid), tgid = BPF_CORE_READ(task, tgid);
	struct lst_thread *t = thread_find(tid);
	__u32 signal = BPF_CORE_READ(task, exit_code) & 0x7f;

	if (t)
		thread_leave(t, signal ? LST_GAP_TERMINAL : 0, signal);
	bool last = BPF_CORE_READ(task, signal, live.counter) == 0 && !process_has_threads(tgid);
	if (!t && !last)
		return;
	if (!scope_has_process(tgid) && !t)
		return;
	process_send(task, last ? LST_PROCESS_EXIT : LST_PROCESS_THREAD_EXIT, 0);
	if (last) {
		bpf_map_delete_elem(&targets, &tgid);
		bpf_map_delete_elem(&followed_threads, &tgid);
	}
}

#endif
