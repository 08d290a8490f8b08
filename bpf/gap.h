/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The gap machine: one per loop (process, epoll object).
 *
 *              last waiter returns                       a thread waits again
 *   COVERED ─────────────────────────▶ GAP (owner: who returned) ─────────────▶ COVERED, iteration counted; if long enough it is
 *                                       │                                       pending until that wait shows its harm
 *                                       └─ owner dies: ended as terminal;  runs another program: ended by exec;
 *                                          object closed or created anew: dropped
 *
 * A loop is covered while any thread of the process waits on it. Two threads may come and go at the same time and there is no fetching
 * atomic on old kernels: who leaves announces the gap first and looks again for waiters, who comes counts itself first and
 * looks for a gap, so at least one of the two sees the other.
 */
#ifndef LOOPSTALL_BPF_GAP_H
#define LOOPSTALL_BPF_GAP_H

#include "chain.h"
#include "current.h"
#include "histogram.h"
#include "ledger.h"
#include "stack.h"

#define TOP_WINDOW_NS 10000000000ULL /* the five longest of every 10 s are kept … */
#define TOP_FLOOR_NS  1000000ULL     /* … from 1 ms on */
#define LATE_FLOOR_NS 1000000ULL     /* timeouts are in ms and timers have slack */
#define PROBE_NS      200000ULL	     /* a wait with timeout 0 and the wait after it are judged as one */

/* Counted anew and not up and down: the thread and one that ends its gap may be at it at the same time. */
static __always_inline void gaps_recount(struct lst_thread *t)
{
	__u32 n = 0;
	for (int i = 0; i < LST_OPEN_GAPS; i++)
		n += t->gap_slots[i] != 0;
	t->open_gaps = n;
}

/* With one gap open it is the only one there is to forget, and with none the first place is free. */
static __always_inline void gap_forget_owner(struct lst_thread *t, __u32 slot)
{
	if (t->open_gaps == 1 && t->gap_slots[0] == slot + 1) {
		t->gap_slots[0] = 0;
		t->open_gaps = 0;
		return;
	}
	for (int i = 0; i < LST_OPEN_GAPS; i++)
		if (t->gap_slots[i] == slot + 1)
			t->gap_slots[i] = 0;
	gaps_recount(t);
}

static __always_inline void thread_begin_activity(struct lst_thread *t, __u64 now)
{
	t->n_blocks = 0;
	t->block_now = ~0u;
	t->children[0].pid = t->children[1].pid = 0;
	t->stopper.by = LST_STOP_NONE;
	ledger_start(t, now);
}

/* Where the blocks stand when a gap opens; there are none but where another gap of the thread is open. */
static __always_inline void blocks_note(struct lst_loop *l, const struct lst_thread *t)
{
	l->base_n_blocks = t->n_blocks;
	if (!t->n_blocks)
		return;
	for (__u32 i = 0; i < LST_BLOCKS; i++) {
		l->base_block_ns[i] = t->blocks[i].sum_ns;
		l->base_block_count[i] = t->blocks[i].count;
	}
}

/* Another loop's gap of the thread is open. */
static __always_inline bool gap_open_nested(struct lst_thread *t, __u64 now)
{
	int free = -1;
	for (int i = LST_OPEN_GAPS - 1; i >= 0; i--)
		if (!t->gap_slots[i])
			free = i;
	if (free < 0) {
		lose(LST_LOSS_GAPS_NESTED);
		return false;
	}
	ledger_settle(t, now);
	t->gap_slots[free & (LST_OPEN_GAPS - 1)] = t->wait_slot + 1;
	gaps_recount(t);
	return true;
}

/* The thread returned from its wait and nobody else waits. */
static __always_inline void gap_open(struct lst_loop *l, struct lst_thread *t, struct usage usage, __u64 now)
{
	if (!t->open_gaps) {
		thread_begin_activity(t, now);
		t->gap_slots[0] = t->wait_slot + 1;
		t->open_gaps = 1;
	} else if (!gap_open_nested(t, now)) {
		return;
	}
	l->owner = t->tid;
	l->owner_slot = t->slot;
	l->base = t->ledger;
	blocks_note(l, t);
	l->base_minor_faults = usage.minor_faults;
	l->base_major_faults = usage.major_faults;
	l->base_ran_ns = usage.ran_ns;
	l->gap_delay_ns = t->delay_ns;
	l->throttled_delay_ns = t->delay_throttled_ns;
	l->deadline_ns =
		t->timeout_ns > 0 && t->enter_ns + t->timeout_ns > now ? t->enter_ns + t->timeout_ns : 0;
	l->gap_flags = 0;
	l->gap_connects = 0;
	l->nested = t->open_gaps > 1;
	l->gap_seq++;
	l->gap_start_ns = now;
}

