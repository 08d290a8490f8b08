/* SPDX-License-Identifier: Apache-2.0 */
/* What a summary makes of a tally. */
#include "story_tally.h"

static const struct summary *summarise(struct bench *b)
{
	b->s = summary_new(b->tally);
	assert_non_null(b->s);
	return b->s;
}

static void stall_in(struct bench *b, uint32_t loop, uint64_t gap_seq, uint32_t stack_a, uint64_t a_ns,
		     uint32_t stack_b, uint64_t b_ns)
{
	struct fact_stall s = story_stall_of(b->t, loop, gap_seq, (struct ledger){.cpu_ns = a_ns + b_ns}, 0);
	s.verdict = VERDICT_CPU;
	s.samples[s.n_samples++] = (struct sample){a_ns, stack_a, 1};
	if (b_ns)
		s.samples[s.n_samples++] = (struct sample){b_ns, stack_b, 1};
	story_stall(b->t, &s);
}

static void assert_near(uint64_t got, uint64_t want, uint64_t within)
{
	if (got > want + within || want > got + within)
		fail_msg("%llu is not near %llu", (unsigned long long)got, (unsigned long long)want);
}

/* (lag - x) summed over stalls is 1 % of the time: known by hand. */
static void test_without(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	uint32_t x = story_stack(b->t, story_own(b->t, "x"), 0),
		 y = story_stack(b->t, story_own(b->t, "y"), 0);
	for (uint64_t i = 0; i < 10; i++) {
		b->t->at_ns += 900 * MS;
		stall_in(b, loop, i, x, 400 * MS, y, 200 * MS);
		story_second(b->t);
	}
	story_end(b->t, "duration");
	const struct summary *s = summarise(b);
	assert_int_equal(s->stalls, 10);
	assert_near(s->loops[0].arrival.p99_ns, 590 * MS, 1000); /* 10 (600 - 590) ms = 1 % of 10 s */
	assert_int_equal(s->without.n, 2);
	assert_near(s->without.before_ns, 590 * MS, 1000);
	assert_string_equal(s->causes[s->without.steps[0].cause].frame->function, "x");
	assert_near(s->without.steps[0].after_ns, 190 * MS, 1000);
	assert_string_equal(s->causes[s->without.steps[1].cause].frame->function, "y");
	assert_int_equal(s->without.steps[1].after_ns, 0);
	assert_true(s->causes[0].share > 0.66 && s->causes[0].share < 0.67);
	assert_false(s->cut_short);
}

static void test_loops_by_harm(void **state)
{
	struct bench *b = *state;
	uint32_t quiet = story_loop(b->t, "quiet", 1, ""), hidden = story_loop(b->t, "hidden", 2, "");
	uint32_t bad = story_loop(b->t, "bad", 3, ""), worst = story_loop(b->t, "worst", 4, "");
	uint32_t x = story_stack(b->t, story_own(b->t, "x"), 0);
	story_loop_class(b->t, hidden, LOOP_SLAVE);
	b->t->at_ns = 900 * MS;
	stall_in(b, bad, 1, x, 100 * MS, 0, 0);
	stall_in(b, worst, 1, x, 300 * MS, 0, 0);
	stall_in(b, hidden, 1, x, 800 * MS, 0, 0);
	story_iterations(b->t, quiet, 100, MS);
	story_second(b->t);
	const struct summary *s = summarise(b);
	assert_int_equal(s->n_loops, 4);
	assert_int_equal(s->n_hidden, 1);
	assert_int_equal(s->loops[0].loop->id, worst);
	assert_int_equal(s->loops[1].loop->id, bad);
	assert_int_equal(s->loops[2].loop->id, quiet);
	assert_int_equal(s->loops[3].loop->id, hidden);
	assert_int_equal(s->stalls, 2);
	assert_int_equal(s->stall_ns, 400 * MS);
	assert_int_equal(s->causes[0].loops, 2);
	assert_int_equal(s->loops[0].top_verdict, VERDICT_CPU);
	assert_true(s->loops[2].utilisation == 0.1);
	assert_true(s->loops[2].events_per_wait == 1.5);
	assert_true(s->cut_short);
}

