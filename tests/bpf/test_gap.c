/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one loop: what counts as a gap, how long it is, which bucket it falls into, and what the next wait says about it. */
#include "scene.h"

#include "model/histogram.h"

static struct lst_stall_record stall;

static void a_gap_is_from_return_to_entry(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	waits_once(t);
	assert_int_equal(l->iterations, 0); /* nothing is known of the time before */
	machine_pass(7 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(l->iterations, 1);
	assert_int_equal(l->busy_ns, 7 * MS);
	assert_int_equal(l->max_lag_ns, 7 * MS);
	assert_int_equal(machine_hists(LOOP_SLOT)->plain.count[machine_bucket(7 * MS)], 1);
	assert_int_equal(machine_hists(LOOP_SLOT)->plain.sum_ns[machine_bucket(7 * MS)], 7 * MS);
	machine_stop();
}

static void the_delay_is_from_wakeup_to_running(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop_hists *h = machine_hists(LOOP_SLOT);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	machine_pass(500 * MS);
	task_woken(t, NULL);
	machine_pass(30 * MS);
	task_on(t);
	task_returns(t, 3);
	machine_pass(25 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->over_threshold, 1); /* neither alone reaches it */
	assert_int_equal(machine_loop(LOOP_SLOT)->max_lag_ns, 55 * MS);
	assert_int_equal(hist_count(&h->plain), 0);
	assert_int_equal(h->delay.count[machine_bucket(30 * MS)], 1);
	assert_int_equal(h->delayed_gap.count[machine_bucket(25 * MS)], 1);
	assert_int_equal(h->delayed_lag.count[machine_bucket(55 * MS)], 1);
	sleeps(t, 1 * MS);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.delay_ns, 30 * MS);
	assert_int_equal(stall.gap.gap_ns, 25 * MS);
	machine_stop();
}

/* Sleeping again in the same wait: what counts is the last wakeup. */
static void a_spurious_wakeup_is_no_delay(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	task_woken(t, NULL);
	machine_pass(90 * MS);
	task_on(t);
	sleeps(t, 5 * MS);
	task_returns(t, 1);
	machine_pass(1 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->max_lag_ns, 1 * MS);
	machine_stop();
}

static void waits_are_counted_by_their_kind(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	waits_once(t);
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	task_waits(t, LOOP_FD, 100);
	task_returns(t, 5);
	task_waits(t, LOOP_FD, 100);
	task_returns(t, -4); /* a signal: the loop runs its handler */
	assert_int_equal(l->waits, 4);
	assert_int_equal(l->slept_waits, 1);
	assert_int_equal(l->zero_waits, 1);
	assert_int_equal(l->events, 6);
	assert_int_equal(l->iterations, 3);
	machine_stop();
}

static void a_wait_that_the_kernel_restarts_goes_on(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_waits(t, LOOP_FD, -1);
	machine_pass(1 * MS);
	task_returns(t, -514);
	machine_pass(40 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 1);
	machine_stop();
}

static void a_nested_wait_is_blocked_time(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_opens_epoll(t, 4, 0x20000);
	waits_once(t);
	machine_pass(2 * MS);
	task_waits(t, 4, -1); /* another object */
	sleeps(t, 60 * MS);
	task_returns(t, 1);
	blocks_in(t, NR_POLL, 0, 30 * MS);
	machine_pass(3 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	sleeps(t, 1 * MS);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 95 * MS);
	assert_int_equal(stall.gap.ledger.blocked_ns, 90 * MS);
	assert_int_equal(stall.gap.ledger.cpu_ns, 5 * MS);
	assert_int_equal(stall.n_blocks, 2);
	assert_int_equal(stall.blocks[0].call, NR_EPOLL_WAIT);
	assert_int_equal(stall.blocks[0].sum_ns, 60 * MS);
	assert_int_equal(stall.blocks[1].call, NR_POLL);
	machine_stop();
}

