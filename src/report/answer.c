/* SPDX-License-Identifier: Apache-2.0 */
#include "report/answer.h"

#include "base/duration.h"
#include "report/moment.h"

static uint64_t worst_p99(const struct summary *s)
{
	uint64_t worst_ns = 0;
	for (size_t i = 0; i < s->n_loops; i++)
		if (!s->loops[i].hidden && s->loops[i].arrival.p99_ns > worst_ns)
			worst_ns = s->loops[i].arrival.p99_ns;
	return worst_ns;
}

static bool any_saturated(const struct summary *s)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (!s->loops[i].hidden && s->loops[i].saturated_ns)
			return true;
	return false;
}

static uint64_t longest_worker(const struct summary *s)
{
	uint64_t longest_ns = 0;
	for (size_t i = 0; i < s->n_loops; i++)
		if (!s->loops[i].hidden && s->loops[i].workers->longest_ns > longest_ns)
			longest_ns = s->loops[i].workers->longest_ns;
	return longest_ns;
}

bool answer_is_well(const struct summary *s)
{
	return s->n_loops > s->n_hidden && !s->stalls && !any_saturated(s) && !longest_worker(s);
}

void answer_line(struct pen *p, const struct summary *s)
{
	char text[DURATION_TEXT_BYTES], count[MOMENT_BYTES];
	if (s->n_loops == s->n_hidden) {
		pen_put(p, INK_YELLOW,
			s->n_loops ? "Only slave, sleep-poll or single-client loops (-v shows them)."
				   : "No loop has waited.");
	} else if (s->stalls) {
		pen_printf(p, INK_YELLOW, "%s stall%s, %s in all.", number_text(s->stalls, count),
			   s->stalls == 1 ? "" : "s", duration_text(s->stall_ns, text));
	} else if (any_saturated(s)) {
		pen_put(p, INK_YELLOW, "No single long stall, but saturated: everything was late.");
	} else if (longest_worker(s)) {
		pen_printf(p, INK_YELLOW, "No stalls of a loop, but workers of it blocked, up to %s.",
			   duration_text(longest_worker(s), text));
	} else if (worst_p99(s) < ANSWER_QUIET_NS) {
		pen_printf(p, INK_GREEN, "No stalls, lag p99 %s: look elsewhere.",
			   duration_text(worst_p99(s), text));
	} else {
		pen_put(p, INK_GREEN, "No stalls over the threshold.");
	}
	pen_end(p);
}
