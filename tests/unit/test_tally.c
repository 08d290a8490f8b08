/* SPDX-License-Identifier: Apache-2.0 */
/* What a tally adds up. */
#include "story_tally.h"

#include "base/array.h"

static const struct tally_cause *cause_of(const struct tally *t, enum cause_kind kind)
{
	for (size_t i = 0; i < t->totals.n_causes; i++)
		if (t->totals.causes[i].kind == kind)
			return &t->totals.causes[i];
	return NULL;
}

static void test_counts_merge(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	story_seconds(b->t, 3, loop, 100, 2 * MS);
	const struct tally_loop *l = b->tally->loops[loop - 1];
	assert_int_equal(l->iterations, 300);
	assert_int_equal(l->elapsed_ns, 3 * S);
	assert_int_equal(l->busy_ns, 600 * MS);
	assert_int_equal(l->lag.n, 300);
	assert_int_equal(l->lag.total_ns, 600 * MS);
}

static void test_open_stall_is_replaced(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	b->t->at_ns = 5 * S;
	struct fact_stall s = story_stall_of(b->t, loop, 7, (struct ledger){.cpu_ns = 100 * MS}, 0);
	s.verdict = VERDICT_CPU;
	s.state = STALL_OPEN;
	story_stall(b->t, &s);
	s.lag_ns = 200 * MS;
	story_stall(b->t, &s);
	assert_int_equal(b->tally->totals.n_stalls, 0);
	assert_int_equal(b->tally->loops[loop - 1]->open->lag_ns, 200 * MS);
	s.lag_ns = 300 * MS;
	s.state = STALL_ENDED;
	story_stall(b->t, &s);
	assert_null(b->tally->loops[loop - 1]->open);
	assert_int_equal(b->tally->totals.n_stalls, 1);
	assert_int_equal(b->tally->loops[loop - 1]->stalls.stall_ns, 300 * MS);
}

/* A worker that is blocked while others serve: the loop has not stalled. */
static void test_a_worker_is_no_stall(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	struct fact_stall s = story_stall_of(b->t, loop, 7, (struct ledger){.blocked_ns = 900 * MS}, 0);
	s.state = STALL_OPEN;
	story_tell(b->t, (struct fact){.kind = FACT_WORKER, .stall = &s});
	assert_int_equal(b->tally->totals.n_stalls, 0);
	assert_true(!b->tally->loops || !b->tally->loops[loop - 1] || !b->tally->loops[loop - 1]->open);
}

static void test_short_and_unknown_are_left_out(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	struct fact_stall s = story_stall_of(b->t, loop, 7, (struct ledger){.cpu_ns = 49 * MS}, 0);
	story_tell(b->t, (struct fact){.kind = FACT_STALL, .stall = &s});
	s.lag_ns = 60 * MS;
	s.loop = 4000000000u; /* a damaged recording */
	story_tell(b->t, (struct fact){.kind = FACT_STALL, .stall = &s});
	static struct fact_counts c = {.loop = 4000000000u};
	story_tell(b->t, (struct fact){.kind = FACT_COUNTS, .counts = &c});
	assert_int_equal(b->tally->totals.n_stalls, 0);
	assert_int_equal(b->tally->n_loops, 1);
}

