/* SPDX-License-Identifier: Apache-2.0 */
/* Who ran instead of a loop's thread that was ready: named by process, summed, bounded, and never for time in which they did not run. */
#include "scene.h"

#define HOG_TGID    200
#define BACKUP_TGID 300

static struct lst_stall_record stall;

static void ends_gap(struct task_struct *t)
{
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
}

/* In its gap, on the CPU. */
static struct task_struct *gap_begin(void)
{
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	return t;
}

static uint64_t ran_ns(uint32_t pid, bool own)
{
	for (uint32_t i = 0; i < stall.gap.n_runners; i++)
		if (stall.gap.runners[i].pid == pid && stall.gap.runners[i].own == own)
			return stall.gap.runners[i].ns;
	return 0;
}

static void who_preempts_is_named(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *hog = task_new(HOG_TGID, HOG_TGID, "hog");
	machine_pass(2 * MS);
	task_switch(t, OFF_PREEMPTED, hog);
	machine_pass(15 * MS);
	task_switch(hog, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(stall.gap.ledger.runnable_ns, 15 * MS);
	assert_int_equal(stall.gap.n_runners, 1);
	assert_int_equal(ran_ns(HOG_TGID, false), 15 * MS);
	assert_string_equal(stall.gap.runners[0].comm, "hog");
	machine_stop();
}

/* Threads of one process are one runner with its first thread's name, other threads of the loop's own process are told by thread. */
static void processes_are_summed_and_own_threads_told(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *hog = task_new(HOG_TGID, HOG_TGID, "hog"),
			   *second = task_new(HOG_TGID, HOG_TGID + 1, "hog-2"),
			   *own = task_new(TGID, OTHER_TID, "worker");
	for (int i = 0; i < 3; i++) {
		task_switch(t, OFF_PREEMPTED, hog);
		machine_pass(4 * MS);
		task_switch(hog, OFF_PREEMPTED, second);
		machine_pass(3 * MS);
		task_switch(second, OFF_BLOCKED, own);
		machine_pass(2 * MS);
		task_switch(own, OFF_BLOCKED, t);
		machine_pass(1 * MS);
	}
	ends_gap(t);
	assert_int_equal(stall.gap.ledger.runnable_ns, 27 * MS);
	assert_int_equal(stall.gap.n_runners, 2);
	assert_int_equal(ran_ns(HOG_TGID, false), 21 * MS);
	assert_string_equal(stall.gap.runners[0].comm, "hog");
	assert_int_equal(ran_ns(OTHER_TID, true), 6 * MS);
	machine_stop();
}

/* Woken while another one has the CPU; what ran before the wait slept for the last time is not its concern. */
static void in_the_wait_counts_from_the_last_wakeup(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *hog = task_new(HOG_TGID, HOG_TGID, "hog");
	waits_once(t);
	task_waits(t, LOOP_FD, -1);
	task_switch(t, OFF_BLOCKED, hog);
	machine_pass(30 * MS);
	task_woken(t, NULL);
	machine_pass(12 * MS);
	task_switch(hog, OFF_PREEMPTED, t);
	task_returns(t, 1);
	machine_pass(1 * MS);
	ends_gap(t);
	assert_int_equal(stall.gap.delay_ns, 12 * MS);
	assert_int_equal(ran_ns(HOG_TGID, false), 12 * MS);
	machine_pass(1 * MS);
	task_woken(t, NULL);
	task_on(t);
	task_returns(t, 1);
	machine_pass(20 * MS);
	ends_gap(t);
	assert_int_equal(stall.gap.n_runners, 0);
	machine_stop();
}

/* A quota used up, say: the CPU has nothing to do and the thread is ready all the same. */
static void an_idle_cpu_is_nobody(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_off(t, OFF_PREEMPTED);
	machine_pass(15 * MS);
	task_on(t);
	ends_gap(t);
	assert_int_equal(stall.gap.ledger.runnable_ns, 15 * MS);
	assert_int_equal(stall.gap.n_runners, 0);
	machine_stop();
}

static void of_many_the_longest_are_kept(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *others[LST_RUNNERS + 2], *before = t;
	for (uint32_t i = 0; i < LST_RUNNERS + 2; i++) {
		others[i] = task_new(HOG_TGID + i, HOG_TGID + i, "other");
		task_switch(before, OFF_PREEMPTED, others[i]);
		machine_pass((i + 1) * MS);
		before = others[i];
	}
	task_switch(before, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(stall.gap.n_runners, LST_RUNNERS);
	for (uint32_t i = 0; i < LST_RUNNERS + 2; i++)
		assert_int_equal(ran_ns(HOG_TGID + i, false), i < 2 ? 0 : (i + 1) * MS);
	machine_stop();
}

/* In many short turns, none of which is more than what those who came first had in one. */
static void who_comes_late_in_short_turns_is_kept(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *before = t, *late = task_new(BACKUP_TGID, BACKUP_TGID, "late"),
			   *brief = task_new(BACKUP_TGID + 1, BACKUP_TGID + 1, "brief");
	for (uint32_t i = 0; i < LST_RUNNERS; i++) {
		struct task_struct *first = task_new(HOG_TGID + i, HOG_TGID + i, "first");
		task_switch(before, OFF_PREEMPTED, first);
		machine_pass(4 * MS);
		before = first;
	}
	for (int i = 0; i < 100; i++) {
		task_switch(before, OFF_PREEMPTED, late);
		machine_pass(3 * MS);
		task_switch(late, OFF_PREEMPTED, brief);
		machine_pass(US);
		before = brief;
	}
	task_switch(before, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(stall.gap.n_runners, LST_RUNNERS);
	assert_int_equal(ran_ns(BACKUP_TGID, false), 300 * MS);
	assert_int_equal(ran_ns(BACKUP_TGID + 1, false), 99 * US); /* the last wait is not looked into */
	uint64_t sum = 0;
	for (uint32_t i = 0; i < LST_RUNNERS; i++)
		sum += stall.gap.runners[i].ns;
	assert_true(sum <= stall.gap.ledger.runnable_ns);
	machine_stop();
}

/* Preempted on one CPU, given another: there whoever left it last ran for the last 5 ms, and who before is not known. */
static void who_ran_elsewhere_is_charged_for_no_more_than_it_ran(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *hog = task_new(HOG_TGID, HOG_TGID, "hog"),
			   *backup = task_new(BACKUP_TGID, BACKUP_TGID, "backup");
	task_switch(t, OFF_PREEMPTED, hog);
	machine_pass(10 * MS);
	task_moves(t, 1);
	task_moves(backup, 1);
	task_on(backup);
	machine_pass(5 * MS);
	task_switch(backup, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(stall.gap.ledger.runnable_ns, 15 * MS);
	assert_int_equal(ran_ns(BACKUP_TGID, false), 5 * MS);
	assert_int_equal(ran_ns(HOG_TGID, false), 0);
	machine_stop();
}

/* A switch on the CPU it has left shows where it waits now, and from there on all is known. */
static void a_move_is_followed(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *hog = task_new(HOG_TGID, HOG_TGID, "hog"),
			   *backup = task_new(BACKUP_TGID, BACKUP_TGID, "backup"),
			   *third = task_new(400, 400, "third");
	task_switch(t, OFF_PREEMPTED, hog);
	task_moves(backup, 1);
	task_moves(third, 1);
	task_on(backup);
	task_moves(t, 1);
	machine_pass(1 * MS);
	task_off(hog, OFF_BLOCKED);
	machine_pass(9 * MS);
	task_switch(backup, OFF_PREEMPTED, third);
	machine_pass(6 * MS);
	task_switch(third, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(stall.gap.n_runners, 2);
	assert_int_equal(ran_ns(BACKUP_TGID, false), 10 * MS);
	assert_int_equal(ran_ns(400, false), 6 * MS);
	machine_stop();
}

/* More of ours are ready on one CPU than are listed there: all are told at least who left it to them. */
static void a_full_row_is_no_loss_of_the_last_one(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *hog = task_new(HOG_TGID, HOG_TGID, "hog"),
			   *others[LST_WAITING_ROW];
	for (uint32_t i = 0; i < LST_WAITING_ROW; i++) {
		others[i] = task_new(TGID, OTHER_TID + i, "worker");
		task_opens_epoll(t, 4 + i, 0x20000 + 0x10000 * i);
		task_waits(others[i], 4 + i, -1);
		task_off(others[i], OFF_BLOCKED);
		task_woken(others[i], NULL);
	}
	waits_once(t);
	task_switch(t, OFF_PREEMPTED, hog);
	machine_pass(15 * MS);
	task_switch(hog, OFF_PREEMPTED, t);
	ends_gap(t);
	assert_int_equal(ran_ns(HOG_TGID, false), 15 * MS);
	machine_stop();
}

/* Its return to the CPU was not shown: whoever leaves the CPU afterwards is not charged for a thread that does not wait. */
static void nobody_is_charged_for_a_thread_that_waits_again(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *hog = task_new(HOG_TGID, HOG_TGID, "hog");
	task_switch(t, OFF_PREEMPTED, hog);
	machine_pass(3 * MS);
	machine_hide(1);
	task_switch(hog, OFF_PREEMPTED, t);
	machine_pass(12 * MS);
	task_waits(t, LOOP_FD, -1);
	task_switch(t, OFF_BLOCKED, hog);
	assert_true(next_stall(&stall));
	machine_pass(50 * MS);
	task_off(hog, OFF_BLOCKED);
	task_woken(t, NULL);
	task_on(t);
	task_returns(t, 1);
	machine_pass(11 * MS);
	ends_gap(t);
	assert_int_equal(stall.gap.n_runners, 0);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_preempts_is_named),
		cmocka_unit_test(processes_are_summed_and_own_threads_told),
		cmocka_unit_test(in_the_wait_counts_from_the_last_wakeup),
		cmocka_unit_test(an_idle_cpu_is_nobody),
		cmocka_unit_test(of_many_the_longest_are_kept),
		cmocka_unit_test(who_comes_late_in_short_turns_is_kept),
		cmocka_unit_test(who_ran_elsewhere_is_charged_for_no_more_than_it_ran),
		cmocka_unit_test(a_move_is_followed),
		cmocka_unit_test(a_full_row_is_no_loss_of_the_last_one),
		cmocka_unit_test(nobody_is_charged_for_a_thread_that_waits_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
