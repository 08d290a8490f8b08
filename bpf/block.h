/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Blocked time inside a gap, summed by call and target; who ended it; and the stack of the longest.
 *
 * Call and arguments come from the saved user registers, so no other system call needs a hook. The stack must be taken when the thread leaves
 * the CPU, before anybody knows how long it will be away: into a scratch buffer that is sent when the block counts and reused when not.
 */
#ifndef LOOPSTALL_BPF_BLOCK_H
#define LOOPSTALL_BPF_BLOCK_H

#include "files.h"
#include "gap.h"
#include "regs.h"

#define STACK_BLOCK_NS	1000000ULL /* blocks (or sums of short ones) from here on get a stack */
#define TIMER_ABSTIME	1
#define CLOCK_MONOTONIC 1

struct user_pollfd {
	__s32 fd;
	__s16 events, revents;
};

struct user_timespec {
	__s64 sec, nsec;
};

static __always_inline __u32 shape_of(__u32 call)
{
	return call < LST_CALLS ? call_shape[call & (LST_CALLS - 1)] : LST_SHAPE_NONE;
}

static __always_inline void fd_describe(struct task_struct *task, struct lst_block *b)
{
	struct file *file = file_of(task, b->fd);
	if (file)
		file_describe(file, b);
}

static __always_inline void sleep_describe(struct lst_block *b, __u64 user_timespec)
{
	struct user_timespec request = {};
	b->kind = LST_TARGET_SLEEP;
	if (!bpf_probe_read_user(&request, sizeof request, (void *)user_timespec))
		b->object = request.sec * 1000000000ULL + request.nsec;
}

/* An absolute sleep names the moment it ends; only of the monotonic clock do we know how far that is. */
static __always_inline void sleep_until(struct lst_block *b, __u64 clock)
{
	__u64 now = bpf_ktime_get_ns();
	b->object = clock == CLOCK_MONOTONIC && b->object > now ? b->object - now : 0;
}

/* Without a descriptor it is a sleep in disguise, as usleep() once was. */
static __always_inline void poll_describe(struct lst_block *b, const struct call_regs *regs,
					  bool has_timespec)
{
	struct user_pollfd first = {.fd = -1};
	__s32 ms = regs_arg(regs, 2);

	b->fds = regs_arg(regs, 1);
	if (!b->fds && has_timespec) {
		sleep_describe(b, regs_arg(regs, 2));
	} else if (!b->fds) {
		b->kind = LST_TARGET_SLEEP;
		b->object = ms > 0 ? ms * 1000000ULL : 0;
	} else if (!bpf_probe_read_user(&first, sizeof first, (void *)regs_arg(regs, 0)) && first.fd >= 0) {
		b->fd = first.fd;
	}
}

/* The same. Of select() itself the time is in other units, and it has it in no C library of today. */
static __always_inline void select_sleeps(struct lst_block *b, const struct call_regs *regs,
					  bool has_timespec)
{
	if (regs_arg(regs, 3))
		return; /* only what is exceptional is waited for */
	if (has_timespec)
		sleep_describe(b, regs_arg(regs, 4));
	else
		b->kind = LST_TARGET_SLEEP;
}

/* The lowest descriptor of the read set, else of the write set, among the first 256. */
static __always_inline void select_describe(struct lst_block *b, const struct call_regs *regs,
					    bool has_timespec)
{
	__u64 words[4] = {};
	__u64 set = regs_arg(regs, 1) ? regs_arg(regs, 1) : regs_arg(regs, 2);
	b->fds = regs_arg(regs, 0);
	if (!set) {
		select_sleeps(b, regs, has_timespec);
		return;
	}
	bpf_probe_read_user(words, b->fds > 64 ? 32 : 8, (void *)set);
	for (__u32 fd = 0; fd < 256; fd++) {
		if (!(words[(fd >> 6) & 3] >> (fd & 63) & 1))
			continue;
		b->fd = fd;
		return;
	}
}

