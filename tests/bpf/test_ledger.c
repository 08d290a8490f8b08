/* SPDX-License-Identifier: Apache-2.0 */
/* Where a gap's time goes; and that an event which was not seen shows as missing time, or is mended, and never becomes time of its own. */
#include "scene.h"

#include <signal.h>

static struct lst_stall_record stall;

static struct lst_ledger ledger_of_stall(struct task_struct *t)
{
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
	return stall.gap.ledger;
}

static struct task_struct *gap_begin(void)
{
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	return t;
}

static void the_parts_are_the_whole(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	machine_pass(1 * MS);
	task_calls(t, NR_FUTEX, 0x7000, 0);
	task_off(t, OFF_BLOCKED);
	machine_pass(20 * MS);
	task_woken(t, NULL);
	machine_pass(3 * MS);
	task_on(t);
	machine_pass(4 * MS);
	task_off(t, OFF_PREEMPTED);
	machine_pass(5 * MS);
	task_on(t);
	task_off(t, OFF_STOPPED);
	machine_pass(6 * MS);
	task_on(t);
	machine_pass(7 * MS);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.cpu_ns, 12 * MS);
	assert_int_equal(l.blocked_ns, 20 * MS);
	assert_int_equal(l.runnable_ns, 8 * MS);
	assert_int_equal(l.stopped_ns, 6 * MS);
	assert_int_equal(l.preempted, 1);
	assert_int_equal(l.repaired_ns, 0);
	assert_int_equal(ledger_sum(&l), stall.gap.gap_ns);
	assert_int_equal(hist_count(&machine_hists(LOOP_SLOT)->offcpu), 1);
	machine_stop();
}

/* Who wakes it comes between its going to sleep and the switch, and is told of first: from then on it is due and has no CPU. */
static void woken_before_the_switch_is_not_blocked(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_calls(t, NR_FUTEX, 0x7000, 0);
	task_woken(t, NULL);
	task_off(t, OFF_WOKEN);
	machine_pass(20 * MS);
	task_on(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.blocked_ns, 0);
	assert_int_equal(l.runnable_ns, 20 * MS);
	assert_int_equal(stall.n_blocks, 0);
	machine_stop();
}

static void woken_before_the_switch_in_a_wait_is_delay(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_waits(t, LOOP_FD, -1);
	task_woken(t, NULL);
	task_off(t, OFF_WOKEN);
	machine_pass(20 * MS);
	task_on(t);
	task_returns(t, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_delay_ns, 20 * MS);
	assert_int_equal(machine_loop(LOOP_SLOT)->slept_waits, 2);
	machine_stop();
}

/* No flag and no state, the flag with a state set: both are preemptions. */
static void preempted_is_not_blocked(void **state)
{
	(void)state;
	static const enum off_how ways[] = {OFF_PREEMPTED, OFF_PREEMPTED_LATE, OFF_PREEMPTED_BLOCKING};
	for (int i = 0; i < 3; i++) {
		struct task_struct *t = gap_begin();
		task_off(t, ways[i]);
		machine_pass(15 * MS);
		task_on(t);
		struct lst_ledger l = ledger_of_stall(t);
		assert_int_equal(l.runnable_ns, 15 * MS);
		assert_int_equal(l.blocked_ns, 0);
		assert_int_equal(l.preempted, 1);
	}
	machine_stop();
}

static void two_of_ours_on_one_cpu(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *other = task_new(TGID, OTHER_TID, "worker");
	task_opens_epoll(t, 4, 0x20000);
	task_waits(other, 4, -1);
	task_off(other, OFF_BLOCKED);
	task_woken(other, t);
	machine_pass(2 * MS);
	task_switch(t, OFF_PREEMPTED, other); /* one event for both */
	task_returns(other, 1);
	machine_pass(15 * MS);
	task_switch(other, OFF_PREEMPTED, t);
	machine_pass(1 * MS);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.cpu_ns, 3 * MS);
	assert_int_equal(l.runnable_ns, 15 * MS);
	assert_int_equal(ledger_sum(&l), stall.gap.gap_ns);
	machine_stop();
}

/* The quota of the group above its own is used up, twice; its own has one too, and is not. */
static void throttled_by_the_group_that_rose(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	struct task_group *root = group_new(NULL, "", 0), *slice = group_new(root, "jobs.slice", 50 * MS),
			  *own = group_new(slice, "api.service", 80 * MS);
	group_throttled(own, 7 * MS); /* long before */
	task_joins(t, own);
	waits_once(t);
	for (int i = 0; i < 2; i++) {
		task_off(t, OFF_PREEMPTED);
		machine_pass(20 * MS);
		group_throttled(slice, 18 * MS);
		task_on(t);
		machine_pass(1 * MS);
	}
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.runnable_ns, 40 * MS);
	assert_int_equal(l.throttled_ns, 36 * MS);
	assert_string_equal(stall.gap.limit.name, "jobs.slice");
	assert_int_equal(stall.gap.limit.level, 1);
	assert_int_equal(stall.gap.limit.quota_ns, 50 * MS);
	assert_int_equal(stall.gap.limit.period_ns, 100 * MS);
	machine_stop();
}