/* One of the five longest of the running ten seconds. */
static __always_inline bool gap_is_top(struct lst_loop *l, __u64 lag, __u64 now)
{
	if (lag < TOP_FLOOR_NS)
		return false;
	if (now - l->window_start_ns > TOP_WINDOW_NS) {
		l->window_start_ns = now;
		for (int i = 0; i < 5; i++)
			l->window_top[i] = 0;
	}
	__u64 moved = lag; /* insertion into a list sorted from the longest */
	for (int i = 0; i < 5; i++) {
		__u64 other = l->window_top[i];
		if (moved <= other)
			continue;
		l->window_top[i] = moved;
		moved = other;
	}
	return moved != lag;
}

/* A function of its own, so that the way of the others keeps its registers. */
SEPARATE int hists_add_delayed(__u32 slot, __u64 gap, __u64 delay)
{
	const struct lst_loop *l = loop_at(slot);
	struct lst_loop_hists *h = hists_at(slot);

	if (!l || !h)
		return 0;
	hist_add(l, &h->delayed_gap, gap);
	hist_add(l, &h->delayed_lag, gap + delay);
	hist_add(l, &h->delay, delay);
	return 0;
}

static __always_inline void gap_count(struct lst_loop *l, __u32 slot, __u64 gap, __u64 delay, __u64 offcpu)
{
	struct lst_loop_hists *h = hists_at(slot);
	__u64 lag = gap + delay;

	loop_add(l, &l->iterations, 1);
	loop_add(l, &l->busy_ns, gap);
	if (lag >= cfg.threshold_ns)
		loop_add(l, &l->over_threshold, 1);
	if (lag > l->max_lag_ns)
		l->max_lag_ns = lag;
	if (gap < l->min_gap_ns || !l->min_gap_ns)
		l->min_gap_ns = gap;
	if (!h)
		return;
	if (delay)
		hists_add_delayed(slot, gap, delay);
	else
		hist_add(l, &h->plain, gap);
	if (offcpu)
		hist_add(l, &h->offcpu, offcpu);
}

/*
 * As nearly all gaps of a loop are: short, of a loop with one thread that ran all the time. Nothing of the ledger will be asked for, so it
 * is left as it stood when the gap opened.
 */
static __always_inline bool gap_is_plain(const struct lst_loop *l, const struct lst_thread *t, __u64 now)
{
	__u64 lag = now - l->gap_start_ns + l->gap_delay_ns;

	return lag < TOP_FLOOR_NS && lag < cfg.record_ns && lag < cfg.threshold_ns && l->owner == t->tid &&
	       t->open_gaps == 1 && t->since_ns == l->gap_start_ns && t->cpu == LST_CPU_ON && !t->n_blocks &&
	       !l->shared && !l->pending.active;
}

static __always_inline void connects_count(struct lst_loop *l)
{
	__u32 n = l->gap_connects;

	if (!n)
		return;
	loop_add(l, &l->connects, n);
	if (n >= LST_BURST)
		loop_add(l, &l->bursts, 1);
	if (n > l->most_connects)
		l->most_connects = n;
}