/* Fills a zeroed block from the call that the thread is in. */
static __always_inline void block_describe(struct task_struct *task, const struct call_regs *regs,
					   struct lst_block *b)
{
	__u32 call = regs_call(regs);

	b->fd = ~0u;
	if (call == NO_CALL) {
		/* At which address no task says: thread.cr2 and its like are those of the last signal. */
		b->call = LST_CALL_FAULT;
		b->kind = LST_TARGET_FAULT;
		return;
	}
	b->call = call;
	__u32 shape = shape_of(call);
	switch (shape) {
	case LST_SHAPE_FD:
	case LST_SHAPE_EPOLL: b->fd = regs_arg(regs, 0); break;
	case LST_SHAPE_POLL:
	case LST_SHAPE_PPOLL: poll_describe(b, regs, shape == LST_SHAPE_PPOLL); break;
	case LST_SHAPE_SELECT:
	case LST_SHAPE_PSELECT: select_describe(b, regs, shape == LST_SHAPE_PSELECT); break;
	case LST_SHAPE_FUTEX:
		b->kind = LST_TARGET_FUTEX;
		b->object = regs_arg(regs, 0);
		break;
	case LST_SHAPE_SLEEP: sleep_describe(b, regs_arg(regs, 0)); break;
	case LST_SHAPE_SLEEP2:
		sleep_describe(b, regs_arg(regs, 2));
		if (regs_arg(regs, 1) & TIMER_ABSTIME)
			sleep_until(b, regs_arg(regs, 0));
		break;
	case LST_SHAPE_WAITPID:
		b->kind = LST_TARGET_CHILD;
		b->object = (__s32)regs_arg(regs, 0) > 0 ? (__u32)regs_arg(regs, 0) : 0;
		break;
	case LST_SHAPE_WAITID:
		b->kind = LST_TARGET_CHILD;
		b->object = regs_arg(regs, 0) == 1 ? (__u32)regs_arg(regs, 1) : 0; /* P_PID */
		break;
	case LST_SHAPE_PATH:
		b->kind = LST_TARGET_PATH;
		bpf_probe_read_user_str(b->target, LST_TARGET_BYTES, (void *)regs_arg(regs, 0));
		break;
	case LST_SHAPE_PATHAT:
		b->kind = LST_TARGET_PATH;
		bpf_probe_read_user_str(b->target, LST_TARGET_BYTES, (void *)regs_arg(regs, 1));
		break;
	}
	if (b->fd != ~0u)
		fd_describe(task, b);
}

/* One per CPU: the block being described, too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lst_block);
} new_blocks SEC(".maps");

static __always_inline struct lst_block *block_at(struct lst_thread *t, __u32 at)
{
	return &t->blocks[bounded(at, LST_BLOCKS - 1)];
}

static __always_inline bool block_is_same(const struct lst_block *a, const struct lst_block *b)
{
	if (a->call != b->call || a->kind != b->kind)
		return false;
	/* Faults, and sleeps of different lengths, are one kind of block; so are files by number and sockets by peer. */
	if (a->kind == LST_TARGET_FAULT || a->kind == LST_TARGET_SLEEP)
		return true;
	if (a->kind != LST_TARGET_INET)
		return a->object == b->object;
	const struct lst_inet *x = (const void *)a->target, *y = (const void *)b->target;
	const __u64 *xa = (const void *)x->address, *ya = (const void *)y->address;
	return x->port == y->port && xa[0] == ya[0] && xa[1] == ya[1];
}

/* The outermost open gap of a thread, NULL if none. */
static __always_inline struct lst_loop *gap_of(struct lst_thread *t, __u32 *slot)
{
	for (int i = 0; i < LST_OPEN_GAPS; i++) {
		if (!t->gap_slots[i])
			continue;
		*slot = t->gap_slots[i] - 1;
		struct lst_loop *l = loop_at(*slot);
		return l && l->gap_start_ns ? l : NULL;
	}
	return NULL;
}

