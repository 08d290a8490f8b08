/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/thread_now.h"

#include <stdbool.h>

static uint64_t since_ns(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

static bool was_woken(const struct lst_thread *t)
{
	return t->woken_gap_ns > t->since_ns;
}

uint64_t thread_blocked_ns(const struct lst_thread *t, uint64_t now)
{
	bool woken = was_woken(t) && t->woken_gap_ns < now;

	return t->cpu == LST_CPU_BLOCKED ? since_ns(t->since_ns, woken ? t->woken_gap_ns : now) : 0;
}

uint64_t thread_ready_ns(const struct lst_thread *t, uint64_t now)
{
	if (t->cpu == LST_CPU_RUNNABLE)
		return since_ns(t->since_ns, now);
	return t->cpu == LST_CPU_BLOCKED && was_woken(t) ? since_ns(t->woken_gap_ns, now) : 0;
}

void thread_seen_awake(struct lst_thread *t)
{
	if (t->cpu == LST_CPU_BLOCKED && !was_woken(t))
		t->cpu = LST_CPU_UNKNOWN;
}

struct lst_ledger thread_ledger(const struct lst_thread *t, const struct lst_ledger *base, uint64_t now)
{
	struct lst_ledger l = t->ledger;
	uint64_t open = since_ns(t->since_ns, now), blocked = thread_blocked_ns(t, now);

	if (t->cpu == LST_CPU_ON)
		l.cpu_ns += open;
	else if (t->cpu == LST_CPU_RUNNABLE)
		l.runnable_ns += open;
	else if (t->cpu == LST_CPU_STOPPED)
		l.stopped_ns += open;
	else if (t->cpu == LST_CPU_BLOCKED)
		l.runnable_ns += open - blocked;
	l.blocked_ns += blocked;
	l.cpu_ns -= base->cpu_ns;
	l.blocked_ns -= base->blocked_ns;
	l.runnable_ns -= base->runnable_ns;
	l.stopped_ns -= base->stopped_ns;
	l.throttled_ns -= base->throttled_ns;
	l.fault_ns -= base->fault_ns;
	l.reclaim_ns -= base->reclaim_ns;
	l.preempted -= base->preempted;
	l.repaired_ns -= base->repaired_ns;
	return l;
}