static void test_time_is_put_down_to_causes(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	uint32_t stack = story_stack(b->t, story_own(b->t, "spin"), 0);
	struct ledger l = {.cpu_ns = 100 * MS,
			   .blocked_ns = 40 * MS,
			   .runnable_ns = 50 * MS,
			   .throttled_ns = 30 * MS,
			   .unaccounted_ns = 20 * MS};
	for (uint64_t i = 0; i < 3; i++) {
		struct fact_stall s = story_stall_of(b->t, loop, i, l, 10 * MS);
		s.n_samples = 1;
		s.samples[0] = (struct sample){90 * MS, stack, 18};
		s.n_blocks = 1;
		s.blocks[0] = (struct block){
			"read", "/x", TARGET_FILE, .count = 2, .sum_ns = 40 * MS, .max_ns = (20 + i) * MS};
		story_stall(b->t, &s);
	}
	assert_int_equal(cause_of(b->tally, CAUSE_FRAME)->ns, 270 * MS);
	assert_int_equal(cause_of(b->tally, CAUSE_FRAME)->stalls, 3);
	assert_int_equal(cause_of(b->tally, CAUSE_FRAME)->stacks[0].stack, stack);
	assert_int_equal(cause_of(b->tally, CAUSE_THROTTLED)->ns, 90 * MS);
	assert_int_equal(cause_of(b->tally, CAUSE_NO_CPU)->ns, 90 * MS);
	assert_int_equal(cause_of(b->tally, CAUSE_NO_STACK)->ns, 150 * MS);
	assert_int_equal(cause_of(b->tally, CAUSE_UNACCOUNTED)->ns, 60 * MS);
	assert_null(cause_of(b->tally, CAUSE_STOPPED));
	assert_int_equal(b->tally->totals.n_blocks, 1);
	assert_int_equal(b->tally->totals.blocks[0].count, 6);
	assert_int_equal(b->tally->totals.blocks[0].sum_ns, 120 * MS);
	assert_int_equal(b->tally->totals.blocks[0].max_ns, 22 * MS);
}

static void test_children_are_one_kind_of_block(void **state)
{
	static const char *const children[] = {"pid 71 (sleep)", "pid 72 (sleep)"};
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	for (uint64_t i = 0; i < ARRAY_LEN(children); i++) {
		struct fact_stall s =
			story_stall_of(b->t, loop, i, (struct ledger){.blocked_ns = 90 * MS}, 0);
		s.n_blocks = 1;
		s.blocks[0] = (struct block){"wait4",	 children[i],	    TARGET_CHILD,
					     .count = 1, .sum_ns = 90 * MS, .max_ns = (90 - i) * MS};
		story_stall(b->t, &s);
		assert_int_equal(b->tally->totals.blocks[0].several, i > 0);
	}
	assert_int_equal(b->tally->totals.n_blocks, 1);
	assert_int_equal(b->tally->totals.blocks[0].count, 2);
	assert_string_equal(b->tally->totals.blocks[0].target, children[0]);
}

static void test_hidden_loops_are_in_no_total(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "postgres", 10, "");
	story_loop_class(b->t, loop, LOOP_SINGLE_CLIENT);
	struct fact_stall s = story_stall_of(b->t, loop, 1, (struct ledger){.cpu_ns = 500 * MS}, 0);
	story_stall(b->t, &s);
	assert_int_equal(b->tally->totals.n_stalls, 0);
	assert_int_equal(b->tally->totals.n_causes, 0);
	assert_int_equal(b->tally->loops[loop - 1]->stalls.stalls, 1);
}

static void test_many_functions_are_bounded(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	for (uint32_t i = 0; i < TALLY_MAX_CAUSES + 50; i++) {
		uint32_t place = story_frame_full(
			b->t, (struct fact_frame){.object = "app", .offset = i * 64, .application = true});
		struct fact_stall s = story_stall_of(b->t, loop, i, (struct ledger){.cpu_ns = 60 * MS}, 0);
		s.n_samples = 1;
		s.samples[0] = (struct sample){60 * MS, story_stack(b->t, place, 0), 12};
		story_stall(b->t, &s);
	}
	assert_int_equal(b->tally->totals.n_causes, TALLY_MAX_CAUSES + 1);
	assert_int_equal(cause_of(b->tally, CAUSE_OTHER)->stalls, 50);
}

static void test_timeline_halves(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	b->t->at_ns = 100 * S + 900 * MS;
	struct fact_stall s = story_stall_of(b->t, loop, 1, (struct ledger){.cpu_ns = 2 * S}, 0);
	story_stall(b->t, &s);
	assert_int_equal(b->tally->cells[97].max_lag_ns, 0);
	for (size_t i = 98; i <= 100; i++)
		assert_int_equal(b->tally->cells[i].max_lag_ns, 2 * S);
	b->t->at_ns = 10000 * S;
	story_tell(b->t, (struct fact){.kind = FACT_TICK});
	assert_int_equal(b->tally->cell_ns, 4 * S);
	assert_int_equal(b->tally->n_cells, 2501);
	assert_int_equal(b->tally->cells[25].max_lag_ns, 2 * S);
	assert_int_equal(b->tally->cells[25].stalls, 1);
	assert_int_equal(b->tally->cells[26].max_lag_ns, 0);
}