/* The last block stands for what has no place of its own from the moment on that the others are taken. */
static __always_inline void rest_begin(struct lst_thread *t)
{
	struct lst_block *rest = &t->blocks[LST_REST];
	if (t->n_blocks == LST_BLOCKS)
		return;
	__builtin_memset(rest, 0, sizeof *rest);
	rest->call = LST_CALL_REST;
	rest->fd = ~0u;
	t->n_blocks = LST_BLOCKS;
}

/*
 * The block that matters may come late: the shortest so far goes to the rest and leaves its place. Not where blocks belong to two loops'
 * gaps, for the second knows by their places what was before it.
 */
static __always_inline __u32 block_displace(struct lst_thread *t, const struct lst_block *b)
{
	struct lst_block *rest = &t->blocks[LST_REST];
	__u32 least = 0, slot = 0;
	struct lst_loop *l = gap_of(t, &slot);

	rest_begin(t);
	if (!l || l->base_n_blocks || t->open_gaps > 1) {
		lose(LST_LOSS_BLOCKS_FULL);
		return LST_REST;
	}
	for (__u32 i = 1; i < LST_REST; i++)
		if (t->blocks[i].sum_ns < t->blocks[bounded(least, LST_REST - 1)].sum_ns)
			least = i;
	struct lst_block *shortest = &t->blocks[bounded(least, LST_REST - 1)];
	if (shortest->sum_ns >= STACK_BLOCK_NS)
		lose(LST_LOSS_BLOCKS_FULL);
	rest->count += shortest->count;
	rest->sum_ns += shortest->sum_ns;
	if (shortest->max_ns > rest->max_ns)
		rest->max_ns = shortest->max_ns;
	__u32 tenant = shortest->tenant + 1;
	bpf_probe_read_kernel(shortest, sizeof *b, b);
	shortest->tenant = tenant;
	return least;
}

/* What a stack's record calls the block: its place, and which of those that had it. */
static __always_inline __u32 block_name(struct lst_thread *t, __u32 at)
{
	return at | block_at(t, at)->tenant << 8;
}

/* The thread's slot for this call and target. */
static __always_inline __u32 block_slot(struct lst_thread *t, const struct lst_block *b)
{
	__u32 n = t->n_blocks;
	for (__u32 i = 0; i < LST_BLOCKS; i++)
		if (i < n && block_is_same(&t->blocks[i], b))
			return i;
	if (n >= LST_REST)
		return block_displace(t, b);
	t->n_blocks = n + 1;
	bpf_probe_read_kernel(block_at(t, n), sizeof *b, b);
	return n;
}

static __always_inline void scratch_release(struct lst_thread *t)
{
	__u32 index = t->scratch - 1;
	if (!t->scratch)
		return;
	t->scratch = 0;
	bpf_map_push_elem(&free_scratch, &index, BPF_ANY);
}

/*
 * The thread that runs now. A function of its own, as the three below: the verifier looks at it once and not behind every branch of its
 * callers, which is what a start costs most.
 */
SEPARATE int block_snapshot(__u32 slot)
{
	struct lst_thread *t = thread_at(slot);
	__u32 index;
	if (!t || !cfg.stacks)
		return 0;
	scratch_release(t); /* of a block whose end was not shown to us */
	if (bpf_map_pop_elem(&free_scratch, &index)) {
		lose(LST_LOSS_NO_SCRATCH);
		return 0;
	}
	struct stack_buffer *buffer = bpf_map_lookup_elem(&block_buffers, &index);
	if (!buffer || !stack_capture((void *)bpf_get_current_task(), t, buffer, index | PLACE_BLOCK)) {
		bpf_map_push_elem(&free_scratch, &index, BPF_ANY);
		return 0;
	}
	t->scratch = index + 1;
	return 0;
}

