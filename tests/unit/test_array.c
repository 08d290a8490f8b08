/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void grows_and_keeps(void **state)
{
	int *items = NULL;
	size_t cap = 0;
	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_true(array_reserve(&items, &cap, i + 1, sizeof *items));
		assert_true(cap > i);
		items[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void new_memory_is_zeroed(void **state)
{
	unsigned char *items = NULL;
	size_t cap = 0;
	(void)state;
	assert_true(array_reserve(&items, &cap, 3, 1));
	for (size_t i = 0; i < cap; i++)
		items[i] = 0xff;
	size_t before = cap;
	assert_true(array_reserve(&items, &cap, 10 * before, 1));
	for (size_t i = 0; i < cap; i++)
		assert_int_equal(items[i], i < before ? 0xff : 0);
	free(items);
}

static void enough_is_left_alone(void **state)
{
	int *items = NULL;
	size_t cap = 0;
	(void)state;
	assert_true(array_reserve(&items, &cap, 5, sizeof *items));
	int *first = items;
	size_t had = cap;
	assert_true(array_reserve(&items, &cap, had, sizeof *items));
	assert_ptr_equal(items, first);
	assert_int_equal(cap, had);
	free(items);
}

static void overflow_changes_nothing(void **state)
{
	uint64_t *items = NULL;
	size_t cap = 0;
	(void)state;
	assert_true(array_reserve(&items, &cap, 1, sizeof *items));
	uint64_t *first = items;
	size_t had = cap;
	assert_false(array_reserve(&items, &cap, SIZE_MAX, sizeof *items));
	assert_false(array_reserve(&items, &cap, SIZE_MAX / 4, sizeof *items));
	assert_ptr_equal(items, first);
	assert_int_equal(cap, had);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps),
		cmocka_unit_test(new_memory_is_zeroed),
		cmocka_unit_test(enough_is_left_alone),
		cmocka_unit_test(overflow_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