/* Stuck since before the attach: it is in no histogram, and still everybody waits. */
static void test_open_stall_counts(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "node", 10, "");
	uint32_t x = story_stack(b->t, story_own(b->t, "x"), 0);
	for (int i = 0; i < 10; i++)
		story_second(b->t);
	struct fact_stall s = {.loop = loop,
			       .state = STALL_STUCK,
			       .gap_seq = 1,
			       .lag_ns = 60 * S,
			       .gap_ns = 60 * S,
			       .verdict = VERDICT_BLOCKED,
			       .n_blocks = 1};
	s.blocks[0] = (struct block){"futex",	       "",	  TARGET_FUTEX, .count = 1, .sum_ns = 60 * S,
				     .max_ns = 60 * S, .stack = x};
	story_stall(b->t, &s);
	for (int again = 0; again < 2; again++) { /* a summary changes nothing in the tally */
		const struct summary *sum = summarise(b);
		assert_int_equal(sum->stalls, 1);
		assert_int_equal(sum->loops[0].open->lag_ns, 60 * S);
		assert_near(sum->loops[0].arrival.p99_ns, 9900 * MS, MS); /* what was seen of it */
		assert_int_equal(sum->loops[0].arrival.max_ns, 60 * S);
		assert_true(sum->loops[0].utilisation == 1);
		assert_int_equal(sum->causes[0].tally.ns, 60 * S);
		assert_int_equal(sum->blocks[0].sum_ns, 60 * S);
		if (!again)
			summary_free(b->s);
	}
}

/* The same when it has ended: only what came after the attach was anybody's to wait for while we looked. */
static void test_stall_from_before_the_attach(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "node", 10, "");
	uint32_t x = story_stack(b->t, story_own(b->t, "x"), 0);
	b->t->counts[loop].unobserved_ns = 30 * S;
	story_second(b->t);
	b->t->at_ns += 500 * MS;
	stall_in(b, loop, 1, x, 31500 * MS, 0, 0);
	for (int i = 0; i < 9; i++)
		story_second(b->t);
	story_end(b->t, "duration");
	const struct summary *s = summarise(b);
	assert_near((uint64_t)(s->loops[0].utilisation * 1000), 150, 1);
	assert_near(s->loops[0].arrival.p99_ns, 1400 * MS, MS);
	assert_int_equal(s->loops[0].arrival.max_ns, 31500 * MS);
	assert_int_equal(s->without.n, 1);
	assert_int_equal(s->without.steps[0].after_ns, 0);
}

static void test_empty(void **state)
{
	struct bench *b = *state;
	const struct summary *s = summarise(b);
	assert_int_equal(s->n_loops, 0);
	assert_int_equal(s->n_causes, 0);
	assert_int_equal(s->without.n, 0);
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

/* Named as what most of its time was; regular if it comes like a clock. */
static void test_naming_and_rhythm(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, ""), x = story_stack(b->t, story_own(b->t, "x"), 0),
		 y = story_stack(b->t, story_own(b->t, "y"), 0);
	for (uint64_t i = 0; i < 12; i++) {
		struct fact_stall s = story_stall_of(
			b->t, loop, i, (struct ledger){.cpu_ns = i == 3 ? 400 * MS : 100 * MS}, 0);
		b->t->at_ns = (i + 1) * S + (i % 2) * 20 * MS;
		s.start_ns = b->t->at_ns - s.lag_ns;
		s.verdict = VERDICT_CPU;
		s.cause = i == 3 ? "" : i == 4 ? "gc" : "cpu";
		s.remedy = i == 3 ? "" : i == 4 ? "collect less" : "compute less";
		s.samples[s.n_samples++] = (struct sample){s.lag_ns, i < 11 ? x : y, 1};
		story_stall(b->t, &s);
	}
	story_end(b->t, "duration");
	const struct summary *s = summarise(b);
	assert_string_equal(s->causes[0].frame->function, "x");
	assert_string_equal(s->causes[0].named, "cpu"); /* 900 ms, 400 unclassified, 100 otherwise */
	assert_string_equal(s->causes[0].remedy, "compute less");
	assert_near(s->causes[0].period_ns, 1000 * MS, 50 * MS);
	assert_int_equal(s->causes[1].period_ns, 0); /* once is no rhythm */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_without),
		BENCH_TEST(test_naming_and_rhythm),
		BENCH_TEST(test_loops_by_harm),
		BENCH_TEST(test_open_stall_counts),
		BENCH_TEST(test_stall_from_before_the_attach),
		BENCH_TEST(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