/* Sends the stall that was pending. A function of its own, which the verifier looks at once and not in each of its many places. */
SEPARATE int stall_send(__u32 slot, __u32 harm, __u32 ready, __u32 signal)
{
	struct lst_loop *l = loop_at(slot);

	if (!l)
		return 0;
	struct lst_pending *p = &l->pending;
	p->active = 0;
	struct lst_stall_record *r = bpf_ringbuf_reserve(&ring, sizeof *r, 0);
	if (!r) {
		lose(LST_LOSS_RING_FULL);
		return 0;
	}
	record_begin(&r->head, LST_RECORD_STALL, sizeof *r, l->tgid, p->owner, p->closed_ns);
	r->slot = slot;
	r->fd = l->fd;
	r->harm = harm;
	r->ready = ready;
	r->terminal_signal = signal;
	r->n_blocks = l->pending_n_blocks;
	r->throttled_delay_ns = l->pending_throttled_delay_ns;
	bpf_probe_read_kernel(&r->gap, sizeof r->gap, p);
	bpf_probe_read_kernel(&r->comm, sizeof r->comm, &l->pending_comm);
	bpf_probe_read_kernel(&r->children, sizeof r->children, &l->pending_children);
	bpf_probe_read_kernel(&r->blocks, sizeof r->blocks, &l->pending_blocks);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* No wait will show what a stall cost: its loop or its thread is gone. */
static __always_inline void pending_flush(struct lst_loop *l, __u32 slot)
{
	if (l->pending.active)
		stall_send(slot, LST_HARM_UNKNOWN, 0, 0);
}

/*
 * A stack of a later gap is about to be sent: user space keeps those of the gap before it, and none of older ones. Only probing waits leave
 * a stall undecided for so long, and by now the last one has not been the end of the matter.
 */
static __always_inline void pending_overtaken(struct lst_loop *l, __u32 slot, __u64 now)
{
	if (l->pending.active && (now - l->gap_start_ns > PROBE_NS || l->gap_seq > l->pending.gap_seq + 1))
		stall_send(slot, LST_HARM_LATE, 0, 0);
}

static __always_inline void gap_drop(struct lst_loop *l, __u32 slot, struct lst_thread *owner)
{
	l->gap_start_ns = 0;
	if (owner)
		gap_forget_owner(owner, slot);
}

/* The wait after the gap has shown what it cost; a probing wait that found nothing leaves the question open. */
static __always_inline void pending_judge(struct lst_loop *l, __u32 slot, struct lst_thread *t, long ret,
					  bool slept)
{
	struct lst_pending *p = &l->pending;

	if (!p->active)
		return;
	if (ret > 0 && !slept)
		stall_send(slot, LST_HARM_QUEUED, ret, 0);
	else if (p->late_ns || (!slept && ret == 0 && t->timeout_ns > 0))
		stall_send(slot, LST_HARM_LATE, 0, 0);
	else if (!slept && ret == 0 && t->timeout_ns == 0)
		p->deadline_passed = 1; /* "something is due now": decided by the next wait */
	else
		stall_send(slot, LST_HARM_OWN, 0, 0);
}

/*
 * Two threads that come to a shared loop at the same time must not both end its gap. Inserting a key that must not exist is the atomic
 * test-and-set that all kernels have.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* loop slot */
	__type(value, __u32);
} closing SEC(".maps");

static __always_inline bool gap_claim(const struct lst_loop *l, __u32 slot)
{
	return !l->shared || !bpf_map_update_elem(&closing, &slot, &slot, BPF_NOEXIST);
}

static __always_inline void gap_unclaim(const struct lst_loop *l, __u32 slot)
{
	if (l->shared)
		bpf_map_delete_elem(&closing, &slot);
}

static __always_inline void hist_add_plain(const struct lst_loop *l, __u32 slot, __u64 gap)
{
	__u32 bucket = bucket_of(gap);
	struct lst_loop_hists *h = hists_at(slot);

	if (h)
		bucket_add(l, &h->plain, bucket, gap);
}

/* As gap_close() does it, for a plain one. */
static __always_inline void gap_close_plain(struct lst_loop *l, __u32 slot, struct lst_thread *t, __u64 now)
{
	__u64 gap = now - l->gap_start_ns, delay = l->gap_delay_ns;

	l->gap_start_ns = 0;
	gap_forget_owner(t, slot);
	l->iterations++;
	l->busy_ns += gap;
	if (gap + delay > l->max_lag_ns)
		l->max_lag_ns = gap + delay;
	if (gap < l->min_gap_ns || !l->min_gap_ns)
		l->min_gap_ns = gap;
	if (delay)
		hists_add_delayed(slot, gap, delay);
	else
		hist_add_plain(l, slot, gap);
	chain_add(l, gap);
	connects_count(l);
}

/* A thread that is blocked when another one ends its gap: how long, until it was woken. */
static __always_inline __u64 blocked_so_far(const struct lst_thread *t, __u64 now)
{
	return (t->woken_gap_ns > t->since_ns ? t->woken_gap_ns : now) - t->since_ns;
}

