/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks find their stalls, whatever order names come in. */
#include "story.h"

#include "model/attribution.h"

#define MAX_OUT 64

struct bench {
	struct story *t;
	struct attribution *a;
	struct fact_stall out[MAX_OUT];
	uint32_t n;
	uint32_t loop, stacks[8];
};

static void collect(void *context, const struct fact_stall *s, uint64_t at_ns)
{
	struct bench *b = context;
	assert_true(b->n < MAX_OUT);
	assert_int_equal(at_ns, s->gap_seq * 1000);
	b->out[b->n++] = *s;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->t = story_new();
	b->loop = story_loop(b->t, "app", 10, "");
	story_loop(b->t, "app", 11, "");
	for (size_t i = 0; i < 8; i++)
		b->stacks[i] = story_stack(b->t, story_own(b->t, "f"), story_own(b->t, "g"), 0);
	struct attribution_options o = {b->t->dictionary, 50 * MS, 0, collect, b};
	b->a = attribution_new(&o);
	assert_non_null(b->a);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	attribution_free(b->a);
	story_free(b->t);
	free(b);
	return 0;
}

static void sample(struct bench *b, uint64_t gap_seq, uint64_t cookie, uint64_t ns)
{
	struct attribution_stack s = {ATTRIBUTION_SAMPLE, .cookie = cookie,   .tid = 10,
				      .loop = b->loop,	  .gap_seq = gap_seq, .weight_ns = ns};
	assert_int_equal(attribution_sample(b->a, &s), 0);
}

static void stall(struct bench *b, uint64_t gap_seq, enum stall_state state, uint64_t now_ns)
{
	struct attribution_stall s = {.at_ns = gap_seq * 1000};
	s.stall = (struct fact_stall){.loop = b->loop,
				      .tid = 10,
				      .comm = "app",
				      .gap_seq = gap_seq,
				      .state = state,
				      .lag_ns = 100 * MS,
				      .gap_ns = 100 * MS,
				      .ledger.cpu_ns = 100 * MS};
	assert_int_equal(attribution_stall(b->a, &s, now_ns), 0);
}

static void test_waits_for_names_and_merges(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, 5 * MS);
	sample(b, 1, 102, 5 * MS);
	sample(b, 1, 103, 7 * MS);
	attribution_resolved(b->a, 102, b->stacks[0], 0);
	stall(b, 1, STALL_ENDED, 0);
	attribution_resolved(b->a, 103, b->stacks[1], 0);
	assert_int_equal(b->n, 0);
	attribution_resolved(b->a, 101, b->stacks[0], 0);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].n_samples, 2);
	assert_int_equal(b->out[0].samples[0].stack, b->stacks[0]);
	assert_int_equal(b->out[0].samples[0].ns, 10 * MS);
	assert_int_equal(b->out[0].samples[0].n, 2);
	assert_int_equal(b->out[0].samples[1].ns, 7 * MS);
	assert_int_equal(b->out[0].covered_ns, 17 * MS);
	assert_int_equal(b->out[0].verdict, VERDICT_CPU);
	assert_string_equal(dictionary_frame(b->t->dictionary, b->out[0].culprit_frame)->function, "f");
}

static void test_the_task_of_most_of_the_time(void **state)
{
	static const char *const tasks[] = {"fetch", "tick", "tick", ""};
	struct bench *b = *state;
	for (uint32_t i = 0; i < 4; i++) {
		struct attribution_stack s = {ATTRIBUTION_SAMPLE,
					      .cookie = 200 + i,
					      .tid = 10,
					      .loop = b->loop,
					      .gap_seq = 1,
					      .weight_ns = 5 * MS,
					      .task = {.name = tasks[i],
						       .n_awaiters = 1,
						       .awaiters = {{.task = tasks[i], .others = i}}},
					      .collecting = i == 3};
		assert_int_equal(attribution_sample(b->a, &s), 0);
		attribution_resolved(b->a, 200 + i, b->stacks[0], 0);
	}
	stall(b, 1, STALL_ENDED, 0);
	assert_int_equal(b->n, 1);
	assert_string_equal(b->out[0].task.name, "tick");
	assert_int_equal(b->out[0].task.n_awaiters, 1);
	assert_string_equal(b->out[0].task.awaiters[0].task, "tick");
	assert_int_equal(b->out[0].task.awaiters[0].others, 2); /* as it was last */
	assert_int_equal(b->out[0].collecting_ns, 5 * MS);
	assert_int_equal(b->out[0].verdict, VERDICT_CPU);
}

