/* SPDX-License-Identifier: Apache-2.0 */
#include "model/blocked_workers.h"

#define SAME_NS 50000000u /* starts are told by age, which is looked at ten times a second */

static bool is_told_before(struct blocked_workers *w, const struct fact_stall *s)
{
	for (uint32_t i = 0; i < BLOCKED_WORKERS_KEPT; i++)
		if (w->last[i].tid == s->tid && s->start_ns < w->last[i].start_ns + SAME_NS)
			return true;
	return false;
}

void blocked_workers_add(struct blocked_workers *w, const struct fact_stall *s)
{
	if (!is_told_before(w, s)) {
		w->times++;
		w->last[w->next].tid = s->tid;
		w->last[w->next].start_ns = s->start_ns;
		w->next = (w->next + 1) % BLOCKED_WORKERS_KEPT;
	}
	if (s->lag_ns <= w->longest_ns)
		return;
	w->longest_ns = s->lag_ns;
	w->verdict = s->verdict;
	w->stack = s->culprit_stack;
	w->culprit_frame = s->culprit_frame;
	w->remedy = s->remedy;
}

void blocked_workers_merge(struct blocked_workers *into, const struct blocked_workers *from)
{
	uint64_t times = into->times + from->times;
	if (from->longest_ns > into->longest_ns)
		*into = *from;
	into->times = times;
}
