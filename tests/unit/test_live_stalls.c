/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the records of stalls that have ended. */
#include "story.h"

#include "cli/live_parts.h"

#define SLOT   1
#define LENGTH (300 * MS)

struct bench {
	struct story *story;
	struct live_source source;
	struct fact_stall told[4];
	uint32_t n, loop, stacks[2];
};

static void ready(void *context, const struct fact_stall *s, uint64_t at_ns)
{
	struct bench *b = context;
	(void)at_ns;
	assert_true(b->n < 4);
	b->told[b->n++] = *s;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->story = story_new();
	b->loop = story_loop(b->story, "app", 10, "");
	for (int i = 0; i < 2; i++)
		b->stacks[i] = story_stack(b->story, story_own(b->story, i ? "kernels" : "looked"), 0);
	struct attribution_options o = {b->story->dictionary, 50 * MS, 0, ready, b};
	b->source.attribution = attribution_new(&o);
	b->source.texts = intern_new();
	b->source.max_loops = SLOT + 1;
	b->source.loops = calloc(b->source.max_loops, sizeof *b->source.loops);
	assert_true(b->source.attribution && b->source.texts && b->source.loops);
	b->source.loops[SLOT].id = b->loop;
	b->source.loops[SLOT].fact = *dictionary_loop(b->story->dictionary, b->loop);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	attribution_free(b->source.attribution);
	intern_free(b->source.texts);
	free(b->source.loops);
	story_free(b->story);
	free(b);
	return 0;
}

/* Blocked in one call all the time. */
static struct lst_stall_record blocked(uint64_t gap_seq)
{
	struct lst_stall_record r = {
		.head = {.tgid = 10, .tid = 10},
		.slot = SLOT,
		.n_blocks = 1,
		.gap = {.gap_start_ns = S, .gap_ns = LENGTH, .closed_ns = S + LENGTH, .gap_seq = gap_seq},
		.blocks = {{.kind = LST_TARGET_PIPE, .count = 1, .sum_ns = LENGTH, .max_ns = LENGTH}}};
	r.gap.ledger.blocked_ns = LENGTH;
	return r;
}

static void stack_named(struct bench *b, uint64_t gap_seq, uint32_t seq, uint32_t stack)
{
	struct attribution_stack s = {.why = ATTRIBUTION_BLOCK,
				      .cookie = seq,
				      .tid = 10,
				      .loop = b->loop,
				      .gap_seq = gap_seq,
				      .seq = seq};
	assert_int_equal(attribution_sample(b->source.attribution, &s), 0);
	attribution_resolved(b->source.attribution, seq, stack, 0);
}

/* An open report has shown the stack that a look took; the kernel has none of a block that it did not see begin. */
static void a_stack_that_was_shown_is_kept_for_the_end(void **state)
{
	struct bench *b = *state;
	struct lst_stall_record r = blocked(7);
	b->source.loops[SLOT].looked = (struct looked_block){7, 200 * MS, 0, 55};
	stack_named(b, 7, 55, b->stacks[0]);
	stalls_ended(&b->source, &r);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->told[0].blocks[0].stack, b->stacks[0]);
	assert_int_equal(b->told[0].culprit_stack, b->stacks[0]);
	assert_int_equal(b->told[0].covered_ns, LENGTH);
}

static void the_kernels_own_stack_of_a_longer_time_wins(void **state)
{
	struct bench *b = *state;
	struct lst_stall_record r = blocked(7);
	b->source.loops[SLOT].looked = (struct looked_block){7, 200 * MS, 0, 55};
	stack_named(b, 7, 55, b->stacks[0]);
	stack_named(b, 7, 56, b->stacks[1]);
	r.blocks[0].stack_seq = 56;
	r.blocks[0].stack_ns = LENGTH;
	stalls_ended(&b->source, &r);
	assert_int_equal(b->told[0].blocks[0].stack, b->stacks[1]);
	r = blocked(8); /* of a moment, and not of what the look saw */
	b->source.loops[SLOT].looked.gap_seq = 8;
	stack_named(b, 8, 55, b->stacks[0]);
	stack_named(b, 8, 56, b->stacks[1]);
	r.blocks[0].stack_seq = 56;
	r.blocks[0].stack_ns = 2 * MS;
	stalls_ended(&b->source, &r);
	assert_int_equal(b->told[1].blocks[0].stack, b->stacks[0]);
}

static void a_look_is_of_one_block_in_one_gap(void **state)
{
	struct bench *b = *state;
	struct lst_stall_record r = blocked(8);
	b->source.loops[SLOT].looked = (struct looked_block){7, 200 * MS, 0, 55};
	stack_named(b, 8, 55, b->stacks[0]);
	stalls_ended(&b->source, &r);
	r = blocked(9);
	r.blocks[0].tenant = 1; /* another one has its place by now */
	b->source.loops[SLOT].looked.gap_seq = 9;
	stack_named(b, 9, 55, b->stacks[0]);
	stalls_ended(&b->source, &r);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->told[0].blocks[0].stack, 0);
	assert_int_equal(b->told[1].blocks[0].stack, 0);
}

/* Two threads that return from a shared loop at once may each send what was pending (tests/bpf/test_shared.c). */
static void a_gap_that_two_threads_send_is_told_once(void **state)
{
	struct bench *b = *state;
	struct lst_stall_record r = blocked(7), next = blocked(8);
	stalls_ended(&b->source, &r);
	stalls_ended(&b->source, &r);
	assert_int_equal(b->n, 1);
	stalls_ended(&b->source, &next);
	assert_int_equal(b->n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stack_that_was_shown_is_kept_for_the_end),
		TEST(the_kernels_own_stack_of_a_longer_time_wins),
		TEST(a_look_is_of_one_block_in_one_gap),
		TEST(a_gap_that_two_threads_send_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
