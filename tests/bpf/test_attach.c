/* SPDX-License-Identifier: Apache-2.0 */
/* What began before the attach: who waits, who is stuck, and waits whose return nobody will show. */
#include "scene.h"
#include "shim.h"

static struct lst_stall_record stall;
static struct lst_task_record looked;

static struct task_struct *asleep_in_wait(void)
{
	struct task_struct *t = scene_begin(NULL);
	machine_hide(2);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	return t;
}

static void who_waits_at_the_attach_covers_the_loop(void **state)
{
	(void)state;
	struct task_struct *t = asleep_in_wait(), *other = task_new(TGID, OTHER_TID, "other");
	machine_seed();
	assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 1);
	task_waits(other, LOOP_FD, -1);
	task_returns(other, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	machine_pass(100 * MS);
	task_woken(t, NULL);
	machine_pass(2 * MS);
	task_on(t);
	task_returns(t, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_delay_ns, 2 * MS);
	machine_stop();
}

static void a_wait_from_before_the_attach_ends_in_a_gap(void **state)
{
	(void)state;
	struct task_struct *t = asleep_in_wait();
	task_woken(t, NULL);
	task_on(t);
	task_returns(t, 1); /* nobody told us of its beginning */
	machine_pass(15 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 15 * MS);
	machine_stop();
}

static void a_loop_stuck_before_the_attach_is_adopted(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_opens_socket(t, 8, "10.0.3.9", 5432, 40000);
	uint64_t since = machine_now();
	machine_hide(1);
	task_calls(t, NR_READ, 8, 0);
	task_off(t, OFF_BLOCKED);
	machine_pass(3000 * MS);
	machine_look(TID, LOOP_FD, since);
	assert_true(next_record(LST_RECORD_TASK, &looked, sizeof looked));
	assert_int_equal(looked.cpu, LST_CPU_BLOCKED);
	assert_int_equal(looked.block.call, NR_READ);
	assert_int_equal(looked.slot, LOOP_SLOT);
	machine_pass(1000 * MS);
	task_woken(t, NULL);
	task_on(t);
	machine_pass(5 * MS);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.flags, LST_GAP_BEFORE_ATTACH);
	assert_int_equal(stall.gap.gap_ns, 4005 * MS);
	assert_int_equal(stall.gap.ledger.blocked_ns, 4000 * MS);
	assert_int_equal(ledger_sum(&stall.gap.ledger), 4005 * MS);
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].sum_ns, 4000 * MS);
	machine_stop();
}

/* A worker that accepts has its parent's epoll object, too; hidden is how many events the parent's wait is. */
static void look_at_worker_of(struct task_struct *parent, bool parent_waits)
{
	struct task_struct *worker = task_new(OTHER_TID, OTHER_TID, "worker");
	task_parent(worker, parent);
	task_opens_epoll(worker, LOOP_FD, OBJECT);
	machine_hide(1);
	if (parent_waits)
		task_waits(parent, LOOP_FD, -1);
	else
		task_calls(parent, NR_WAIT, OTHER_TID, 0);
	task_off(parent, OFF_BLOCKED);
	machine_hide(1);
	task_calls(worker, NR_READ, 8, 0);
	task_off(worker, OFF_BLOCKED);
	machine_pass(3000 * MS);
	machine_look(OTHER_TID, LOOP_FD, 1);
	assert_true(next_record(LST_RECORD_TASK, &looked, sizeof looked));
	assert_int_equal(looked.slot, parent_waits ? ~0u : LOOP_SLOT);
	machine_stop();
}

static void the_loop_that_a_parent_waits_on_is_not_its_workers(void **state)
{
	(void)state;
	look_at_worker_of(scene_begin(NULL), true);
}

static void a_loop_that_a_parent_has_left_is_its_workers(void **state)
{
	(void)state;
	look_at_worker_of(scene_begin(NULL), false);
}

static void a_duplicate_of_a_loop_makes_nobody_its_worker(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *helper = task_new(TGID, OTHER_TID, "signals");
	task_opens_epoll(t, LOOP_FD + 1, OBJECT); /* a thread has its process's descriptors */
	machine_hide(1);
	task_calls(helper, NR_READ, 8, 0);
	task_off(helper, OFF_BLOCKED);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	machine_pass(3000 * MS);
	machine_look(OTHER_TID, LOOP_FD + 1, 1);
	assert_true(next_record(LST_RECORD_TASK, &looked, sizeof looked));
	assert_int_equal(looked.slot, ~0u);
	assert_false(machine_loop(LOOP_SLOT)->shared);
	assert_null(machine_thread(OTHER_TID));
	machine_stop();
}

/* --- where only calls are shown that were seen to begin (fexit) */

