/* SPDX-License-Identifier: Apache-2.0 */
/* Stall time by place: that all of it is somewhere, once. */
#include "story_tally.h"

#include "model/places.h"

struct shop {
	struct bench bench; /* first member: bench_tear_down() frees it */
	struct places *places;
	uint32_t loop, burning, sleeping;
};

static int set_up(void **state)
{
	struct shop *b = calloc(1, sizeof *b);
	assert_non_null(b);
	struct story *t = b->bench.t = story_new();
	b->places = places_new(t->dictionary, 0);
	assert_non_null(b->places);
	t->sinks[t->n_sinks++] = places_sink(b->places);
	b->bench.tally = story_tally(t, 50 * MS);
	b->loop = story_loop(t, "app", 10, "");
	b->burning = story_stack(t, story_own(t, "burn"), story_own(t, "main"), 0);
	b->sleeping = story_stack(t, story_own(t, "rest"), story_own(t, "main"), 0);
	t->at_ns = 9 * S;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct shop *b = *state;
	places_free(b->places);
	return bench_tear_down(state);
}

static void close_all(struct shop *b)
{
	b->bench.s = summary_new(b->bench.tally);
	assert_non_null(b->bench.s);
	assert_int_equal(places_close(b->places, b->bench.s), 0);
	assert_ptr_equal(b->bench.s->places, b->places);
}

static const struct place *find(const struct shop *b, enum place_kind kind, uint32_t stack)
{
	for (size_t i = 0; i < places_count(b->places); i++)
		if (places_at(b->places, i)->kind == kind && places_at(b->places, i)->stack == stack)
			return places_at(b->places, i);
	return NULL;
}

static void assert_all_is_there(const struct shop *b)
{
	uint64_t ns = 0, stalls = 0;
	for (size_t i = 0; i < places_count(b->places); i++) {
		ns += places_at(b->places, i)->ns;
		stalls += places_at(b->places, i)->stalls;
	}
	assert_int_equal(ns, b->bench.s->stall_ns);
	assert_int_equal(stalls, b->bench.s->stalls);
}

static struct block sleep_of(const struct shop *b, uint64_t ns, uint64_t asked_ns)
{
	return (struct block){"clock_nanosleep",       "",	   TARGET_SLEEP, asked_ns, 1, ns, ns,
			      {.comm = "", .why = ""}, b->sleeping};
}

static void test_each_part_has_its_place(void **state)
{
	struct shop *b = *state;
	struct ledger l = {.cpu_ns = 40 * MS,
			   .blocked_ns = 100 * MS,
			   .runnable_ns = 30 * MS,
			   .throttled_ns = 12 * MS,
			   .stopped_ns = 7 * MS,
			   .unaccounted_ns = 2 * MS};
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 1, l, 5 * MS);
	s.n_samples = 1;
	s.samples[0] = (struct sample){30 * MS, b->burning, 6};
	s.n_blocks = 1;
	s.blocks[0] = sleep_of(b, 90 * MS, 90 * MS);
	s.verdict = VERDICT_BLOCKED;
	story_stall(b->bench.t, &s);
	close_all(b);
	const struct {
		enum place_kind kind;
		uint32_t stack;
		uint64_t ns, stalls;
	} wanted[] = {{PLACE_BLOCKED, b->sleeping, 90 * MS, 1},
		      {PLACE_CPU, b->burning, 30 * MS, 0},
		      {PLACE_CPU, 0, 10 * MS, 0},
		      {PLACE_BLOCKED, 0, 10 * MS, 0},
		      {PLACE_THROTTLED, 0, 12 * MS, 0},
		      {PLACE_NO_CPU, 0, 23 * MS, 0},
		      {PLACE_STOPPED, 0, 7 * MS, 0},
		      {PLACE_UNACCOUNTED, 0, 2 * MS, 0}};
	assert_int_equal(places_count(b->places), sizeof wanted / sizeof *wanted);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		const struct place *p = find(b, wanted[i].kind, wanted[i].stack);
		assert_non_null(p);
		assert_int_equal(p->ns, wanted[i].ns);
		assert_int_equal(p->stalls, wanted[i].stalls);
		assert_int_equal(p->verdict, VERDICT_BLOCKED);
	}
	assert_ptr_equal(places_at(b->places, 0), find(b, PLACE_BLOCKED, b->sleeping));
	assert_string_equal(places_at(b->places, 0)->call, "clock_nanosleep");
	assert_all_is_there(b);
}

/* Samples stand for a little more or less than was measured. */
static void test_samples_are_no_more_than_the_ledger(void **state)
{
	struct shop *b = *state;
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 1, (struct ledger){.cpu_ns = 60 * MS}, 0);
	s.n_samples = 2;
	s.samples[0] = (struct sample){90 * MS, b->burning, 18};
	s.samples[1] = (struct sample){30 * MS, b->sleeping, 6};
	story_stall(b->bench.t, &s);
	close_all(b);
	assert_int_equal(find(b, PLACE_CPU, b->burning)->ns, 45 * MS);
	assert_int_equal(find(b, PLACE_CPU, b->sleeping)->ns, 15 * MS);
	assert_all_is_there(b);
}