/* The stall of an inner loop does not show what its thread was blocked in before. */
static void an_inner_loop_has_blocks_of_its_own(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_opens_epoll(t, 4, 0x20000);
	waits_once(t);
	blocks_in(t, NR_FUTEX, 0x7000, 300 * MS);
	task_waits(t, 4, 0);
	task_returns(t, 1);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	task_waits(t, 4, 0);
	task_returns(t, 1);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.slot, 1);
	assert_int_equal(stall.gap.ledger.blocked_ns, 20 * MS);
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].sum_ns, 20 * MS);
	assert_int_equal(stall.blocks[0].count, 1);
	machine_stop();
}

/* --- harm */

/* A gap of 20 ms that a thread blocked in, after a wait with this timeout; the next wait is about to begin. */
static struct task_struct *stall_with_timeout(int timeout_ms)
{
	struct task_struct *t = scene_begin(NULL);
	task_waits(t, LOOP_FD, timeout_ms);
	sleeps(t, 1 * MS);
	task_returns(t, 1);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	return t;
}

static void events_at_once_were_queued(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 100);
	assert_false(next_stall(&stall)); /* the wait has not shown it yet */
	task_returns(t, 14);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.harm, LST_HARM_QUEUED);
	assert_int_equal(stall.ready, 14);
	machine_stop();
}

static void a_deadline_inside_the_gap_is_late(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(5);
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.harm, LST_HARM_LATE);
	assert_int_equal(stall.gap.late_ns, 16 * MS); /* of 5 ms one was over, and the gap took 20 */
	machine_stop();
}

static void a_wait_that_sleeps_hurt_nobody_else(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 100);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall)); /* as soon as it sleeps */
	assert_int_equal(stall.harm, LST_HARM_OWN);
	machine_stop();
}

static void a_timeout_that_is_over_at_once_is_late(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 1);
	task_returns(t, 0);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.harm, LST_HARM_LATE);
	machine_stop();
}

/* libuv with metrics and asyncio probe first: the wait after the probe decides, and what it blocked in is still known. */
static void a_probing_wait_decides_nothing(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	machine_pass(50 * US);
	task_waits(t, LOOP_FD, -1);
	assert_false(next_stall(&stall));
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.harm, LST_HARM_OWN);
	assert_int_equal(stall.gap.gap_ns, 20 * MS);
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].sum_ns, 20 * MS);
	machine_stop();
}

static void a_probe_and_work_after_it_was_late(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	blocks_in(t, NR_READ, 9, 1 * MS); /* something was due */
	task_waits(t, LOOP_FD, -1);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.harm, LST_HARM_LATE);
	assert_int_equal(stall.n_blocks, 1); /* not the block that came after it */
	assert_int_equal(stall.blocks[0].call, NR_FUTEX);
	machine_stop();
}

/* The second stall needs the place of the first, which is still open. */
static void no_stall_is_lost_for_another(void **state)
{
	(void)state;
	struct task_struct *t = stall_with_timeout(-1);
	task_waits(t, LOOP_FD, 0);
	task_off(t, OFF_PREEMPTED);
	machine_pass(40 * MS); /* throttled inside the probe */
	task_on(t);
	task_returns(t, 0);
	machine_pass(50 * US);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 20 * MS);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 50 * US);
	assert_int_equal(stall.gap.delay_ns, 40 * MS);
	machine_stop();
}

/* --- what is sent */

static void short_iterations_send_nothing(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	for (int i = 0; i < 1000; i++) {
		waits_once(t);
		machine_pass(100 * US);
	}
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 999);
	assert_int_equal(hist_count(&machine_hists(LOOP_SLOT)->plain), 999);
	assert_false(next_stall(&stall));
	machine_stop();
}

