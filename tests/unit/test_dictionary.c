/* SPDX-License-Identifier: Apache-2.0 */
#include "model/dictionary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int take_frame(struct dictionary *d, uint32_t id, uint32_t line)
{
	return dictionary_take(
		d, &(struct fact){FACT_FRAME, .frame = {.id = id, .function = "f", .line = line}});
}

static int take_loop(struct dictionary *d, uint32_t id, uint32_t pid)
{
	return dictionary_take(d, &(struct fact){FACT_LOOP, .loop = {.id = id, .pid = pid}});
}

static int take_stack(struct dictionary *d, uint32_t id, uint32_t n, const uint32_t *frames)
{
	return dictionary_take(d, &(struct fact){FACT_STACK, .stack = {.id = id, .n = n, .frames = frames}});
}

static void what_was_taken_is_found(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	uint32_t frames[] = {1, 2};
	assert_null(dictionary_frame(d, 0));
	assert_null(dictionary_frame(d, 1));
	assert_int_equal(take_frame(d, 1, 10), 0);
	assert_int_equal(take_frame(d, 2, 20), 0);
	assert_int_equal(take_stack(d, 1, 2, frames), 0);
	assert_int_equal(take_stack(d, 2, 0, NULL), 0);
	frames[0] = 99; /* the dictionary has its own */
	assert_int_equal(dictionary_stack(d, 1)->frames[0], 1);
	assert_int_equal(dictionary_stack(d, 2)->n, 0);
	assert_int_equal(dictionary_frame(d, 2)->line, 20);
	assert_int_equal(dictionary_take(d, &(struct fact){.kind = FACT_TICK}), 0);
	assert_int_equal(dictionary_frames(d), 2);
	assert_int_equal(dictionary_stacks(d), 2);
	assert_int_equal(dictionary_loops(d), 0);
	dictionary_free(d);
}

static void a_loop_is_what_it_was_last(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	assert_int_equal(take_loop(d, 1, 100), 0);
	const struct fact_loop *loop = dictionary_loop(d, 1);
	assert_int_equal(take_loop(d, 2, 200), 0);
	assert_int_equal(take_loop(d, 1, 300), 0);
	assert_int_equal(loop->pid, 300);
	assert_int_equal(dictionary_loops(d), 2);
	dictionary_free(d);
}

static void numbers_out_of_order_are_refused(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	assert_int_equal(take_frame(d, 0, 1), -EINVAL);
	assert_int_equal(take_frame(d, 2, 1), -EINVAL);
	assert_int_equal(take_frame(d, 1, 1), 0);
	assert_int_equal(take_frame(d, 1, 1), -EINVAL);
	assert_int_equal(take_loop(d, 0, 1), -EINVAL);
	assert_int_equal(take_loop(d, UINT32_MAX, 1), -EINVAL);
	assert_int_equal(take_stack(d, 1, 1, (uint32_t[]){2}), -EINVAL);
	assert_int_equal(take_stack(d, 1, 1, (uint32_t[]){0}), -EINVAL);
	assert_int_equal(take_stack(d, 1, FACT_MAX_FRAMES + 1, (uint32_t[]){1}), -EINVAL);
	assert_int_equal(take_stack(d, 2, 1, (uint32_t[]){1}), -EINVAL);
	assert_int_equal(dictionary_stacks(d), 0);
	dictionary_free(d);
}

static void pointers_stay_valid_while_it_grows(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	assert_int_equal(take_frame(d, 1, 7), 0);
	const struct fact_frame *first = dictionary_frame(d, 1);
	for (uint32_t id = 2; id <= 20000; id++)
		assert_int_equal(take_frame(d, id, id), 0);
	assert_ptr_equal(first, dictionary_frame(d, 1));
	assert_int_equal(first->line, 7);
	for (uint32_t id = 2; id <= 20000; id++)
		assert_int_equal(dictionary_frame(d, id)->line, id);
	assert_null(dictionary_frame(d, 20001));
	dictionary_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_taken_is_found),
		cmocka_unit_test(a_loop_is_what_it_was_last),
		cmocka_unit_test(numbers_out_of_order_are_refused),
		cmocka_unit_test(pointers_stay_valid_while_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
