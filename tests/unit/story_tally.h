/* SPDX-License-Identifier: Apache-2.0 */
/* A story that a tally follows, and one of two seconds for what only wants some stall. */
#ifndef LOOPSTALL_TESTS_STORY_TALLY_H
#define LOOPSTALL_TESTS_STORY_TALLY_H

#include "story.h"

#include "model/culprit.h"
#include "model/summary.h"
#include "model/verdict.h"

/* A tally that hears all that is told from the header on, which is told here. */
static inline struct tally *story_tally(struct story *t, uint64_t threshold_ns)
{
	struct tally *tally = tally_new(t->dictionary, 0);
	assert_non_null(tally);
	t->sinks[t->n_sinks++] = tally_sink(tally);
	story_header(t, "app", threshold_ns);
	return tally;
}

/* Two seconds of one loop, with one stall of 120 ms in parse_everything(); the loop. */
static inline uint32_t story_of_one_stall(struct story *t)
{
	uint32_t loop = story_loop(t, "app", 10, "");
	uint32_t stack = story_stack(t, story_own(t, "parse_everything"), story_own(t, "main"), 0);
	story_seconds(t, 2, loop, 100, MS);
	struct fact_stall s = story_stall_of(t, loop, 7, (struct ledger){.cpu_ns = 120 * MS}, 0);
	s.n_samples = 1;
	s.samples[0] = (struct sample){120 * MS, stack, 24};
	verdict_decide(&s, 10 * MS);
	culprit_choose(&s, t->dictionary);
	story_stall(t, &s);
	story_second(t);
	return loop;
}

/* What each test of tallies and summaries begins with. */
struct bench {
	struct story *t;
	struct tally *tally;
	struct summary *s; /* NULL until a test makes it */
};

static inline int bench_set_up(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->t = story_new();
	b->tally = story_tally(b->t, 50 * MS);
	*state = b;
	return 0;
}

static inline int bench_tear_down(void **state)
{
	struct bench *b = *state;
	summary_free(b->s);
	tally_free(b->tally);
	story_free(b->t);
	free(b);
	return 0;
}

#endif
