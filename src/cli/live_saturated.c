/* SPDX-License-Identifier: Apache-2.0 */
/* Saturated loops: none of their gaps need be long, but everything in them is late. Judged once a second from the counts. */
#include "cli/live_parts.h"

#include "model/cause.h"

#define FULL_NS	       LIVE_S /* no sleeping wait for this long, or … */
#define BUSY_SHARE_PCT 90     /* … this busy for five seconds */

static bool is_saturated(const struct saturation *sat, const struct lst_loop *loop, uint64_t now)
{
	uint64_t busy = 0, slept_ns = loop->last_slept_ns ? loop->last_slept_ns : loop->born_ns;
	uint64_t since_sleep = now > slept_ns ? now - slept_ns : 0; /* it runs on while we look */

	for (unsigned i = 0; i < 5; i++)
		busy += sat->second_busy[i];
	return (since_sleep >= FULL_NS && loop->last_wait_ns + FULL_NS / 2 > now) ||
	       busy * 100 >= 5 * LIVE_S * BUSY_SHARE_PCT;
}

static void saturation_report(struct live_source *s, struct followed *l, const struct lst_loop *loop,
			      bool ended, uint64_t now)
{
	struct saturation *sat = &l->saturation;
	struct fact_saturated saturated = {
		.loop = l->id,
		.since_ns = live_at(s, sat->since_ns),
		.busy_ns = loop->busy_ns - sat->busy_ns,
		.iterations = loop->iterations - sat->iterations,
		.ended = ended,
	};
	saturated.n_samples = attribution_collected(s->attribution, l->id, saturated.samples, 8);
	cause_of_saturation(&saturated, now - sat->since_ns, s->options.dictionary);
	struct fact f = {.kind = FACT_SATURATED, .saturated = &saturated};
	live_emit(s, &f, now);
}

static void saturation_switch(struct live_source *s, struct followed *l, uint32_t slot, bool on)
{
	uint32_t n;
	capture_loops(s->capture, &n)[slot].sample_all = on;
	attribution_collect(s->attribution, l->id, on);
}

void saturation_watch(struct live_source *s, struct followed *l, uint32_t slot, const struct lst_loop *loop,
		      const struct fact_counts *counts, uint64_t now)
{
	struct saturation *sat = &l->saturation;

	sat->second_busy[sat->second++ % 5] = counts->busy_ns;
	/* One long gap is a stall, not saturation; a slave's polls are another loop's business. */
	bool on = is_saturated(sat, loop, now) && l->fact.class != LOOP_SLAVE && l->fact.class != LOOP_SHARED;
	if (on && !sat->since_ns) {
		sat->since_ns = loop->last_slept_ns > s->start_ns ? loop->last_slept_ns : loop->born_ns;
		sat->iterations = loop->iterations - counts->iterations;
		sat->busy_ns = loop->busy_ns - counts->busy_ns;
		sat->next_report_ns = now + LIVE_S; /* a second of samples first: it shall name culprits */
		saturation_switch(s, l, slot, true);
	} else if (on && now >= sat->next_report_ns) {
		saturation_report(s, l, loop, false, now);
		sat->next_report_ns = now + (now - sat->since_ns);
	} else if (!on && sat->since_ns) {
		saturation_report(s, l, loop, true, now);
		saturation_switch(s, l, slot, false);
		sat->since_ns = 0;
	}
}
