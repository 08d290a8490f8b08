/* SPDX-License-Identifier: Apache-2.0 */
/* Who ran instead, and whose limit, over many stalls: summed by name, sorted, bounded. */
#include "model/absence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MS 1000000ull

static void tell(struct absence *a, const char *comm, uint32_t pid, bool own, uint64_t ns)
{
	struct fact_stall s = {.n_runners = 1, .runners = {{pid, own, comm, ns}}};
	absence_add(a, &s);
}

static void names_are_summed(void **state)
{
	(void)state;
	struct absence a = {0};
	tell(&a, "backup", 456, false, 30 * MS);
	tell(&a, "cc1", 1001, false, 20 * MS);
	tell(&a, "cc1", 1002, false, 50 * MS);
	tell(&a, "cc1", 7, true, 5 * MS);
	absence_sort(&a);
	assert_int_equal(a.n_runners, 3);
	assert_string_equal(a.runners[0].comm, "cc1");
	assert_int_equal(a.runners[0].ns, 70 * MS);
	assert_int_equal(a.runners[0].longest_ns, 50 * MS);
	assert_int_equal(a.runners[0].stalls, 2);
	assert_true(a.runners[0].several);
	assert_string_equal(a.runners[1].comm, "backup");
	assert_false(a.runners[1].several);
	assert_int_equal(a.runners[1].pid, 456);
	assert_true(a.runners[2].own);
}

static void limits_are_summed_where_time_was_throttled(void **state)
{
	(void)state;
	struct absence a = {0};
	struct fact_stall s = {.limit = {"/api.service", 50 * MS, 100 * MS},
			       .ledger = {.throttled_ns = 80 * MS}};
	absence_add(&a, &s);
	s.limit.quota_ns = 70 * MS; /* raised meanwhile */
	s.ledger.throttled_ns = 30 * MS;
	absence_add(&a, &s);
	s.ledger.throttled_ns = 0;
	absence_add(&a, &s);
	assert_int_equal(a.n_limits, 1);
	assert_int_equal(a.limits[0].ns, 110 * MS);
	assert_int_equal(a.limits[0].longest_ns, 80 * MS);
	assert_int_equal(a.limits[0].stalls, 2);
	assert_int_equal(a.limits[0].limit.quota_ns, 70 * MS);
}

static void what_finds_no_place_is_summed(void **state)
{
	(void)state;
	struct absence a = {0};
	char names[ABSENCE_RUNNERS + 3][16];
	for (int i = 0; i < ABSENCE_RUNNERS + 3; i++) {
		snprintf(names[i], sizeof names[i], "job-%d", i);
		tell(&a, names[i], 1, false, MS);
	}
	tell(&a, names[0], 1, false, MS);
	assert_int_equal(a.n_runners, ABSENCE_RUNNERS);
	assert_int_equal(a.beyond_ns, 3 * MS);
	assert_int_equal(a.runners[0].ns, 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_summed),
		cmocka_unit_test(limits_are_summed_where_time_was_throttled),
		cmocka_unit_test(what_finds_no_place_is_summed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
