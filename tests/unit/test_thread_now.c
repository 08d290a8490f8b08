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

static void test_ready_from_when_it_was_woken_or_preempted(void **unused)
{
	(void)unused;
	struct lst_thread preempted = thread_in(LST_CPU_RUNNABLE), blocked = thread_in(LST_CPU_BLOCKED),
			  on = thread_in(LST_CPU_ON);
	assert_int_equal(thread_ready_ns(&preempted, 150 * MS), 50 * MS);
	assert_int_equal(thread_ready_ns(&on, 150 * MS), 0);
	assert_int_equal(thread_ready_ns(&blocked, 150 * MS), 0);
	blocked.woken_gap_ns = 90 * MS; /* out of the block before */
	assert_int_equal(thread_ready_ns(&blocked, 150 * MS), 0);
	blocked.woken_gap_ns = 120 * MS;
	assert_int_equal(thread_ready_ns(&blocked, 150 * MS), 30 * MS);
	assert_int_equal(thread_ready_ns(&blocked, 110 * MS), 0); /* after the clock was read */
}

/* Woken before it had left the CPU, which is not told of: it is not in the call any more, and nobody knows since when. */
static void test_one_that_does_not_sleep_is_not_blocked(void **unused)
{
	(void)unused;
	struct lst_thread t = thread_in(LST_CPU_BLOCKED), woken = thread_in(LST_CPU_BLOCKED),
			  on = thread_in(LST_CPU_ON);
	thread_seen_awake(&t);
	assert_int_equal(thread_blocked_ns(&t, 150 * MS), 0);
	struct lst_ledger l = thread_ledger(&t, &none, 150 * MS);
	assert_int_equal(l.cpu_ns + l.blocked_ns + l.runnable_ns + l.stopped_ns, 0);
	woken.woken_gap_ns = 120 * MS;
	thread_seen_awake(&woken);
	assert_int_equal(thread_blocked_ns(&woken, 150 * MS), 20 * MS);
	thread_seen_awake(&on);
	assert_int_equal(thread_ledger(&on, &none, 150 * MS).cpu_ns, 50 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_state_is_its_own_part),
		cmocka_unit_test(test_blocked_ends_when_it_is_woken),
		cmocka_unit_test(test_what_was_before_the_gap_is_not_its),
		cmocka_unit_test(test_a_state_from_the_future_is_no_time),
		cmocka_unit_test(test_ready_from_when_it_was_woken_or_preempted),
		cmocka_unit_test(test_one_that_does_not_sleep_is_not_blocked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
