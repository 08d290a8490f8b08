/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A thread enters and leaves the wait call of a loop. All attach rungs end here; this file knows nothing of how it was called.
 */
#ifndef LOOPSTALL_BPF_WAIT_H
#define LOOPSTALL_BPF_WAIT_H

#include "peer.h"
#include "scope.h"

#define TIMEOUT_NONE (-1LL)

static __always_inline bool is_wait_call(__u32 nr)
{
	return nr == cfg.wait_nr[0] || nr == cfg.wait_nr[1] || nr == cfg.wait_nr[2];
}

static __always_inline void loop_announce(struct lst_loop *l, __u32 slot, struct lst_thread *t, __u32 first,
					  __u64 now)
{
	struct lst_loop_record *r = bpf_ringbuf_reserve(&ring, sizeof *r, 0);
	if (!r) {
		lose(LST_LOSS_RING_FULL);
		return;
	}
	record_begin(&r->head, LST_RECORD_LOOP, sizeof *r, t->tgid, t->tid, now);
	r->slot = slot;
	r->fd = t->wait_fd;
	r->first = first;
	r->generation = l->generation;
	__builtin_memcpy(r->comm, t->comm, sizeof r->comm);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

static __always_inline struct lst_loop *loop_create(struct lst_thread *t, const struct loop_key *key,
						    __u32 fd, __u32 *slot, __u64 now)
{
	if (bpf_map_pop_elem(&free_loops, slot)) {
		lose(LST_LOSS_LOOPS_FULL);
		return NULL;
	}
	struct lst_loop *l = loop_at(*slot);
	if (!l)
		return NULL;
	l->object = key->object;
	l->tgid = key->tgid;
	l->tid = t->tid;
	l->fd = fd;
	l->born_ns = l->last_wait_ns = now;
	__builtin_memcpy(l->comm, t->comm, sizeof l->comm);
	l->state = LST_SLOT_LIVE;
	if (bpf_map_update_elem(&loop_slots, key, slot, BPF_NOEXIST)) {
		l->state = LST_SLOT_FREE;
		bpf_map_push_elem(&free_loops, slot, BPF_ANY);
		__u32 *other = bpf_map_lookup_elem(&loop_slots, key); /* another thread was quicker */
		if (!other) {
			lose(LST_LOSS_CREATE_FAILED);
			return NULL;
		}
		*slot = *other;
		return loop_at(*slot);
	}
	return l;
}

/*
 * A gap whose loop was closed in it never ends, and would own all that the thread does in its next loop. Nothing tells of a close, but the
 * descriptor leads elsewhere then. (A loop that lives on behind a duplicate loses this one gap.)
 */
SEPARATE int gap_drop_if_closed(__u32 slot, __u32 thread_slot)
{
	struct lst_thread *t = thread_at(thread_slot);
	struct lst_loop *l = loop_at(slot);

	if (!t || !l || !l->gap_start_ns || l->owner != t->tid)
		return 0;
	if ((__u64)epoll_object((void *)bpf_get_current_task(), l->fd) == l->object)
		return 0;
	if (!gap_claim(l, slot))
		return 0; /* another thread is ending it */
	pending_flush(l, slot);
	gap_drop(l, slot, t);
	gap_unclaim(l, slot);
	return 0;
}

static __always_inline void gaps_drop_closed(const struct lst_thread *t)
{
	for (int i = 0; i < LST_OPEN_GAPS; i++)
		if (t->gap_slots[i])
			gap_drop_if_closed(t->gap_slots[i] - 1, t->slot);
}

/*
 * User space is told once who waits on a loop, and not each time that a thread comes back to it from another one. Of its own loops the
 * first tells that there is a thread with this number; one of the same number before it may have made this loop.
 */
static __always_inline bool thread_joins(struct lst_thread *t, const struct lst_loop *l)
{
	if (l->tid == t->tid && t->n_joined)
		return false;
	for (int i = 0; i < LST_JOINED; i++)
		if (t->joined[i] == l->born_ns)
			return false;
	t->joined[t->n_joined++ & (LST_JOINED - 1)] = l->born_ns;
	return true;
}

/* The loop behind a descriptor; made on first sight. Remembers it in the thread. */
static __always_inline struct lst_loop *loop_of(struct lst_thread *t, struct file *file, __u32 fd, __u64 now)
{
	if (!file)
		return NULL; /* the call will fail with EBADF */
	__u64 object = file_object(file);
	if (object == t->wait_object) {
		struct lst_loop *l = loop_at(t->wait_slot);
		if (l && l->object == object && l->state == LST_SLOT_LIVE) {
			l->fd = t->wait_fd =
				fd; /* another descriptor of it, or another object at its address */
			return l;
		}
	}
	if (!object || !file_is_epoll(file))
		return NULL;
	if (t->open_gaps)
		gaps_drop_closed(t);
	struct loop_key key = {.object = object, .tgid = t->tgid};
	__u32 *known = bpf_map_lookup_elem(&loop_slots, &key), slot = known ? *known : 0;
	struct lst_loop *l = known ? loop_at(slot) : loop_create(t, &key, fd, &slot, now);
	if (!l)
		return NULL;
	t->wait_object = object;
	t->wait_slot = slot;
	t->wait_fd = fd;
	bool first = !known && l->tid == t->tid; /* else another thread was quicker */
	if (l->tid != t->tid)
		l->shared = 1;
	l->fd = fd;
	if (thread_joins(t, l) || first)
		loop_announce(l, slot, t, first, now);
	return l;
}

static __always_inline struct lst_thread *thread_of(struct task_struct *task)
{
	struct ids id = current_ids(task);
	struct lst_thread *t = thread_find(id.tid);
	if (t)
		return t;
	if (!scope_has_current(id.tgid, id.tid))
		return NULL;
	t = thread_create(task, id.tid, id.tgid);
	if (t)
		quota_begin(t, task);
	return t;
}

static __always_inline void gap_end(struct lst_loop *l, __u32 slot, struct lst_thread *t,
				    struct task_struct *task, __u64 now)
{
	if (l->pending.active && now - l->gap_start_ns > PROBE_NS) /* the last wait only probed */
		stall_send(slot, LST_HARM_LATE, 0, 0);
	if (t->open_gaps) {
		block_end_unseen(t, task, now);
		ledger_arrive(t, task, now);
	}
	if (l->owner != t->tid)
		block_of_other_send(l, now);
	else if (t->n_blocks && t->open_gaps == 1) /* else they may be another loop's */
		peers_waited(slot, t);
	gap_close(l, slot, t, task, now, 0, 0);
}

/* The loop that the thread begins to wait on. If it is still in the wait on another one, that one's return was not seen. */
static __always_inline struct lst_loop *wait_loop(struct lst_thread *t, struct task_struct *task, __u32 fd,
						  __u64 now)
{
	__u64 object = t->wait_object;
	struct lst_loop *before = t->in_wait ? loop_at(t->wait_slot) : NULL;
	struct lst_loop *l = loop_of(t, file_of_current(task, fd), fd, now);

	if (before && before != l) {
		t->in_wait = 0;
		if (before->object == object)
			waiter_leaves(before);
	}
	return l;
}

static __always_inline void wait_enter(__u32 fd, __s64 timeout_ns)
{
	struct task_struct *task = current_task();
	struct lst_thread *t = thread_of(task);
	if (!t)
		return;
	__u64 now = bpf_ktime_get_ns();
	struct lst_loop *l = wait_loop(t, task, fd, now);
	if (!l)
		return;
	__u32 slot = t->wait_slot;
	if (!t->in_wait) /* else it goes on after a signal, and is counted already */
		__sync_fetch_and_add(&l->waiters, 1);
	t->in_wait = 1;
	t->in_flight = LST_FLIGHT_NONE;
	if (l->gap_start_ns && gap_claim(l, slot)) {
		if (gap_is_plain(l, t, now))
			gap_close_plain(l, slot, t, now);
		else
			gap_end(l, slot, t, task, now);
		gap_unclaim(l, slot);
	}
	l->last_wait_ns = now;
	t->enter_ns = now;
	t->timeout_ns = timeout_ns;
	t->slept = 0;
	t->woken_ns = 0;
	t->delay_ns = 0;
	t->delay_throttled_ns = 0;
	if (!t->open_gaps)
		t->n_runners = 0;
}

/* Several threads may leave at the same time, and each see that nobody is left: one opens the gap. */
static __always_inline void gap_begin(struct lst_loop *l, __u32 slot, struct lst_thread *t,
				      struct usage usage, __u64 now)
{
	if (!l->shared) {
		gap_open(l, t, usage, now);
		return;
	}
	if (!gap_claim(l, slot))
		return;
	if (!l->gap_start_ns)
		gap_open(l, t, usage, now);
	gap_unclaim(l, slot);
	if (!l->waiters || !gap_claim(l, slot)) /* the second: who came is ending it */
		return;
	if (l->gap_start_ns && l->owner == t->tid)
		gap_drop(l, slot, t);
	gap_unclaim(l, slot);
}

/* A wait ends whose beginning was not seen: what looked like a gap was covered by it. */
static __always_inline void gap_discard(struct lst_loop *l, __u32 slot)
{
	if (!l->gap_start_ns || !gap_claim(l, slot))
		return;
	struct lst_thread *owner = thread_at(l->owner_slot);
	gap_drop(l, slot, owner && owner->tid == l->owner ? owner : NULL);
	lose(LST_LOSS_GAP_DISCARDED);
	gap_unclaim(l, slot);
}

/* Only the fd is needed if the wait began before we were there. */
static __always_inline void wait_exit(long ret)
{
	struct task_struct *task = current_task();
	struct lst_thread *t = thread_of(task);
	if (!t)
		return;
	if (ret <= -512 && ret >= -516)
		return; /* restarted by the kernel: still waiting */
	__u64 now = bpf_ktime_get_ns();
	struct lst_loop *l;
	if (t->in_wait) {
		l = loop_at(t->wait_slot);
	} else {
		struct call_regs regs;
		if (!regs_read(task, &regs))
			return;
		l = loop_of(t, file_of_current(task, regs_arg(&regs, 0)), regs_arg(&regs, 0), now);
		if (!l)
			return;
		__sync_fetch_and_add(&l->waiters, 1);
		gap_discard(l, t->wait_slot);
		t->timeout_ns = TIMEOUT_NONE;
		t->delay_ns = t->delay_throttled_ns = 0;
		if (!t->open_gaps)
			t->n_runners = 0;
		t->slept = 1;
	}
	if (!l)
		return;
	__u32 slot = t->wait_slot;
	t->in_wait = 0;
	loop_add(l, &l->waits, 1);
	if (ret > 0)
		loop_add(l, &l->events, ret);
	if (!t->timeout_ns)
		loop_add(l, &l->zero_waits, 1);
	if (t->slept) {
		loop_add(l, &l->slept_waits, 1);
		l->last_slept_ns = now;
	}
	if (t->woken_ns) /* its return to the CPU was not shown to us; it cannot have been long ago */
		t->delay_ns += now - t->woken_ns;
	t->woken_ns = 0;
	l->last_wait_ns = now;
	pending_judge(l, slot, t, ret, t->slept);
	chain_turn(l, t->timeout_ns, ret);
	waiter_leaves(l);
	if (l->waiters)
		return;
	gap_begin(l, slot, t, current_usage(task), now);
}

/* An epoll object was made: whatever we knew of its address is another one's past. */
static __always_inline void epoll_created(long fd)
{
	if (fd < 0)
		return;
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *task = (void *)bpf_get_current_task();
	struct loop_key key = {.object = (__u64)epoll_object(task, fd), .tgid = id >> 32};
	__u32 *slot = bpf_map_lookup_elem(&loop_slots, &key);
	struct lst_loop *l = slot ? loop_at(*slot) : NULL;
	if (!l)
		return;
	if (l->gap_start_ns) {
		struct lst_thread *owner = thread_at(l->owner_slot);
		gap_drop(l, *slot, owner && owner->tid == l->owner ? owner : NULL);
	}
	l->waiters = 0;
	pending_flush(l, *slot);
	l->generation++;
}

#endif
