/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where a thread's time goes while it owns a gap. Every part sums its own intervals; nothing is computed as a remainder,
 * so that a missing event shows as unaccounted time. One kind of hole is mended: where a return to the CPU was not shown to us (seen on hosts
 * that hide some of their own tasks from tracing), the scheduler's count of the thread's CPU time splits the interval.
 *
 *            switch_out, blocked            waking (noted)         switch_in
 *   ON ───────────────────────────▶ BLOCKED ─────────────▶ BLOCKED ──────────▶ ON    blocked until woken, runnable from there
 *   ON ───────────────────────────▶ RUNNABLE ──────────────────────────────▶ ON      preempted, or throttled
 *   ON ───────────────────────────▶ STOPPED ───────────────────────────────▶ ON      SIGSTOP, ptrace, freezer
 */
#ifndef LOOPSTALL_BPF_LEDGER_H
#define LOOPSTALL_BPF_LEDGER_H

#include "state.h"

/*
 * Notes the throttled time of the thread's cgroup and its ancestors, and whether one of them has a quota. Returns by how much the one
 * that rose most has risen since the last note, and which that is.
 */
static __always_inline __u64 quota_read(struct lst_thread *t, struct task_struct *task,
					struct task_group **used_up)
{
	struct task_group *group = BPF_CORE_READ(task, sched_task_group);
	__u64 most = 0;
	bool limited = false;

	if (!bpf_core_field_exists(group->cfs_bandwidth))
		return 0;
	for (int i = 0; i < LST_QUOTA_LEVELS && group; i++) {
		if (BPF_CORE_READ(group, cfs_bandwidth.quota) != ~0ULL)
			limited = true;
		__u64 throttled = BPF_CORE_READ(group, cfs_bandwidth.throttled_time);
		if (throttled > t->quota_at[i] && throttled - t->quota_at[i] > most) {
			most = throttled - t->quota_at[i];
			*used_up = group;
		}
		t->quota_at[i] = throttled;
		group = BPF_CORE_READ(group, parent);
	}
	t->has_quota = limited;
	return most;
}

static __always_inline void quota_begin(struct lst_thread *t, struct task_struct *task)
{
	struct task_group *unused;
	quota_read(t, task, &unused);
}

/* Remembers the throttled time when a runnable interval may begin; nearly free for a thread without a quota. */
static __always_inline void quota_note(struct lst_thread *t, struct task_struct *task)
{
	struct task_group *unused;
	if (t->has_quota)
		quota_read(t, task, &unused);
}

static __always_inline void limit_fill(struct lst_limit *limit, struct task_group *group)
{
	struct cgroup *cgroup = BPF_CORE_READ(group, css.cgroup);
	const char *name = BPF_CORE_READ(cgroup, kn, name);

	limit->quota_ns = BPF_CORE_READ(group, cfs_bandwidth.quota);
	limit->period_ns = BPF_CORE_READ(group, cfs_bandwidth.period);
	limit->level = BPF_CORE_READ(cgroup, level);
	limit->name[0] = 0;
	bpf_probe_read_kernel_str(limit->name, sizeof limit->name, name);
}

/* How much of a runnable interval was throttled; a function of its own, which the verifier looks at once. Typed pointers are no arguments. */
SEPARATE __u64 quota_rose(__u32 thread_slot, __u64 runnable_ns)
{
	struct lst_thread *t = thread_at(thread_slot);
	struct task_group *used_up = NULL;

	if (!t)
		return 0;
	bool known = t->has_quota;
	__u64 rose = quota_read(t, (void *)t->task, &used_up);
	if (!known || !rose)
		return 0;
	limit_fill(&t->limit, used_up);
	return rose < runnable_ns ? rose : runnable_ns;
}

#define QUOTA_RECHECK_NS 1000000 /* a runnable interval this long asks again whether there is a quota */

/* How much of a runnable interval that ends now was throttled. */
static __always_inline __u64 quota_taken(struct lst_thread *t, struct task_struct *task, __u64 runnable_ns)
{
	if (runnable_ns < QUOTA_RECHECK_NS)
		return 0;
	t->task = (__u64)task;
	return quota_rose(t->slot, runnable_ns);
}

/*
 * The thread that ends another's gap may look at the same moment: while an interval is being moved into its sum it belongs to neither, so
 * that it may be missing for whoever looks, and is never there twice.
 */
static __always_inline void ledger_hide(struct lst_thread *t)
{
	t->cpu = LST_CPU_UNKNOWN;
	asm volatile("" ::: "memory");
}

static __always_inline void ledger_show(struct lst_thread *t, __u32 cpu, __u64 now)
{
	t->since_ns = now;
	asm volatile("" ::: "memory");
	t->cpu = cpu;
}

/* Brings the ledger up to now while the thread runs. */
static __always_inline void ledger_settle(struct lst_thread *t, __u64 now)
{
	if (t->cpu != LST_CPU_ON)
		return;
	ledger_hide(t);
	t->ledger.cpu_ns += now - t->since_ns;
	ledger_show(t, LST_CPU_ON, now);
}

static __always_inline void ledger_start(struct lst_thread *t, __u64 now)
{
	ledger_show(t, LST_CPU_ON, now);
}

static __always_inline __u64 run_delay_of(struct task_struct *task)
{
	return bpf_core_field_exists(task->sched_info.run_delay) ? BPF_CORE_READ(task, sched_info.run_delay)
								 : 0;
}