static void test_patience_ends(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, 5 * MS);
	stall(b, 1, STALL_ENDED, 7 * S);
	attribution_advance(b->a, 8 * S - 1);
	assert_int_equal(b->n, 0);
	attribution_advance(b->a, 8 * S);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].samples[0].stack, 0);
	assert_int_equal(b->out[0].samples[0].ns, 5 * MS);
	assert_int_equal(b->out[0].covered_ns, 0);
	attribution_resolved(b->a, 101, b->stacks[0], 8 * S); /* too late: ignored */
	struct attribution_counts c;
	attribution_counts(b->a, &c);
	assert_int_equal(c.unnamed, 1);
	assert_int_equal(c.gaps, 0);
	assert_int_equal(c.held, 0);
}

static void test_order_of_arrival(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, 5 * MS);
	stall(b, 1, STALL_ENDED, 0);
	stall(b, 2, STALL_ENDED, 0); /* has no stacks, and waits all the same */
	assert_int_equal(b->n, 0);
	attribution_resolved(b->a, 101, b->stacks[0], 0);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->out[0].gap_seq, 1);
	assert_int_equal(b->out[1].n_samples, 0);
}

static void test_short_gaps_are_dropped(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, 5 * MS);
	sample(b, 2, 102, 6 * MS); /* gap 1 is over */
	attribution_resolved(b->a, 101, b->stacks[0], 0);
	attribution_resolved(b->a, 102, b->stacks[1], 0);
	sample(b, 1, 103, 5 * MS); /* late */
	stall(b, 2, STALL_ENDED, 0);
	assert_int_equal(b->out[0].n_samples, 1);
	assert_int_equal(b->out[0].samples[0].stack, b->stacks[1]);
	struct attribution_counts c;
	attribution_counts(b->a, &c);
	assert_int_equal(c.dropped, 2);
	sample(b, 5, 104, MS);
	attribution_closed(b->a, b->loop, 5);
	attribution_counts(b->a, &c);
	assert_int_equal(c.dropped, 3);
	assert_int_equal(c.gaps, 0);
}

/* A stall is told when its harm is known, which may be after the first stacks of the next gap. */
static void test_a_stall_behind_the_next_gaps_stacks(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, 5 * MS);
	attribution_resolved(b->a, 101, b->stacks[0], 0);
	sample(b, 2, 102, 7 * MS);
	stall(b, 1, STALL_ENDED, 0);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].samples[0].stack, b->stacks[0]);
	assert_int_equal(b->out[0].samples[0].ns, 5 * MS);
}

static void test_the_gil_of_samples(void **state)
{
	struct bench *b = *state;
	for (uint32_t i = 0; i < 4; i++) {
		struct attribution_stack s = {ATTRIBUTION_SAMPLE, .cookie = 200 + i,	.tid = 10,
					      .loop = b->loop,	  .gap_seq = 1,		.weight_ns = 5 * MS,
					      .gil_held = i == 1, .gil_released = i > 1};
		assert_int_equal(attribution_sample(b->a, &s), 0);
		attribution_resolved(b->a, 200 + i, b->stacks[0], 0);
	}
	stall(b, 1, STALL_ENDED, 0);
	assert_int_equal(b->out[0].samples[0].n, 4);
	assert_int_equal(b->out[0].samples[0].gil_held, 1);
	assert_int_equal(b->out[0].samples[0].gil_released, 2);
}

static void test_open_stall_leaves_its_stacks(void **state)
{
	struct bench *b = *state;
	sample(b, 3, 101, 5 * MS);
	attribution_resolved(b->a, 101, b->stacks[0], 0);
	stall(b, 3, STALL_OPEN, 0);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].samples[0].ns, 5 * MS);
	sample(b, 3, 102, 5 * MS);
	stall(b, 3, STALL_OPEN, 0);
	sample(b, 3, 103, 5 * MS); /* after it: it need not wait for this one */
	attribution_resolved(b->a, 102, b->stacks[0], 0);
	assert_int_equal(b->n, 2);
	attribution_resolved(b->a, 103, b->stacks[0], 0);
	stall(b, 3, STALL_ENDED, 0);
	assert_int_equal(b->n, 3);
	assert_int_equal(b->out[2].samples[0].ns, 15 * MS);
}

