/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a gap goes that is not over. */
#include "cli/thread_now.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS 1000000u

static const struct lst_ledger none;

static struct lst_thread thread_in(uint32_t cpu)
{
	return (struct lst_thread){.cpu = cpu, .since_ns = 100 * MS};
}

static void test_each_state_is_its_own_part(void **unused)
{
	(void)unused;
	struct lst_thread on = thread_in(LST_CPU_ON), ready = thread_in(LST_CPU_RUNNABLE),
			  stopped = thread_in(LST_CPU_STOPPED), unknown = thread_in(LST_CPU_UNKNOWN);
	assert_int_equal(thread_ledger(&on, &none, 150 * MS).cpu_ns, 50 * MS);
	assert_int_equal(thread_ledger(&ready, &none, 150 * MS).runnable_ns, 50 * MS);
	assert_int_equal(thread_ledger(&stopped, &none, 150 * MS).stopped_ns, 50 * MS);
	struct lst_ledger l = thread_ledger(&unknown, &none, 150 * MS);
	assert_int_equal(l.cpu_ns + l.blocked_ns + l.runnable_ns + l.stopped_ns, 0);
}

/* What it waited for has come: from then on it has no CPU, however long it was blocked before. */
static void test_blocked_ends_when_it_is_woken(void **unused)
{
	(void)unused;
	struct lst_thread t = thread_in(LST_CPU_BLOCKED);
	assert_int_equal(thread_blocked_ns(&t, 150 * MS), 50 * MS);
	assert_int_equal(thread_ledger(&t, &none, 150 * MS).blocked_ns, 50 * MS);
	t.woken_gap_ns = 120 * MS;
	assert_int_equal(thread_blocked_ns(&t, 150 * MS), 20 * MS);
	struct lst_ledger l = thread_ledger(&t, &none, 150 * MS);
	assert_int_equal(l.blocked_ns, 20 * MS);
	assert_int_equal(l.runnable_ns, 30 * MS);
}

static void test_what_was_before_the_gap_is_not_its(void **unused)
{
	(void)unused;
	struct lst_thread t = thread_in(LST_CPU_ON);
	const struct lst_ledger base = {.cpu_ns = 7 * MS, .blocked_ns = 3 * MS};
	t.ledger = (struct lst_ledger){.cpu_ns = 9 * MS, .blocked_ns = 3 * MS};
	struct lst_ledger l = thread_ledger(&t, &base, 110 * MS);
	assert_int_equal(l.cpu_ns, 12 * MS);
	assert_int_equal(l.blocked_ns, 0);
	assert_int_equal(thread_blocked_ns(&t, 110 * MS), 0);
}

/* The kernel wrote it after the clock was read. */
static void test_a_state_from_the_future_is_no_time(void **unused)
{
	(void)unused;
	struct lst_thread t = thread_in(LST_CPU_BLOCKED);
	struct lst_ledger l = thread_ledger(&t, &none, 99 * MS);
	assert_int_equal(l.blocked_ns, 0);
	assert_int_equal(l.runnable_ns, 0);
	t.woken_gap_ns = 120 * MS;
	l = thread_ledger(&t, &none, 110 * MS);
	assert_int_equal(l.blocked_ns, 10 * MS);
	assert_int_equal(l.runnable_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_state_is_its_own_part),
		cmocka_unit_test(test_blocked_ends_when_it_is_woken),
		cmocka_unit_test(test_what_was_before_the_gap_is_not_its),
		cmocka_unit_test(test_a_state_from_the_future_is_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