static void test_losses_and_saturation(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "");
	story_loss(b->t, "ring_full", "x", 3);
	story_loss(b->t, "no_regs", "y", 1);
	story_loss(b->t, "ring_full", "x", 4);
	assert_int_equal(b->tally->n_losses, 2);
	assert_int_equal(b->tally->losses[0].count, 7);
	struct fact_saturated s = {.loop = loop, .since_ns = 0, .busy_ns = S};
	b->t->at_ns = S;
	story_tell(b->t, (struct fact){.kind = FACT_SATURATED, .saturated = &s});
	b->t->at_ns = 4 * S;
	s.ended = true;
	story_tell(b->t, (struct fact){.kind = FACT_SATURATED, .saturated = &s});
	assert_int_equal(b->tally->loops[loop - 1]->saturated_ns, 4 * S);
	assert_int_equal(b->tally->loops[loop - 1]->saturated_periods, 1);
	assert_false(b->tally->loops[loop - 1]->saturated);
}

static void tell_worker(struct bench *b, uint32_t loop, uint32_t tid, uint64_t start_ns, uint64_t lag_ns)
{
	struct fact_stall s = {
		.loop = loop, .tid = tid, .start_ns = start_ns, .lag_ns = lag_ns, .remedy = "r"};
	story_tell(b->t, (struct fact){.kind = FACT_WORKER, .stall = &s});
}

