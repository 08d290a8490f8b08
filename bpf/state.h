/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The maps and what is kept in them: the configuration, threads, loops, losses. Every other file reaches state through
 * the accessors here and nowhere else.
 *
 * Threads and loops live in mapped arrays, so that user space reads them without a system call; a slot number is popped from a queue that
 * user space filled, and comes back to it from there (atomics that fetch are missing on 5.10). A thread is found by tid through
 * `seats`, a direct-mapped table: one load tells nearly every thread of the host that it is not ours.
 */
#ifndef LOOPSTALL_BPF_STATE_H
#define LOOPSTALL_BPF_STATE_H

#include "wire.h"

#define SEPARATE __attribute__((noinline)) /* global: verified by itself */

const volatile struct lst_config cfg = {};
const volatile __u8 call_shape[LST_CALLS] = {}; /* enum lst_call_shape by system call number */

__u64 losses[LST_LOSS_KINDS];

struct lst_seat seats[LST_SEATS];

struct loop_key {
	__u64 object;
	__u32 tgid, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lst_loop);
} loops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lst_loop_hists);
} hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lst_thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct loop_key);
	__type(value, __u32);
} loop_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} thread_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
} followed_threads SEC(".maps"); /* how many there are of a process */

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
} free_loops SEC(".maps"), free_threads SEC(".maps"), free_scratch SEC(".maps");

static __always_inline void lose(enum lst_loss reason)
{
	__sync_fetch_and_add(&losses[reason], 1);
}

/* Adds to a figure of a loop: with an atomic only where several threads may do so at the same time. */
static __always_inline void loop_add(const struct lst_loop *l, __u64 *figure, __u64 n)
{
	if (l->shared)
		__sync_fetch_and_add(figure, n);
	else
		*figure += n;
}

/* Never below zero, which would be a loop that is covered for ever: of a wait that was not seen whole two may see the end. */
static __always_inline void waiter_leaves(struct lst_loop *l)
{
	if (l->waiters)
		__sync_fetch_and_add(&l->waiters, -1);
}

/*
 * The value, or `most` if it is larger. A comparison in C would do, but kernels before 6.4 forget what they learned from it when the
 * compiler keeps the value on the stack in between: to be called right before the use.
 */
static __always_inline __u64 bounded(__u64 value, const __u64 most)
{
#ifdef __bpf__
	asm volatile("if %0 <= %1 goto +1\n%0 = %1" : "+r"(value) : "i"(most));
	return value;
#else /* compiled for user space, by tests */
	return value <= most ? value : most;
#endif
}

static __always_inline struct lst_loop *loop_at(__u32 slot)
{
	return bpf_map_lookup_elem(&loops, &slot);
}

static __always_inline struct lst_loop_hists *hists_at(__u32 slot)
{
	return bpf_map_lookup_elem(&hists, &slot);
}

static __always_inline struct lst_thread *thread_at(__u32 slot)
{
	return bpf_map_lookup_elem(&threads, &slot);
}

/* NULL for a thread that is not followed. */
static __always_inline struct lst_thread *thread_find(__u32 tid)
{
	struct lst_seat *seat = &seats[tid & (LST_SEATS - 1)];
	if (!seat->tracked)
		return NULL;
	__u32 slot = seat->slot;
	if (seat->tid != tid) {
		__u32 *found = bpf_map_lookup_elem(&thread_slots, &tid);
		if (!found)
			return NULL;
		slot = *found;
	}
	struct lst_thread *t = thread_at(slot);
	return t && t->tid == tid ? t : NULL;
}

static __always_inline void process_gains_thread(__u32 tgid)
{
	__u32 one = 1, *n = bpf_map_lookup_elem(&followed_threads, &tgid);
	if (!n && !bpf_map_update_elem(&followed_threads, &tgid, &one, BPF_NOEXIST))
		return;
	if (!n) /* another thread was quicker */
		n = bpf_map_lookup_elem(&followed_threads, &tgid);
	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline void process_loses_thread(__u32 tgid)
{
	__u32 *n = bpf_map_lookup_elem(&followed_threads, &tgid);
	if (n)
		__sync_fetch_and_add(n, -1);
}

static __always_inline bool process_has_threads(__u32 tgid)
{
	__u32 *n = bpf_map_lookup_elem(&followed_threads, &tgid);
	return n && *n;
}

static __always_inline struct lst_thread *thread_create(struct task_struct *task, __u32 tid, __u32 tgid)
{
	__u32 slot;
	if (bpf_map_pop_elem(&free_threads, &slot)) {
		lose(LST_LOSS_THREADS_FULL);
		return NULL;
	}
	struct lst_thread *t = thread_at(slot);
	if (!t || bpf_map_update_elem(&thread_slots, &tid, &slot, BPF_NOEXIST)) {
		bpf_map_push_elem(&free_threads, &slot, BPF_ANY);
		lose(LST_LOSS_CREATE_FAILED);
		return NULL;
	}
	t->tgid = tgid;
	t->slot = slot;
	BPF_CORE_READ_STR_INTO(&t->comm, task, comm);
	t->state = LST_SLOT_LIVE;
	t->tid = tid;
	struct lst_seat *seat = &seats[tid & (LST_SEATS - 1)];
	seat->slot = slot;
	seat->tid = tid;
	__sync_fetch_and_add(&seat->tracked, 1);
	process_gains_thread(tgid);
	return t;
}

/* The slot is cleared and given back by user space once it has read what it needs. */
static __always_inline void thread_remove(struct lst_thread *t)
{
	__u32 tid = t->tid;
	struct lst_seat *seat = &seats[tid & (LST_SEATS - 1)];
	if (bpf_map_delete_elem(&thread_slots, &tid))
		return;
	if (seat->tid == tid)
		seat->tid = 0;
	__sync_fetch_and_add(&seat->tracked, -1);
	process_loses_thread(t->tgid);
	t->state = LST_SLOT_DEAD;
}

#endif
