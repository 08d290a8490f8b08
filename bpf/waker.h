/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who ended a block. In an interrupt `current` is whoever happened to run (496 of 499 timer wakeups named an unrelated thread), so a waker is
 * named only when its own saved registers show the matching call: the same futex, the other end of the pipe or socket, or its exit.
 */
#ifndef LOOPSTALL_BPF_WAKER_H
#define LOOPSTALL_BPF_WAKER_H

#include "block.h"
#include "scope.h"

static __always_inline bool ports_match(struct file *file, const struct lst_block *b)
{
	const struct lst_inet *inet = (const void *)b->target;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return false;
	return BPF_CORE_READ(sk, __sk_common.skc_num) == inet->port &&
	       bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)) == inet->local_port && inet->port;
}

/* A pipe has one inode for both ends. */
static __always_inline bool file_is_other_end(struct file *file, const struct lst_block *b, __u32 *why)
{
	__u16 type = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;

	if (b->kind == LST_TARGET_PIPE && type == S_IFIFO) {
		*why = LST_WAKER_PIPE;
		return BPF_CORE_READ(file, f_inode, i_ino) == b->object;
	}
	if (b->kind == LST_TARGET_ANON && type == 0) { /* eventfd: the same file */
		*why = LST_WAKER_CALL;
		return BPF_CORE_READ(file, f_inode, i_ino) == b->object && b->fd != ~0u;
	}
	*why = LST_WAKER_SOCKET;
	return b->kind == LST_TARGET_INET && type == S_IFSOCK && ports_match(file, b);
}

static __always_inline __u32 waker_why(struct lst_thread *t, const struct lst_block *b,
				       struct task_struct *waker, __u32 tgid)
{
	struct call_regs regs;
	__u32 why;

	bool exiting = BPF_CORE_READ(waker, flags) & PF_EXITING;
	if (!regs_read(waker, &regs) || (!exiting && regs_call(&regs) == NO_CALL))
		return LST_WAKER_UNKNOWN;
	/* A closed descriptor can no longer be read, and a child's end of a pipe is closed when it exits or before: being the child must do. */
	if ((__u32)BPF_CORE_READ(waker, real_parent, tgid) == t->tgid && tgid != t->tgid &&
	    (b->kind == LST_TARGET_CHILD || b->kind == LST_TARGET_PIPE ||
	     shape_of(b->call) == LST_SHAPE_FORK))
		return LST_WAKER_EXIT;
	if (exiting)
		return LST_WAKER_UNKNOWN;
	__u32 shape = shape_of(regs_call(&regs));
	if (b->kind == LST_TARGET_FUTEX)
		return shape == LST_SHAPE_FUTEX && tgid == t->tgid && regs_arg(&regs, 0) == b->object
			       ? LST_WAKER_FUTEX
			       : LST_WAKER_UNKNOWN;
	if (shape != LST_SHAPE_FD)
		return LST_WAKER_UNKNOWN;
	struct file *file = file_of(waker, regs_arg(&regs, 0));
	return file && file_is_other_end(file, b, &why) ? why : LST_WAKER_UNKNOWN;
}

/* The stack of who releases a lock shows who held it, that of who writes into a pipe what the answer waited for. */
static __always_inline void waker_stack_send(struct lst_thread *t, struct task_struct *waker, __u32 tgid,
					     __u32 tid, __u64 now)
{
	__u32 slot = 0;
	struct lst_loop *l = gap_of(t, &slot);
	__u32 place = place_of_cpu(BUFFER_WAKER);
	struct stack_buffer *buffer = stack_buffer_at(place);
	if (!l || !buffer || now - l->gap_start_ns < cfg.snapshot_age_ns)
		return;
	struct lst_stack_record *r = &buffer->record;
	if (!stack_capture(waker, NULL, buffer, place))
		return;
	pending_overtaken(l, slot, now);
	record_begin(&r->head, LST_RECORD_STACK, 0, tgid, tid, now);
	r->why = LST_STACK_WAKER;
	r->slot = slot;
	r->seq = stack_number();
	r->block = block_name(t, t->block_now);
	r->gap_seq = l->gap_seq;
	r->weight_ns = 0;
	r->for_tid = t->tid;
	stack_send(buffer);
}

/* The longest block of its kind so far gets a waker's stack; many short ones get one, when they have come to count. */
static __always_inline bool waker_stack_counts(const struct lst_thread *t, struct lst_block *b, __u64 now)
{
	__u64 blocked = now - t->since_ns;
	bool counts = blocked >= STACK_BLOCK_NS ? !b->waker_stacks || blocked > b->max_ns + b->max_ns / 4
						: !b->waker_stacks && b->sum_ns >= STACK_BLOCK_NS;
	b->waker_stacks |= counts;
	return counts;
}

/* t is blocked inside a gap and the thread that runs now wakes it. */
static __always_inline void waker_prove(struct lst_thread *t, __u64 now)
{
	__u32 at = t->block_now;
	if (at >= LST_BLOCKS)
		return;
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *waker = (void *)bpf_get_current_task();
	__u32 why = (__u32)id ? waker_why(t, block_at(t, at), waker, id >> 32) : LST_WAKER_UNKNOWN;
	if (why == LST_WAKER_UNKNOWN)
		return;
	t->waker.tgid = id >> 32;
	t->waker.tid = (__u32)id;
	t->waker.why = why;
	bpf_get_current_comm(t->waker.comm, sizeof t->waker.comm);
	if (why != LST_WAKER_EXIT && cfg.stacks && waker_stack_counts(t, block_at(t, at), now) &&
	    scope_has_process(id >> 32))
		waker_stack_send(t, waker, id >> 32, (__u32)id, now);
}

#endif