static void test_blocks_and_wakers(void **state)
{
	struct bench *b = *state;
	struct attribution_stack block = {ATTRIBUTION_BLOCK, 201, 10, b->loop, 4, .seq = 77, .paused = true};
	struct attribution_stack waker = {ATTRIBUTION_WAKER, 202,	10, b->loop, 4,
					  .waker_tid = 44,   .block = 5};
	struct attribution_stack later = {ATTRIBUTION_WAKER, 203,	10, b->loop, 4,
					  .waker_tid = 44,   .block = 6};
	assert_int_equal(attribution_sample(b->a, &block), 0);
	assert_int_equal(attribution_sample(b->a, &waker), 0);
	assert_int_equal(attribution_sample(b->a, &later), 0); /* the same thread ended another block, too */
	struct attribution_stall s = {.block_seq = {0, 77}, .block_at = {2, 5}, .at_ns = 4000};
	s.stall = (struct fact_stall){.loop = b->loop,
				      .tid = 10,
				      .gap_seq = 4,
				      .lag_ns = 90 * MS,
				      .gap_ns = 90 * MS,
				      .ledger.blocked_ns = 90 * MS,
				      .n_blocks = 2};
	s.stall.blocks[0] = (struct block){.call = "read", .target = "", .sum_ns = 50 * MS};
	s.stall.blocks[1] = (struct block){
		.call = "futex", .target = "", .kind = TARGET_FUTEX, .sum_ns = 40 * MS, .waker = {.tid = 44}};
	assert_int_equal(attribution_stall(b->a, &s, 0), 0);
	attribution_resolved(b->a, 202, b->stacks[2], 0);
	attribution_resolved(b->a, 203, b->stacks[0], 0);
	attribution_resolved(b->a, 201, b->stacks[1], 0);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].blocks[0].stack, 0);
	assert_int_equal(b->out[0].blocks[1].stack, b->stacks[1]);
	assert_true(b->out[0].blocks[1].paused);
	assert_false(b->out[0].blocks[0].paused);
	assert_int_equal(b->out[0].blocks[1].waker.stack, b->stacks[2]);
	assert_int_equal(b->out[0].covered_ns, 40 * MS);
	assert_int_equal(b->out[0].culprit_stack, b->stacks[1]);
}

static void test_saturated_loop_collects(void **state)
{
	struct bench *b = *state;
	struct sample top[8];
	assert_int_equal(attribution_collect(b->a, b->loop, true), 0);
	for (uint64_t gap = 1; gap <= 100; gap++) {
		sample(b, gap, 1000 + gap, 5 * MS);
		if (gap > 3) /* names come three gaps late */
			attribution_resolved(b->a, 1000 + gap - 3, b->stacks[gap % 3 == 0], 0);
	}
	uint32_t n = attribution_collected(b->a, b->loop, top, 8);
	assert_int_equal(n, 2);
	assert_int_equal(top[0].n + top[1].n, 97);
	assert_true(top[0].ns > top[1].ns);
	assert_int_equal(attribution_collected(b->a, b->loop, top, 8), 0);
	attribution_forget(b->a, b->loop);
	struct attribution_counts c;
	attribution_counts(b->a, &c);
	assert_int_equal(c.gaps, 0);
}

/* All its gaps are stalls: their samples are told twice. */
static void test_saturated_by_stalls(void **state)
{
	struct bench *b = *state;
	struct sample top[8];
	assert_int_equal(attribution_collect(b->a, b->loop, true), 0);
	for (uint64_t gap = 1; gap <= 10; gap++) {
		sample(b, gap, 1000 + gap, 90 * MS);
		attribution_resolved(b->a, 1000 + gap, b->stacks[0], 0);
		stall(b, gap, STALL_ENDED, 0);
	}
	assert_int_equal(b->out[0].n_samples, 1);
	assert_true(attribution_collected(b->a, b->loop, top, 8) == 1 && top[0].n >= 8);
}

static void test_bounds(void **state)
{
	struct bench *b = *state;
	struct attribution_counts c;
	for (uint64_t i = 0; i < 5000; i++)
		sample(b, 1, 1000 + i, MS);
	attribution_counts(b->a, &c);
	assert_int_equal(c.overflow, 5000 - 512);
	for (uint64_t i = 0; i < 512; i++) /* more distinct stacks than a stall shows */
		attribution_resolved(b->a, 1000 + i, (uint32_t)i + 1, 0);
	stall(b, 1, STALL_ENDED, 0);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->out[0].n_samples, FACT_MAX_SAMPLES);
	uint64_t ns = 0;
	for (uint32_t i = 0; i < b->out[0].n_samples; i++)
		ns += b->out[0].samples[i].ns;
	assert_int_equal(ns, 5000 * MS); /* no time is lost, only names */
	assert_int_equal(b->out[0].samples[0].stack, 0);
}

static void test_flush(void **state)
{
	struct bench *b = *state;
	sample(b, 1, 101, MS);
	stall(b, 1, STALL_ENDED, 0);
	sample(b, 2, 102, MS);
	stall(b, 2, STALL_STUCK, 0);
	attribution_flush(b->a);
	assert_int_equal(b->n, 2);
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_waits_for_names_and_merges),
		BENCH_TEST(test_the_task_of_most_of_the_time),
		BENCH_TEST(test_patience_ends),
		BENCH_TEST(test_order_of_arrival),
		BENCH_TEST(test_short_gaps_are_dropped),
		BENCH_TEST(test_a_stall_behind_the_next_gaps_stacks),
		BENCH_TEST(test_the_gil_of_samples),
		BENCH_TEST(test_open_stall_leaves_its_stacks),
		BENCH_TEST(test_blocks_and_wakers),
		BENCH_TEST(test_saturated_loop_collects),
		BENCH_TEST(test_saturated_by_stalls),
		BENCH_TEST(test_bounds),
		BENCH_TEST(test_flush),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