static struct task_struct *in_flight(void)
{
	struct task_struct *t = asleep_in_wait();
	machine_config()->returns_unseen = 1;
	machine_seed();
	return t;
}

static void runs_again(struct task_struct *t, uint64_t delay_ns)
{
	task_woken(t, NULL);
	machine_pass(delay_ns);
	task_on(t);
}

static void returns_unseen(struct task_struct *t)
{
	machine_hide(1);
	task_returns(t, 1);
}

static void a_wait_in_flight_ends_when_its_thread_runs(void **state)
{
	(void)state;
	struct task_struct *t = in_flight();
	machine_pass(100 * MS);
	runs_again(t, 2 * MS);
	returns_unseen(t);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	machine_pass(1 * MS);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->waits, 1);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 21 * MS);
	assert_int_equal(stall.gap.delay_ns, 2 * MS);
	assert_int_equal(stall.gap.ledger.blocked_ns, 20 * MS);
	assert_int_equal(ledger_sum(&stall.gap.ledger), 21 * MS);
	machine_stop();
}

static void a_wait_in_flight_that_goes_on_is_no_gap(void **state)
{
	(void)state;
	struct task_struct *t = in_flight();
	for (int i = 0; i < 3; i++) {
		runs_again(t, 0);
		machine_pass(30 * MS); /* a spurious wakeup, and the kernel took its time */
		task_off(t, i == 1 ? OFF_PREEMPTED : OFF_BLOCKED);
		assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 1);
		assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
		assert_int_equal(machine_loop(LOOP_SLOT)->waits, 0);
		machine_pass(50 * MS);
	}
	runs_again(t, 0);
	returns_unseen(t);
	machine_pass(15 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->waits, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 15 * MS);
	machine_stop();
}

static void only_the_first_return_is_taken_from_the_scheduler(void **state)
{
	(void)state;
	struct task_struct *t = in_flight();
	runs_again(t, 0);
	returns_unseen(t);
	for (int i = 0; i < 5; i++) {
		waits_once(t);
		machine_pass(1 * MS);
	}
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 6);
	assert_int_equal(machine_loop(LOOP_SLOT)->waits, 6);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 5 * MS);
	machine_stop();
}

static void a_thread_in_flight_covers_a_shared_loop(void **state)
{
	(void)state;
	struct task_struct *t = in_flight(), *other = task_new(TGID, OTHER_TID, "other");
	task_waits(other, LOOP_FD, -1);
	task_returns(other, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	machine_pass(10 * MS);
	runs_again(t, 0);
	uint64_t since = machine_now();
	returns_unseen(t);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, since);
	assert_int_equal(machine_loop(LOOP_SLOT)->owner, TID);
	machine_pass(10 * MS);
	task_waits(other, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 10 * MS);
	machine_stop();
}

static void wakes_and_returns(void *t)
{
	task_woken(t, NULL);
	task_on(t);
	task_returns(t, 1);
}

/* On another CPU, at each place of the look at it: whatever both make of that wait, a number below zero would cover the loop for ever. */
static void a_wait_that_ends_while_it_is_found_is_counted_once(void **state)
{
	(void)state;
	bool done = false;
	for (unsigned long at = 0; !done; at++) {
		struct task_struct *t = asleep_in_wait();
		shim_interrupt(at, wakes_and_returns, t);
		machine_seed();
		done = shim_places() <= at;
		shim_interrupt(0, NULL, NULL);
		if (done)
			break;
		assert_int_equal(the_loop()->waiters, 0);
		task_waits(t, LOOP_FD, -1);
		task_returns(t, 1);
		machine_pass(15 * MS);
		task_waits(t, LOOP_FD, -1);
		assert_int_equal(the_loop()->busy_ns, 15 * MS);
	}
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_that_ends_while_it_is_found_is_counted_once),
		cmocka_unit_test(who_waits_at_the_attach_covers_the_loop),
		cmocka_unit_test(a_wait_from_before_the_attach_ends_in_a_gap),
		cmocka_unit_test(a_loop_stuck_before_the_attach_is_adopted),
		cmocka_unit_test(the_loop_that_a_parent_waits_on_is_not_its_workers),
		cmocka_unit_test(a_loop_that_a_parent_has_left_is_its_workers),
		cmocka_unit_test(a_duplicate_of_a_loop_makes_nobody_its_worker),
		cmocka_unit_test(a_wait_in_flight_ends_when_its_thread_runs),
		cmocka_unit_test(a_wait_in_flight_that_goes_on_is_no_gap),
		cmocka_unit_test(only_the_first_return_is_taken_from_the_scheduler),
		cmocka_unit_test(a_thread_in_flight_covers_a_shared_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