/* Told at 100, 200 and 400 ms, it is blocked once; no stall of the loop comes of it. */
static void test_blocked_workers(void **state)
{
	struct bench *b = *state;
	uint32_t loop = story_loop(b->t, "app", 10, "tokio");
	tell_worker(b, loop, 11, 5 * S, 100 * MS);
	tell_worker(b, loop, 12, 5 * S, 100 * MS);
	tell_worker(b, loop, 11, 5 * S + 3 * MS, 200 * MS);
	tell_worker(b, loop, 11, 5 * S - 3 * MS, 400 * MS);
	tell_worker(b, loop, 11, 7 * S, 110 * MS);
	const struct blocked_workers *w = &b->tally->loops[loop - 1]->workers;
	assert_int_equal(w->times, 3);
	assert_int_equal(w->longest_ns, 400 * MS);
	struct summary *s = summary_new(b->tally);
	assert_int_equal(s->stalls, 0);
	assert_int_equal(s->loops[0].workers->times, 3);
	summary_free(s);
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

/* A loop that stalls once, is counted, and is gone. */
static void tell_short_life(struct story *t, uint32_t id, uint64_t stall_ns)
{
	struct fact_loop l = {.id = id,
			      .pid = 1000 + id,
			      .tid = 1000 + id,
			      .comm = "job",
			      .process = "job",
			      .runtime = "",
			      .wait_call = "",
			      .container = "",
			      .unit = "",
			      .threads = 1};
	struct fact_counts c = {.loop = id, .elapsed_ns = S, .iterations = 10, .max_lag_ns = stall_ns};
	histogram_add(&c.lag, MS, 9);
	histogram_add(&c.lag, stall_ns, 1);
	story_tell(t, (struct fact){.kind = FACT_LOOP, .loop = l});
	story_tell(t, (struct fact){.kind = FACT_COUNTS, .counts = &c});
	struct fact_stall s = story_stall_of(t, id, 1, (struct ledger){.cpu_ns = stall_ns}, 0);
	s.verdict = VERDICT_CPU;
	story_tell(t, (struct fact){.kind = FACT_STALL, .stall = &s});
	l.gone = true;
	story_tell(t, (struct fact){.kind = FACT_LOOP, .loop = l});
	story_tell(t, (struct fact){.kind = FACT_STALL,
				    .stall = &s}); /* a report that was held until its stacks had names */
}

/* Processes that come and go cost no more memory than so many rows, and nothing of the sums is lost. */
static void test_the_least_harmed_of_many_ended_share_a_row(void **state)
{
	enum { LIVES = TALLY_MAX_ENDED + 100, WORST = 7 };
	struct bench *b = *state;
	b->t->at_ns = 5 * S;
	for (uint32_t id = 1; id <= LIVES; id++)
		tell_short_life(b->t, id, id == WORST ? 4 * S : 100 * MS + id * MS);
	struct summary *s = summary_new(b->tally);
	uint64_t iterations = 0, values = 0, stalls = 0, elapsed_ns = 0;
	assert_int_equal(s->n_loops, TALLY_MAX_ENDED + 1);
	for (size_t i = 0; i < s->n_loops; i++) {
		iterations += s->loops[i].iterations;
		values += s->loops[i].lag.n;
		stalls += s->loops[i].stalls.stalls;
		elapsed_ns += s->loops[i].elapsed_ns;
	}
	assert_int_equal(iterations, 10 * LIVES);
	assert_int_equal(values, 10 * LIVES);
	assert_int_equal(elapsed_ns, LIVES * S);
	assert_int_equal(stalls, 2 * LIVES);
	assert_int_equal(s->stalls, 2 * LIVES);
	assert_string_equal(s->loops[0].loop->process,
			    "100 ended loops"); /* together they were harmed most */
	assert_int_equal(s->loops[1].loop->id, WORST);
	assert_int_equal(s->loops[0].stalls.longest_ns, s->loops[0].arrival.max_ns);
	summary_free(s);
}

/* Stacks and stalls come late, so a name is kept for a while; then it goes, but for those that have a row. */
static void test_names_without_a_row_are_forgotten(void **state)
{
	enum { LIVES = TALLY_MAX_ENDED + 2, FIRST = 1, WORST = 7 };
	struct bench *b = *state;
	for (uint32_t id = 1; id <= LIVES; id++)
		tell_short_life(b->t, id, id == WORST ? 4 * S : 100 * MS + id * MS);
	assert_string_equal(dictionary_loop(b->t->dictionary, FIRST)->process, "job");
	b->t->at_ns += 60 * S;
	tell_short_life(b->t, LIVES + 1, S);
	assert_string_equal(dictionary_loop(b->t->dictionary, FIRST)->process, "ended");
	assert_true(dictionary_loop(b->t->dictionary, FIRST)->gone);
	assert_string_equal(dictionary_loop(b->t->dictionary, WORST)->process, "job");
	assert_string_equal(dictionary_loop(b->t->dictionary, LIVES)->process, "job");
	struct fact_stall late = story_stall_of(b->t, FIRST, 1, (struct ledger){.cpu_ns = 100 * MS}, 0);
	story_tell(b->t, (struct fact){.kind = FACT_STALL, .stall = &late});
	struct summary *s = summary_new(b->tally);
	uint64_t stalls = 0;
	for (size_t i = 0; i < s->n_loops; i++)
		stalls += s->loops[i].stalls.stalls;
	assert_int_equal(stalls, 2 * (LIVES + 1) + 1);
	summary_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_counts_merge),
		BENCH_TEST(test_open_stall_is_replaced),
		BENCH_TEST(test_a_worker_is_no_stall),
		BENCH_TEST(test_short_and_unknown_are_left_out),
		BENCH_TEST(test_time_is_put_down_to_causes),
		BENCH_TEST(test_children_are_one_kind_of_block),
		BENCH_TEST(test_hidden_loops_are_in_no_total),
		BENCH_TEST(test_many_functions_are_bounded),
		BENCH_TEST(test_timeline_halves),
		BENCH_TEST(test_losses_and_saturation),
		BENCH_TEST(test_blocked_workers),
		BENCH_TEST(test_the_least_harmed_of_many_ended_share_a_row),
		BENCH_TEST(test_names_without_a_row_are_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