/* The other CPUs' part of a group may be held back for longer than this thread waited. */
static void throttled_for_no_longer_than_ready(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	struct task_group *own = group_new(group_new(NULL, "", 0), "api.service", 80 * MS);
	task_joins(t, own);
	waits_once(t);
	task_off(t, OFF_PREEMPTED);
	machine_pass(20 * MS);
	group_throttled(own, 90 * MS);
	task_on(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.throttled_ns, 20 * MS);
	machine_stop();
}

/* A cgroup's freezer puts it to sleep with an ordinary state: no block, and nothing it waited for. */
static void frozen_is_stopped(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_off(t, OFF_FROZEN);
	machine_pass(20 * MS);
	task_woken(t, NULL);
	task_on(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.stopped_ns, 20 * MS);
	assert_int_equal(l.blocked_ns, 0);
	assert_int_equal(stall.n_blocks, 0);
	assert_int_equal(stall.gap.stopper.by, LST_STOP_FROZEN);
	t = gap_begin();
	task_off(t, OFF_STOPPED);
	machine_pass(20 * MS);
	task_on(t);
	ledger_of_stall(t);
	assert_int_equal(stall.gap.stopper.by, LST_STOP_SIGNAL);
	machine_stop();
}

static const struct lst_stopper *stopped_by_signal(struct task_struct *t)
{
	task_off(t, OFF_STOPPED);
	machine_pass(20 * MS);
	task_on(t);
	ledger_of_stall(t);
	assert_int_equal(stall.gap.stopper.by, LST_STOP_SIGNAL);
	return &stall.gap.stopper;
}

/* Of the whole process, whichever of its threads the signal is for. */
static void who_sent_the_signal_that_stopped_is_named(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *shell = task_new(300, 300, "bash"),
			   *helper = task_new(300, 301, "helper"),
			   *other = task_new(TGID, OTHER_TID, "other");
	task_signals(helper, other, SIGSTOP, false);
	task_signals(shell, t, SIGCONT, false);
	const struct lst_stopper *s = stopped_by_signal(t);
	assert_int_equal(s->pid, 300);
	assert_int_equal(s->signal, SIGSTOP);
	assert_string_equal(s->comm, "bash");
	machine_stop();
}

static void nobody_is_named_for_a_signal_that_the_kernel_sent(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *shell = task_new(300, 300, "bash");
	task_signals(shell, t, SIGSTOP, false);
	task_signals(shell, t, SIGSTOP, true);
	const struct lst_stopper *s = stopped_by_signal(t);
	assert_int_equal(s->pid, 0);
	assert_int_equal(s->signal, SIGSTOP);
	machine_stop();
}

/* It was the last that was sent, and what stopped the thread is another one, sent before the attach. */
static void nobody_is_named_for_another_signal(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *shell = task_new(300, 300, "bash");
	task_signals(shell, t, SIGTSTP, false);
	const struct lst_stopper *s = stopped_by_signal(t);
	assert_int_equal(s->pid, 0);
	assert_int_equal(s->signal, SIGSTOP);
	machine_stop();
}

/* For cgroups it is as good as frozen meanwhile. */
static void a_wait_for_vfork_is_a_block(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_off(t, OFF_VFORK);
	machine_pass(20 * MS);
	task_woken(t, NULL);
	task_on(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.blocked_ns, 20 * MS);
	assert_int_equal(l.stopped_ns, 0);
	machine_stop();
}

/* On the CPU for 30 ms by the clock, of which the scheduler counts 12: a hypervisor ran something else. */
static void the_scheduler_s_count_is_kept(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	machine_steals(12, 30);
	machine_pass(30 * MS);
	task_ticks(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.cpu_ns, 30 * MS);
	assert_int_equal(stall.gap.ran_ns, 12 * MS);
	machine_stop();
}

static void reclaim_is_part_of_cpu_time(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	machine_pass(1 * MS);
	task_reclaims(t, true);
	machine_pass(12 * MS);
	task_reclaims(t, false);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.reclaim_ns, 12 * MS);
	assert_int_equal(l.cpu_ns, 13 * MS);
	machine_stop();
}

static void a_fault_is_part_of_blocked_time(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	sleeps(t, 12 * MS); /* in user mode: no call */
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.fault_ns, 12 * MS);
	assert_int_equal(l.blocked_ns, 12 * MS);
	assert_int_equal(stall.blocks[0].call, LST_CALL_FAULT);
	machine_stop();
}

/* --- events that are not shown: 2 ms on the CPU, 20 blocked, 3 runnable, 5 on the CPU */

