/* SPDX-License-Identifier: Apache-2.0 */
/* When a loop counts as saturated. */
#include "model/saturation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MS 1000000u
#define S  ((uint64_t)1000000000u)

/* A second in which n gaps of a length ended. */
static void second_of(struct saturation_window *w, unsigned n, uint64_t gap_ns)
{
	struct histogram gaps = {0};
	histogram_add(&gaps, gap_ns, n);
	saturation_second(w, n * gap_ns, &gaps);
}

static void test_short_gaps_without_a_sleep(void **unused)
{
	(void)unused;
	struct saturation_window w = {0};
	second_of(&w, 99, 10 * MS);
	assert_false(saturation_holds(&w, S - 1));
	assert_true(saturation_holds(&w, S));
	assert_false(saturation_holds(&w, 0));
}

/* It sleeps a little in between. */
static void test_busy_for_five_seconds(void **unused)
{
	(void)unused;
	struct saturation_window w = {0};
	for (unsigned i = 0; i < 4; i++)
		second_of(&w, 96, 10 * MS);
	assert_false(saturation_holds(&w, 5 * MS));
	second_of(&w, 96, 10 * MS);
	assert_true(saturation_holds(&w, 5 * MS));
	second_of(&w, 50, 10 * MS);
	assert_false(saturation_holds(&w, 5 * MS));
}

/* What waited meanwhile is served without a sleep, and the gap counts as a whole in the second of its end. */
static void test_one_long_gap_is_a_stall(void **unused)
{
	(void)unused;
	struct saturation_window w = {0};
	second_of(&w, 1, 6850 * MS);
	assert_false(saturation_holds(&w, 6900 * MS));
	second_of(&w, 10, 10 * MS);
	assert_false(saturation_holds(&w, 7400 * MS));
	second_of(&w, 96, 10 * MS);
	assert_true(saturation_holds(&w, 7900 * MS)); /* a second more without a sleep */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_gaps_without_a_sleep),
		cmocka_unit_test(test_busy_for_five_seconds),
		cmocka_unit_test(test_one_long_gap_is_a_stall),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
