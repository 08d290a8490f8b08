/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The scheduler's events for followed threads: off the CPU, woken, on it again. A thread that is not ours costs one load each. */
#ifndef LOOPSTALL_BPF_SCHED_H
#define LOOPSTALL_BPF_SCHED_H

#include "instead.h"
#include "stopper.h"
#include "waker.h"
#include "wait.h"

/*
 * Blocked means that the task gave up the CPU with a state set. `preempt` alone is wrong (it is false for a preemption on return to user
 * mode), and so is the state (a task may be preempted when it has set its state already).
 */
static __always_inline __u32 out_state(bool preempt, __u32 state)
{
	if (preempt || !state)
		return LST_CPU_RUNNABLE;
	return state & TASK_STOPPED_STATES ? LST_CPU_STOPPED : LST_CPU_BLOCKED;
}

/* A frozen thread sleeps where it would return to user mode; before 6.1 the freezer of cgroups of version 1 had no state of its own either. */
static __always_inline bool is_frozen(struct task_struct *task)
{
	if (BPF_CORE_READ(task, flags) & PF_FROZEN)
		return true;
	/* Who waits for a vfork() to exec counts as frozen, and nobody froze it. */
	return bpf_core_field_exists(task->frozen) && (BPF_CORE_READ(task, jobctl) & JOBCTL_TRAP_FREEZE) &&
	       BPF_CORE_READ_BITFIELD_PROBED(task, frozen);
}

/*
 * A wait in flight is taken to return when its thread gets a CPU again. If the thread is still in that call when it gives the CPU up the
 * next time, it had nothing to return with, and all that is taken back.
 */
static __always_inline void flight_land(struct lst_thread *t, struct task_struct *task, __u64 now)
{
	struct lst_loop *l = loop_at(t->wait_slot);

	if (!l)
		return;
	t->in_flight = LST_FLIGHT_LANDED;
	t->in_wait = 0;
	loop_add(l, &l->waits, 1);
	loop_add(l, &l->slept_waits, 1);
	l->last_slept_ns = l->last_wait_ns = now;
	waiter_leaves(l);
	if (l->waiters)
		return;
	gap_begin(l, t->wait_slot, t, task_usage(task), now);
}

static __always_inline void flight_take_back(struct lst_thread *t, struct lst_loop *l)
{
	if (t->in_flight == LST_FLIGHT_LANDED) {
		if (l->gap_start_ns && l->owner == t->tid)
			gap_drop(l, t->wait_slot, t);
		loop_add(l, &l->waits, -1);
		loop_add(l, &l->slept_waits, -1);
	}
	__sync_fetch_and_add(&l->waiters, 1);
	t->in_flight = LST_FLIGHT_WAITS;
	t->in_wait = t->slept = 1;
}

/* The thread that runs now gives up the CPU. */
SEPARATE int flight_check(__u32 thread_slot)
{
	struct lst_thread *t = thread_at(thread_slot);
	struct lst_loop *l = t ? loop_at(t->wait_slot) : NULL;
	struct call_regs regs;

	if (!l)
		return 0;
	if (regs_read((void *)bpf_get_current_task(), &regs) && is_wait_call(regs_call(&regs)) &&
	    (__u32)regs_arg(&regs, 0) == t->wait_fd)
		flight_take_back(t, l);
	else
		t->in_flight = LST_FLIGHT_NONE;
	return 0;
}

/* The thread goes to sleep in its wait. */
static __always_inline void wait_sleeps(struct lst_thread *t)
{
	struct lst_loop *l = t->slept ? NULL : loop_at(t->wait_slot);

	t->slept = 1;
	t->delay_ns = t->delay_throttled_ns = t->woken_ns = 0;
	if (!t->open_gaps)
		t->n_runners = 0;
	if (l)
		pending_judge(l, t->wait_slot, t, 0, true);
}

static __always_inline void thread_out(struct lst_thread *t, struct task_struct *task, bool preempt,
				       __u32 state, __u32 cpu)
{
	__u32 to = out_state(preempt, state);
	bool woken = state & TASK_WAKING_STATE; /* by another CPU, and told of before this one has switched */

	if (to == LST_CPU_BLOCKED && t->open_gaps && is_frozen(task))
		to = LST_CPU_STOPPED;
	if (t->in_flight && !t->in_wait)
		flight_check(t->slot);
	if (t->in_wait && to == LST_CPU_BLOCKED)
		wait_sleeps(t);
	if (t->in_wait && !t->open_gaps)
		quota_note(t, task);
	if (woken)
		to = LST_CPU_RUNNABLE;
	if (to != LST_CPU_RUNNABLE && !t->open_gaps)
		return; /* as nearly always, and no clock is asked */
	__u64 now = bpf_ktime_get_ns();
	if (t->in_wait)
		t->woken_ns = to == LST_CPU_RUNNABLE ? now : 0;
	if (to == LST_CPU_RUNNABLE && (t->in_wait || t->open_gaps))
		instead_begin(t, task, cpu, now);
	if (!t->open_gaps)
		return;
	/* Now, while its files can be read. An exec closes them a while before it is told of: that ends the gap. */
	if (!BPF_CORE_READ_BITFIELD_PROBED(task, in_execve))
		gaps_drop_closed(t);
	if (!t->open_gaps)
		return;
	block_end_unseen(t, task, now);
	ledger_out(t, task, to, now);
	if (to == LST_CPU_STOPPED)
		stop_note(t, task, state);
	quota_note(t, task);
	if (to == LST_CPU_BLOCKED) {
		block_begin(t->slot);
		block_snapshot(t->slot);
	}
}

static __always_inline void thread_in(struct lst_thread *t, struct task_struct *task, __u64 now)
{
	if (t->in_wait && t->woken_ns) {
		__u64 waited = now - t->woken_ns;
		t->delay_ns += waited;
		if (!t->open_gaps)
			t->delay_throttled_ns += quota_taken(t, task, waited);
		t->woken_ns = 0;
	}
	if (t->in_flight && t->in_wait)
		flight_land(t, task, now);
	if (!t->open_gaps) {
		scratch_release(t); /* its gap was ended by another thread meanwhile */
		return;
	}
	bool was_blocked = t->cpu == LST_CPU_BLOCKED;
	__u64 blocked = ledger_in(t, task, now);
	if (was_blocked)
		block_end(t->slot, blocked, now);
}

static __always_inline void thread_waking(struct lst_thread *t, struct task_struct *task, __u32 cpu)
{
	__u64 now = bpf_ktime_get_ns();

	bool in_gap = t->open_gaps && t->cpu == LST_CPU_BLOCKED && !t->woken_gap_ns;
	bool in_wait = t->in_wait && t->slept && !t->woken_ns;

	if (in_gap || in_wait)
		instead_begin(t, task, cpu, now);
	if (in_wait)
		t->woken_ns = now;
	if (in_gap) {
		t->woken_gap_ns = now;
		waker_prove(t, now);
	}
}

#endif