/* The thread leaves the CPU to wait for something, inside a gap; it still runs. */
SEPARATE int block_begin(__u32 slot)
{
	struct call_regs regs;
	__u32 cpu = bpf_get_smp_processor_id();
	struct task_struct *task = (void *)bpf_get_current_task();
	struct lst_block *b = bpf_map_lookup_elem(&new_blocks, &cpu);
	struct lst_thread *t = thread_at(slot);

	if (!t)
		return 0;
	t->block_now = ~0u;
	t->waker.tid = t->waker.tgid = t->waker.why = 0;
	if (!b || !regs_read(task, &regs))
		return 0;
	__builtin_memset(b, 0, sizeof *b);
	block_describe(task, &regs, b);
	t->block_now = block_slot(t, b);
	return 0;
}

/* Sends the scratch snapshot if this block is the longest of its kind so far, or many short ones have come to count. */
static __always_inline void block_stack_send(struct lst_thread *t, struct lst_block *b, __u64 sum_ns,
					     __u64 ns, __u64 now)
{
	__u32 index = t->scratch - 1, slot = 0;
	if (!t->scratch || sum_ns < STACK_BLOCK_NS || (b->stack_seq && ns < b->stack_ns + b->stack_ns / 4))
		return;
	struct stack_buffer *buffer = bpf_map_lookup_elem(&block_buffers, &index);
	struct lst_loop *l = gap_of(t, &slot);
	if (!buffer || !l)
		return;
	pending_overtaken(l, slot, now);
	struct lst_stack_record *r = &buffer->record;
	record_begin(&r->head, LST_RECORD_STACK, 0, t->tgid, t->tid, now);
	r->why = LST_STACK_BLOCK;
	r->slot = slot;
	r->seq = stack_number();
	r->block = block_name(t, t->block_now);
	r->gap_seq = l->gap_seq;
	r->weight_ns = ns;
	r->for_tid = 0;
	b->stack_seq = r->seq;
	b->stack_ns = ns;
	stack_send(buffer);
}

/* The owner of a gap that another thread ends may still be blocked: that block is what the gap was about. */
static __always_inline void block_of_other_send(struct lst_loop *l, __u64 now)
{
	struct lst_thread *owner = thread_at(l->owner_slot);
	if (!owner || owner->tid != l->owner || owner->cpu != LST_CPU_BLOCKED ||
	    owner->block_now >= LST_BLOCKS)
		return;
	struct lst_block *b = block_at(owner, owner->block_now);
	__u64 ns = blocked_so_far(owner, now);
	block_stack_send(owner, b, b->sum_ns + ns, ns, now);
}

/* The thread is back. */
SEPARATE int block_end(__u32 slot, __u64 blocked_ns, __u64 now)
{
	struct lst_thread *t = thread_at(slot);
	if (!t)
		return 0;
	__u32 at = t->block_now;

	if (at < LST_BLOCKS) {
		struct lst_block *b = block_at(t, at);
		b->count++;
		b->sum_ns += blocked_ns;
		if (b->call == LST_CALL_FAULT)
			t->ledger.fault_ns += blocked_ns;
		/* A lock is waited for with timeouts: who passed it on in the end tells more than that the longest wait timed out. */
		if (blocked_ns > b->max_ns ? t->waker.tid || b->kind != LST_TARGET_FUTEX
					   : t->waker.tid && !b->waker.tid)
			b->waker = t->waker;
		if (blocked_ns > b->max_ns)
			b->max_ns = blocked_ns;
		block_stack_send(t, b, b->sum_ns, blocked_ns, now);
	}
	t->block_now = ~0u;
	scratch_release(t);
	return 0;
}

/* The thread runs, and how it came back was not shown to us. */
static __always_inline void block_end_unseen(struct lst_thread *t, struct task_struct *task, __u64 now)
{
	if (t->cpu == LST_CPU_BLOCKED)
		block_end(t->slot, blocked_unseen(t, task, now), now);
}

#endif