/* The stall keeps its blocks: before it is sent the thread may be in its next gap, or another thread's wait decides it. */
static __always_inline void pending_keep_blocks(struct lst_loop *l, const struct lst_thread *owner,
						bool elsewhere, __u64 now)
{
	l->pending_n_blocks = 0;
	l->pending.n_runners = 0;
	if (!owner) {
		__builtin_memset(l->pending_children, 0, sizeof l->pending_children);
		bpf_probe_read_kernel(&l->pending_comm, sizeof l->pending_comm, &l->comm);
		return;
	}
	bpf_probe_read_kernel(&l->pending_comm, sizeof l->pending_comm, &owner->comm);
	bpf_probe_read_kernel(&l->pending_children, sizeof l->pending_children, &owner->children);
	bpf_probe_read_kernel(&l->pending.runners, sizeof l->pending.runners, &owner->runners);
	l->pending.n_runners = l->nested ? 0 : owner->n_runners;
	bpf_probe_read_kernel(&l->pending.limit, sizeof l->pending.limit, &owner->limit);
	l->pending.stopper = owner->stopper;
	bpf_probe_read_kernel(&l->pending_blocks, sizeof l->pending_blocks, &owner->blocks);
	for (__u32 i = 0; i < LST_BLOCKS; i++) {
		struct lst_block *b = &l->pending_blocks[i];
		if (i >= l->base_n_blocks)
			break;
		b->sum_ns -= l->base_block_ns[i];
		b->count -= l->base_block_count[i];
		if (b->max_ns > b->sum_ns) /* the longest was before */
			b->max_ns = b->sum_ns;
	}
	__u32 at = owner->block_now;
	if (elsewhere && owner->cpu == LST_CPU_BLOCKED && at < LST_BLOCKS) {
		struct lst_block *b = &l->pending_blocks[at & (LST_BLOCKS - 1)];
		__u64 ns = blocked_so_far(owner, now);
		b->count++;
		b->sum_ns += ns;
		if (ns > b->max_ns)
			b->max_ns = ns;
	}
	l->pending_n_blocks = owner->n_blocks;
}

/* Ends the gap of a loop; t is the thread that ends it, the owner or another one. */
static __always_inline void gap_close(struct lst_loop *l, __u32 slot, struct lst_thread *t,
				      struct task_struct *task, __u64 now, __u32 flags, __u32 signal)
{
	__u64 start = l->gap_start_ns, gap = now - start, delay = l->gap_delay_ns, lag = gap + delay;
	if (!start || start > now)
		return; /* another thread has ended it, or is about to drop it because of us */
	struct lst_pending *p = &l->pending;
	struct lst_thread *owner = t;
	struct lst_ledger ledger;

	l->gap_start_ns = 0;
	if (l->owner != t->tid) {
		flags |= LST_GAP_HANDOFF;
		owner = thread_at(l->owner_slot);
		if (owner && owner->tid != l->owner)
			owner = NULL;
	}
	__u64 offcpu = 0;
	if (owner) {
		ledger_peek(owner, now, &ledger);
		ledger_subtract(&ledger, &l->base);
		offcpu = ledger.blocked_ns + ledger.runnable_ns + ledger.stopped_ns;
		gap_forget_owner(owner, slot);
	} else {
		__builtin_memset(&ledger, 0, sizeof ledger);
	}
	gap_count(l, slot, gap, delay, offcpu);
	chain_add(l, gap - ledger.runnable_ns);
	connects_count(l);
	if (lag < cfg.record_ns && !gap_is_top(l, lag, now))
		return;
	if (p->active) /* a probe left it open, and the place is needed */
		stall_send(slot, LST_HARM_LATE, 0, 0);
	p->gap_start_ns = start;
	p->gap_ns = gap;
	p->delay_ns = delay;
	p->late_ns = l->deadline_ns && now > l->deadline_ns + LATE_FLOOR_NS ? now - l->deadline_ns : 0;
	p->closed_ns = now;
	p->gap_seq = l->gap_seq;
	p->ledger = ledger;
	p->minor_faults = p->major_faults = p->ran_ns = 0;
	if (owner == t) {
		struct usage usage = task_usage(task);
		p->minor_faults = usage.minor_faults - l->base_minor_faults;
		p->major_faults = usage.major_faults - l->base_major_faults;
		p->ran_ns = usage.ran_ns - l->base_ran_ns;
	}
	p->owner = l->owner;
	p->flags = l->gap_flags | flags;
	p->deadline_passed = 0;
	p->connects = l->gap_connects;
	p->chain = l->chain;
	p->active = 1;
	l->pending_throttled_delay_ns = l->throttled_delay_ns;
	pending_keep_blocks(l, owner, owner != t, now);
	/* A dead owner has no next wait, and another thread's says nothing: send now. */
	if (flags & (LST_GAP_HANDOFF | LST_GAP_TERMINAL | LST_GAP_EXEC))
		stall_send(slot, LST_HARM_UNKNOWN, 0, signal);
}

#endif
