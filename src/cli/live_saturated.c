/* SPDX-License-Identifier: Apache-2.0 */
/* Saturated loops: asks the judgement once a second, and reports while and when it changes. */
#include "cli/live_parts.h"

#include "model/cause.h"

/* It runs on while we look; a loop that has not waited lately is in a gap. */
static uint64_t unslept_ns(const struct lst_loop *loop, uint64_t made_ns, uint64_t now)
{
	uint64_t slept_ns = loop->last_slept_ns ? loop->last_slept_ns : loop->born_ns;

	if (slept_ns < made_ns)
		slept_ns = made_ns;
	return now > slept_ns && loop->last_wait_ns + LIVE_S / 2 > now ? now - slept_ns : 0;
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

	if (loop->generation != l->generation) /* its object was closed: what waits now is another one's */
		sat->made_ns = now;
	l->generation = loop->generation;
	saturation_second(&sat->window, counts->busy_ns, &counts->gap);
	/* A slave's polls are another loop's business. */
	bool on = saturation_holds(&sat->window, unslept_ns(loop, sat->made_ns, now)) &&
		  l->fact.class != LOOP_SLAVE && l->fact.class != LOOP_SHARED;
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