enum { OUT = 1, WAKING = 2, IN = 4 };

static struct lst_ledger ledger_without(int hidden)
{
	struct task_struct *t = gap_begin();
	machine_pass(2 * MS);
	task_calls(t, NR_FUTEX, 0x7000, 0);
	machine_hide(hidden & OUT);
	task_off(t, OFF_BLOCKED);
	machine_pass(20 * MS);
	machine_hide(hidden & WAKING);
	task_woken(t, NULL);
	machine_pass(3 * MS);
	machine_hide(hidden & IN);
	task_on(t);
	machine_hide(0);
	task_in_user_mode(t);
	machine_pass(5 * MS);
	task_ticks(t);
	return ledger_of_stall(t);
}

static void a_switch_out_not_seen_is_unaccounted(void **state)
{
	(void)state;
	struct lst_ledger l = ledger_without(OUT);
	assert_int_equal(stall.gap.gap_ns, 30 * MS);
	assert_int_equal(l.blocked_ns + l.runnable_ns, 0);
	assert_int_equal(
		l.cpu_ns,
		5 * MS); /* after its return; what was before cannot be told from what was not seen */
	assert_int_equal(stall.gap.gap_ns - ledger_sum(&l), 25 * MS);
	assert_int_equal(stall.n_blocks, 0);
	machine_stop();
}

static void a_waking_not_seen_is_blocked_time(void **state)
{
	(void)state;
	struct lst_ledger l = ledger_without(WAKING);
	assert_int_equal(l.blocked_ns, 23 * MS);
	assert_int_equal(l.runnable_ns, 0);
	assert_int_equal(ledger_sum(&l), stall.gap.gap_ns);
	machine_stop();
}

/* The scheduler's counts say how much of it the thread ran and waited. */
static void assert_mended(int hidden)
{
	struct lst_ledger l = ledger_without(hidden);
	assert_int_equal(l.blocked_ns, 20 * MS);
	assert_int_equal(l.runnable_ns, 3 * MS);
	assert_int_equal(l.cpu_ns, 7 * MS);
	assert_int_equal(l.repaired_ns, 8 * MS);
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].count, 1);
	assert_int_equal(stall.blocks[0].sum_ns, 20 * MS);
	assert_int_equal(ledger_sum(&l), stall.gap.gap_ns);
	machine_stop();
}

static void a_switch_in_not_seen_is_mended(void **state)
{
	(void)state;
	assert_mended(IN);
}

static void a_return_of_which_nothing_was_seen_is_mended(void **state)
{
	(void)state;
	assert_mended(WAKING | IN);
}

/* When it leaves the CPU the count is exact, and the rest was waiting. */
static void a_switch_in_not_seen_is_whole_at_the_next_switch_out(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_off(t, OFF_PREEMPTED);
	machine_pass(9 * MS);
	machine_hide(1);
	task_on(t);
	machine_pass(4 * MS);
	task_off(t, OFF_PREEMPTED);
	machine_pass(2 * MS);
	task_on(t);
	struct lst_ledger l = ledger_of_stall(t);
	assert_int_equal(l.cpu_ns, 4 * MS);
	assert_int_equal(l.runnable_ns, 11 * MS);
	assert_int_equal(l.repaired_ns, 13 * MS);
	assert_int_equal(ledger_sum(&l), stall.gap.gap_ns);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_are_the_whole),
		cmocka_unit_test(preempted_is_not_blocked),
		cmocka_unit_test(woken_before_the_switch_is_not_blocked),
		cmocka_unit_test(woken_before_the_switch_in_a_wait_is_delay),
		cmocka_unit_test(two_of_ours_on_one_cpu),
		cmocka_unit_test(throttled_by_the_group_that_rose),
		cmocka_unit_test(throttled_for_no_longer_than_ready),
		cmocka_unit_test(the_scheduler_s_count_is_kept),
		cmocka_unit_test(frozen_is_stopped),
		cmocka_unit_test(who_sent_the_signal_that_stopped_is_named),
		cmocka_unit_test(nobody_is_named_for_a_signal_that_the_kernel_sent),
		cmocka_unit_test(nobody_is_named_for_another_signal),
		cmocka_unit_test(a_wait_for_vfork_is_a_block),
		cmocka_unit_test(reclaim_is_part_of_cpu_time),
		cmocka_unit_test(a_fault_is_part_of_blocked_time),
		cmocka_unit_test(a_switch_out_not_seen_is_unaccounted),
		cmocka_unit_test(a_waking_not_seen_is_blocked_time),
		cmocka_unit_test(a_switch_in_not_seen_is_mended),
		cmocka_unit_test(a_return_of_which_nothing_was_seen_is_mended),
		cmocka_unit_test(a_switch_in_not_seen_is_whole_at_the_next_switch_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