/* Gaps of one after another 1, 2, … ms below the recorded length: the five longest so far of ten seconds are sent. */
static void the_five_longest_are_kept(void **state)
{
	(void)state;
	static const unsigned lengths_ms[] = {3, 4, 5, 6, 7, 2, 3, 1, 8, 2, 4};
	static const unsigned sent_ms[] = {3, 4, 5, 6, 7, 8};
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	for (size_t i = 0; i < sizeof lengths_ms / sizeof lengths_ms[0]; i++) {
		machine_pass(lengths_ms[i] * MS);
		waits_once(t);
	}
	for (size_t i = 0; i < sizeof sent_ms / sizeof sent_ms[0]; i++) {
		assert_true(next_stall(&stall));
		assert_int_equal(stall.gap.gap_ns, sent_ms[i] * MS);
	}
	assert_false(next_stall(&stall));
	task_waits(t, LOOP_FD, -1);
	sleeps(t, 11000 * MS);
	task_returns(t, 1);
	machine_pass(2 * MS); /* new seconds, new five */
	waits_once(t);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 2 * MS);
	machine_stop();
}

/* No wait sleeps and no gap is long: what user space needs to see that. */
static void a_saturated_loop_shows_in_its_counts(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	waits_once(t);
	uint64_t slept = l->last_slept_ns, began = machine_now();
	for (int i = 0; i < 500; i++) {
		machine_pass(4 * MS);
		task_waits(t, LOOP_FD, 0);
		task_returns(t, 1);
	}
	assert_int_equal(l->last_slept_ns, slept);
	assert_int_equal(l->last_wait_ns, machine_now());
	assert_int_equal(l->busy_ns, machine_now() - began);
	assert_int_equal(l->over_threshold, 0);
	machine_stop();
}

/* --- buckets */

/* The programs' buckets are the model's, and have its edges but for 2 ns and 5e-10 (model/histogram.c). */
static void buckets_are_those_of_the_model(void **state)
{
	(void)state;
	for (unsigned bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
		double edge = histogram_upper_ns(bucket), slack = 2 + edge * 5e-10;
		assert_true(machine_bucket((uint64_t)(edge - slack)) <= bucket);
		assert_int_equal(machine_bucket((uint64_t)(edge + slack) + 1), bucket + 1);
	}
	for (uint64_t ns = 1; ns < 200000000000ull; ns += 1 + ns / 97)
		assert_int_equal(machine_bucket(ns), histogram_bucket(ns));
	assert_int_equal(machine_bucket(0), 0);
	assert_int_equal(machine_bucket(UINT64_MAX / 2), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(machine_bucket(1000 * MS), machine_bucket(1000 * MS - 1)); /* a second is an edge */
	assert_int_equal(machine_bucket(1000 * MS) + 1, machine_bucket(1000 * MS + 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_is_from_return_to_entry),
		cmocka_unit_test(the_delay_is_from_wakeup_to_running),
		cmocka_unit_test(a_spurious_wakeup_is_no_delay),
		cmocka_unit_test(waits_are_counted_by_their_kind),
		cmocka_unit_test(a_wait_that_the_kernel_restarts_goes_on),
		cmocka_unit_test(a_nested_wait_is_blocked_time),
		cmocka_unit_test(an_inner_loop_has_blocks_of_its_own),
		cmocka_unit_test(events_at_once_were_queued),
		cmocka_unit_test(a_deadline_inside_the_gap_is_late),
		cmocka_unit_test(a_wait_that_sleeps_hurt_nobody_else),
		cmocka_unit_test(a_timeout_that_is_over_at_once_is_late),
		cmocka_unit_test(a_probing_wait_decides_nothing),
		cmocka_unit_test(a_probe_and_work_after_it_was_late),
		cmocka_unit_test(no_stall_is_lost_for_another),
		cmocka_unit_test(short_iterations_send_nothing),
		cmocka_unit_test(the_five_longest_are_kept),
		cmocka_unit_test(a_saturated_loop_shows_in_its_counts),
		cmocka_unit_test(buckets_are_those_of_the_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