/* What the scheduler counts of a thread that leaves the CPU. */
static __always_inline void ledger_note(struct lst_thread *t, struct task_struct *task)
{
	t->exec_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
	t->run_delay_ns = run_delay_of(task);
}

/* Since then; the first exact when it leaves the CPU the next time, else to its last tick. */
static __always_inline __u64 ran_since(const struct lst_thread *t, struct task_struct *task)
{
	return BPF_CORE_READ(task, se.sum_exec_runtime) - t->exec_ns;
}

static __always_inline __u64 waited_since(const struct lst_thread *t, struct task_struct *task)
{
	return run_delay_of(task) - t->run_delay_ns;
}

/* How long a thread that runs now was blocked, whose return was not shown to us: until it was woken; else all in which it neither ran nor waited. */
static __always_inline __u64 blocked_unseen(const struct lst_thread *t, struct task_struct *task, __u64 now)
{
	__u64 away = now - t->since_ns, other = ran_since(t, task) + waited_since(t, task);

	if (t->woken_gap_ns > t->since_ns)
		return t->woken_gap_ns - t->since_ns;
	return other < away ? away - other : 0;
}

/* The thread runs although we never saw it come back: it was blocked or preempted, and then it waited and ran. */
static __always_inline void ledger_mend(struct lst_thread *t, struct task_struct *task, __u64 now,
					bool leaving)
{
	if (t->cpu != LST_CPU_BLOCKED && t->cpu != LST_CPU_RUNNABLE)
		return;
	__u64 blocked = t->cpu == LST_CPU_BLOCKED ? blocked_unseen(t, task, now) : 0;
	__u64 ran = ran_since(t, task), waited = waited_since(t, task);
	__u64 rest = now - t->since_ns - blocked;

	if (ran > rest)
		return;
	if (leaving || waited > rest - ran) /* else part of the rest may be CPU time not counted yet */
		waited = rest - ran;
	ledger_hide(t);
	t->ledger.blocked_ns += blocked;
	t->ledger.cpu_ns += ran;
	t->ledger.runnable_ns += waited;
	t->ledger.throttled_ns += quota_taken(t, task, waited);
	t->ledger.repaired_ns += rest;
}

/* Brings the ledger up to now at a moment at which the thread certainly runs. */
static __always_inline void ledger_arrive(struct lst_thread *t, struct task_struct *task, __u64 now)
{
	if (t->cpu != LST_CPU_ON)
		ledger_mend(t, task, now, false);
	else
		ledger_settle(t, now);
	ledger_start(t, now);
}

static __always_inline void ledger_out(struct lst_thread *t, struct task_struct *task, __u32 to, __u64 now)
{
	if (t->cpu != LST_CPU_ON)
		ledger_mend(t, task, now, true);
	ledger_settle(t, now);
	ledger_hide(t);
	t->woken_gap_ns = 0;
	ledger_show(t, to, now);
	ledger_note(t, task);
	if (to == LST_CPU_RUNNABLE)
		t->ledger.preempted++;
}

/* Returns the time blocked, 0 if it was not. */
static __always_inline __u64 ledger_in(struct lst_thread *t, struct task_struct *task, __u64 now)
{
	__u64 away = now - t->since_ns, waited = 0, blocked = 0;
	__u32 cpu = t->cpu;

	ledger_hide(t);
	switch (cpu) {
	case LST_CPU_RUNNABLE: waited = away; break;
	case LST_CPU_STOPPED: t->ledger.stopped_ns += away; break;
	case LST_CPU_BLOCKED:
		blocked = t->woken_gap_ns > t->since_ns ? t->woken_gap_ns - t->since_ns : away;
		waited = away - blocked;
		t->ledger.blocked_ns += blocked;
		break;
	}
	t->ledger.runnable_ns += waited;
	t->ledger.throttled_ns += quota_taken(t, task, waited);
	ledger_show(t, LST_CPU_ON, now);
	return blocked;
}

/* The ledger as it stands now, for a thread that may be off the CPU: what another thread or user space sees. */
static __always_inline void ledger_peek(const struct lst_thread *t, __u64 now, struct lst_ledger *out)
{
	__u64 open = now - t->since_ns;

	*out = t->ledger;
	switch (t->cpu) {
	case LST_CPU_ON: out->cpu_ns += open; break;
	case LST_CPU_RUNNABLE: out->runnable_ns += open; break;
	case LST_CPU_STOPPED: out->stopped_ns += open; break;
	case LST_CPU_BLOCKED:
		if (t->woken_gap_ns > t->since_ns) {
			out->blocked_ns += t->woken_gap_ns - t->since_ns;
			out->runnable_ns += now - t->woken_gap_ns;
		} else {
			out->blocked_ns += open;
		}
		break;
	}
}

static __always_inline void ledger_subtract(struct lst_ledger *from, const struct lst_ledger *base)
{
	from->cpu_ns -= base->cpu_ns;
	from->blocked_ns -= base->blocked_ns;
	from->runnable_ns -= base->runnable_ns;
	from->stopped_ns -= base->stopped_ns;
	from->throttled_ns -= base->throttled_ns;
	from->fault_ns -= base->fault_ns;
	from->reclaim_ns -= base->reclaim_ns;
	from->preempted -= base->preempted;
	from->repaired_ns -= base->repaired_ns;
}

#endif