/* What was stolen from the loop is not the function's that it was stolen from. */
static void test_stolen_time_is_no_frame_s(void **state)
{
	struct shop *b = *state;
	struct ledger l = {.cpu_ns = 100 * MS, .stolen_ns = 60 * MS, .interrupts_ns = 10 * MS};
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 1, l, 0);
	s.n_samples = 1;
	s.samples[0] = (struct sample){100 * MS, b->burning, 20};
	story_stall(b->bench.t, &s);
	close_all(b);
	assert_int_equal(find(b, PLACE_CPU, b->burning)->ns, 30 * MS);
	assert_int_equal(find(b, PLACE_NO_CPU, 0)->ns, 70 * MS);
	assert_all_is_there(b);
}

static void tell_sleep(struct shop *b, uint64_t seq, uint64_t ns, uint64_t asked_ns)
{
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, seq, (struct ledger){.blocked_ns = ns}, 0);
	s.n_blocks = 1;
	s.blocks[0] = sleep_of(b, ns, asked_ns);
	story_stall(b->bench.t, &s);
}

/* What is asked for differs by the time since the deadline was reckoned; another length is another sleep. */
static void test_alike_is_one_place(void **state)
{
	struct shop *b = *state;
	tell_sleep(b, 1, 100 * MS, 100 * MS);
	tell_sleep(b, 2, 101 * MS, 100 * MS - 20000);
	close_all(b);
	assert_int_equal(places_count(b->places), 1);
	const struct place *p = places_at(b->places, 0);
	assert_int_equal(p->ns, 201 * MS);
	assert_int_equal(p->stalls, 2);
	assert_int_equal(p->longest_ns, 101 * MS);
	assert_false(p->several);
}

static void test_several_are_told(void **state)
{
	struct shop *b = *state;
	tell_sleep(b, 1, 100 * MS, 100 * MS);
	tell_sleep(b, 2, 300 * MS, 300 * MS);
	close_all(b);
	assert_int_equal(places_count(b->places), 1);
	assert_true(places_at(b->places, 0)->several);
	assert_int_equal(places_at(b->places, 0)->object, 300 * MS);
}

/* As in the summary: below the threshold, or of a loop that is hidden, is no stall; an open one is. */
static void test_the_same_stalls_as_the_summary_s(void **state)
{
	struct shop *b = *state;
	tell_sleep(b, 1, 49 * MS, 49 * MS);
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 2, (struct ledger){.cpu_ns = 0}, 0);
	s.state = STALL_STUCK;
	s.lag_ns = s.gap_ns = 70 * S;
	s.n_blocks = 1;
	s.blocks[0] = sleep_of(b, 60 * S, 60 * S);
	story_stall(b->bench.t, &s);
	s.lag_ns = s.gap_ns = 80 * S;
	story_stall(b->bench.t, &s);
	uint32_t hidden = story_loop(b->bench.t, "slave", 11, "");
	story_loop_class(b->bench.t, hidden, LOOP_SLAVE);
	s = story_stall_of(b->bench.t, hidden, 1, (struct ledger){.cpu_ns = S}, 0);
	story_stall(b->bench.t, &s);
	close_all(b);
	assert_int_equal(places_count(b->places), 2);
	assert_int_equal(find(b, PLACE_BLOCKED, b->sleeping)->ns, 60 * S);
	assert_int_equal(find(b, PLACE_UNACCOUNTED, 0)->ns, 20 * S);
	assert_all_is_there(b);
}

/* Numbers as only a forged recording has them. */
static void test_impossible_numbers(void **state)
{
	struct shop *b = *state;
	struct ledger l = {.cpu_ns = INT64_MAX, .blocked_ns = INT64_MAX, .stopped_ns = INT64_MAX};
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 1, (struct ledger){.cpu_ns = 60 * MS}, 0);
	s.ledger = l;
	s.n_samples = FACT_MAX_SAMPLES;
	for (uint32_t i = 0; i < s.n_samples; i++)
		s.samples[i] = (struct sample){INT64_MAX, b->burning, 1};
	s.n_blocks = FACT_MAX_BLOCKS;
	for (uint32_t i = 0; i < s.n_blocks; i++)
		s.blocks[i] = sleep_of(b, INT64_MAX, 1);
	story_stall(b->bench.t, &s);
	close_all(b);
	assert_all_is_there(b);
}

/* More places than are told apart: none of the time is lost. */
static void test_the_bound(void **state)
{
	struct shop *b = *state;
	struct fact_loop l = *dictionary_loop(b->bench.t->dictionary, b->loop);
	struct fact_stall s = story_stall_of(b->bench.t, b->loop, 1, (struct ledger){.cpu_ns = 60 * MS}, 0);
	const uint32_t n = PLACES_MAX + 10;
	for (uint32_t i = 0; i < n; i++) {
		l.pid = 100 + i;
		story_tell(b->bench.t, (struct fact){.kind = FACT_LOOP, .loop = l});
		s.gap_seq++;
		story_tell(b->bench.t, (struct fact){.kind = FACT_STALL, .stall = &s});
	}
	close_all(b);
	assert_int_equal(places_count(b->places), PLACES_MAX + 1);
	assert_int_equal(places_at(b->places, PLACES_MAX)->kind, PLACE_BEYOND);
	assert_int_equal(places_at(b->places, PLACES_MAX)->ns, 10 * 60 * MS);
	assert_all_is_there(b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_each_part_has_its_place),   TEST(test_samples_are_no_more_than_the_ledger),
		TEST(test_stolen_time_is_no_frame_s), TEST(test_alike_is_one_place),
		TEST(test_several_are_told),	      TEST(test_the_same_stalls_as_the_summary_s),
		TEST(test_impossible_numbers),	      TEST(test_the_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
