/* SPDX-License-Identifier: Apache-2.0 */
/* What comes and goes: processes, threads, epoll objects; and what happens when there is no room. */
#include "scene.h"
#include "shim.h"

static struct lst_stall_record stall;
static struct lst_process_record process;

static bool next_process(void)
{
	return next_record(LST_RECORD_PROCESS, &process, sizeof process);
}

static struct task_struct *gap_of_20_ms(void)
{
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	return t;
}

static void a_thread_killed_in_a_gap_dies_stalled(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	machine_pass(1 * MS);
	task_exits(t, 9, true);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.flags, LST_GAP_TERMINAL);
	assert_int_equal(stall.gap.gap_ns, 21 * MS);
	assert_int_equal(ledger_sum(&stall.gap.ledger), 21 * MS);
	assert_int_equal(stall.terminal_signal, 9);
	assert_int_equal(stall.n_blocks, 1);
	assert_null(machine_thread(TID));
	assert_true(next_process());
	assert_int_equal(process.event, LST_PROCESS_EXIT);
	machine_stop();
}

/* Killed together, they are no longer alive when the first of them is seen to end. */
static void the_last_followed_thread_tells_the_end_of_its_process(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms(), *other = task_new(TGID, OTHER_TID, "other"),
			   *stranger = task_new(TGID, OTHER_TID + 1, "no loop");
	task_opens_epoll(other, 7, 0x20000);
	task_waits(other, 7, -1);
	task_off(other, OFF_BLOCKED);
	task_exits(stranger, 9, true);
	assert_false(next_process());
	task_exits(other, 9, true);
	assert_true(next_process());
	assert_int_equal(process.event, LST_PROCESS_THREAD_EXIT);
	task_exits(t, 9, true);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.terminal_signal, 9);
	assert_true(next_process());
	assert_int_equal(process.event, LST_PROCESS_EXIT);
	assert_false(next_process());
	machine_stop();
}

/* Its number was another process' before, whose last end was not seen. */
static void a_process_ends_whatever_its_number_was_before(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms(), *parent = task_new(1000, 1000, "sh");
	task_forks(parent, t);
	task_exits(task_new(TGID, OTHER_TID, "no loop"), 9, true);
	assert_true(next_process());
	machine_stop();
}

static void a_thread_that_leaves_by_itself_is_no_stall(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	task_exits(t, 0, true);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 0);
	assert_false(next_stall(&stall));
	machine_stop();
}

/* asyncio.run() ends so: the last stall, one probe, the end. */
static void the_last_stall_is_sent_before_the_thread_is_gone(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	task_exits(t, 0, true);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 20 * MS);
	assert_int_equal(stall.n_blocks, 1);
	machine_stop();
}

static void the_last_stall_is_sent_before_the_object_is_another(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	task_waits(t, LOOP_FD, 0);
	task_returns(t, 0);
	task_closes(t, LOOP_FD);
	task_creates_epoll(t, LOOP_FD, OBJECT);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 20 * MS);
	machine_stop();
}

static void a_thread_that_dies_waiting_waits_no_more(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	task_exits(t, 9, true);
	assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 0);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	machine_stop();
}

static void an_exec_in_a_gap_ends_a_stall(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	machine_pass(1 * MS);
	task_execs(t, "sleep");
	assert_null(machine_thread(TID));
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.flags, LST_GAP_EXEC);
	assert_int_equal(stall.gap.gap_ns, 21 * MS);
	assert_int_equal(ledger_sum(&stall.gap.ledger), 21 * MS);
	assert_int_equal(stall.n_blocks, 1);
	assert_string_equal(stall.comm, "server");
	machine_stop();
}

/* The loop's descriptor is closed by the exec itself, which then waits for its file. */
static void an_exec_that_is_slow_ends_a_stall(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	task_begins_exec(t, LOOP_FD);
	sleeps(t, 5 * MS);
	task_execs(t, "sleep");
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.gap_ns, 25 * MS);
	machine_stop();
}

static void an_exec_after_the_loop_was_closed_is_no_stall(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms();
	task_closes(t, LOOP_FD);
	sleeps(t, 5 * MS);
	task_execs(t, "sleep");
	assert_false(next_stall(&stall));
	machine_stop();
}

static void a_quick_exec_is_no_stall(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	machine_pass(9 * MS);
	task_execs(t, "sleep");
	assert_false(next_stall(&stall));
	machine_stop();
}

/* Another thread than the first calls exec: it gets the first one's number. */
static void exec_by_another_thread_ends_both(void **state)
{
	(void)state;
	struct task_struct *t = gap_of_20_ms(), *other = task_new(TGID, OTHER_TID, "other");
	task_waits(t, LOOP_FD, -1);
	task_waits(other, LOOP_FD, -1);
	task_returns(other, 1);
	task_execs(other, "sleep");
	assert_null(machine_thread(OTHER_TID));
	assert_null(machine_thread(TID));
	assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 0);
	assert_true(next_process());
	assert_int_equal(process.event, LST_PROCESS_EXEC);
	assert_string_equal(process.comm, "sleep");
	machine_stop();
}

static void a_child_forked_in_the_gap_is_noted(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *child = task_new(200, 200, "server");
	waits_once(t);
	task_forks(t, child);
	task_execs(child, "nvidia-smi");
	blocks_in(t, NR_WAIT, 200, 20 * MS);
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.children[0].pid, 200);
	assert_string_equal(stall.children[0].comm, "nvidia-smi");
	assert_int_equal(stall.children[1].pid, 0);
	machine_stop();
}

static void children_of_targets_are_followed(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *child = task_new(200, 200, "worker"),
			   *stranger = task_new(300, 300, "other");
	machine_config()->scope = LST_SCOPE_TARGETS;
	machine_follow(TGID);
	task_forks(t, child);
	assert_true(next_process());
	assert_int_equal(process.event, LST_PROCESS_FORK);
	assert_int_equal(process.parent, TGID);
	task_opens_epoll(child, LOOP_FD, OBJECT); /* the same object, inherited */
	task_opens_epoll(stranger, LOOP_FD, 0x50000);
	waits_once(child);
	waits_once(stranger);
	assert_non_null(machine_thread(200));
	assert_null(machine_thread(300));
	waits_once(t);
	assert_int_equal(machine_loop(0)->tgid, 200); /* one loop for each process */
	assert_int_equal(machine_loop(1)->tgid, TGID);
	machine_stop();
}

/* Who was asked for once and is none of ours is not asked for again, until there is a reason to. */
static void a_stranger_that_becomes_a_target_is_followed(void **state)
{
	(void)state;
	struct task_struct *stranger = scene_begin(NULL);
	machine_config()->scope = LST_SCOPE_TARGETS;
	waits_once(stranger);
	waits_once(stranger);
	assert_null(machine_thread(TID));
	machine_follow(TGID);
	waits_once(stranger);
	assert_non_null(machine_thread(TID));
	machine_stop();
}

static void a_strangers_number_is_a_childs_later(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *stranger = task_new(300, 300, "other");
	machine_config()->scope = LST_SCOPE_TARGETS;
	machine_follow(TGID);
	task_opens_epoll(stranger, LOOP_FD, 0x50000);
	waits_once(stranger);
	assert_null(machine_thread(300));
	struct task_struct *child = task_new(300, 300, "worker");
	task_forks(t, child);
	waits_once(child);
	assert_non_null(machine_thread(300));
	machine_stop();
}

static void a_descriptor_that_is_closed_is_no_loop(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_closes(t, LOOP_FD);
	machine_pass(500 * MS);
	task_off(t, OFF_PREEMPTED);
	task_on(t);
	assert_int_equal(machine_loop(LOOP_SLOT)->gap_start_ns, 0);
	assert_int_equal(machine_thread(TID)->open_gaps, 0);
	machine_stop();
}

/* The next object often gets the address of the last, and then not always its number. */
static void an_object_made_anew_at_the_same_address_is_another(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_closes(t, LOOP_FD);
	task_opens_socket(t, LOOP_FD, "10.0.3.9", 5432, 40000);
	machine_pass(300 * MS);
	task_creates_epoll(t, 6, OBJECT);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	assert_int_equal(l->generation, 1);
	machine_pass(300 * MS);
	task_waits(t, 6, -1);
	assert_int_equal(l->iterations, 0); /* 600 ms in which nobody had a loop */
	sleeps(t, 1 * MS);
	task_returns(t, 1);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	task_waits(t, 6, -1);
	assert_int_equal(l->fd, 6);
	assert_int_equal(l->iterations, 1);
	machine_stop();
}

/* A second descriptor of one object, and the first is closed. */
static void a_duplicate_is_the_same_loop(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_opens_epoll(t, 7, OBJECT);
	task_closes(t, LOOP_FD);
	task_waits(t, 7, -1);
	sleeps(t, 1 * MS);
	task_returns(t, 1);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	task_waits(t, 7, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 20 * MS);
	assert_int_equal(machine_loop(1)->state, LST_SLOT_FREE);
	machine_stop();
}

/* --- events that were not seen: what can be known after them is right */

static void a_wait_not_seen_makes_no_gap(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	machine_pass(1 * MS);
	machine_hide(1);
	task_waits(t, LOOP_FD, -1);
	sleeps(t, 400 * MS);
	task_returns(t, 1); /* its beginning was inside what looked like a gap */
	assert_int_equal(machine_lost(LST_LOSS_GAP_DISCARDED), 1);
	machine_pass(2 * MS);
	task_waits(t, LOOP_FD, -1);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->busy_ns, 2 * MS);
	assert_int_equal(machine_thread(TID)->open_gaps, 0);
	machine_stop();
}

static void a_return_not_seen_does_not_cover_for_ever(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_opens_epoll(t, 4, 0x20000);
	task_waits(t, LOOP_FD, -1);
	machine_hide(1);
	task_returns(t, 1);
	task_waits(t, 4, -1); /* on another loop: so it does not wait on the first any more */
	task_returns(t, 1);
	assert_int_equal(machine_loop(0)->waiters, 0);
	assert_int_equal(machine_loop(1)->waiters, 0);
	machine_stop();
}

/* --- no room */

static void more_loops_than_there_is_room_for_are_counted(void **state)
{
	(void)state;
	static const struct machine_size small = {
		.loops = 1, .threads = 2, .scratch = 1, .ring_bytes = 1 << 20};
	struct task_struct *t = scene_begin(&small);
	waits_once(t);
	task_opens_epoll(t, 4, 0x20000);
	task_waits(t, 4, -1);
	sleeps(t, 1 * MS);
	task_returns(t, 1);
	assert_true(machine_lost(LST_LOSS_LOOPS_FULL) > 0);
	task_waits(t, LOOP_FD, -1); /* the first goes on as before */
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 1);
	assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 1);
	machine_stop();
}

static void more_threads_than_there_is_room_for_are_counted(void **state)
{
	(void)state;
	static const struct machine_size small = {
		.loops = 2, .threads = 1, .scratch = 1, .ring_bytes = 1 << 20};
	struct task_struct *t = scene_begin(&small), *other = task_new(TGID, OTHER_TID, "other");
	waits_once(t);
	task_waits(other, LOOP_FD, -1);
	assert_int_equal(machine_lost(LST_LOSS_THREADS_FULL), 1);
	assert_null(machine_thread(OTHER_TID));
	task_exits(t, 0, false);
	machine_release_dead();
	task_waits(other, LOOP_FD, -1);
	assert_non_null(machine_thread(OTHER_TID));
	machine_stop();
}

/* Two threads whose numbers meet in the table of seats, and the idle task, whose number is 0. */
static void threads_are_found_whatever_their_number(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *far = task_new(TGID, TID + LST_SEATS, "far"),
			   *last = task_new(TGID, LST_SEATS, "z");
	waits_once(t);
	waits_once(far);
	waits_once(last);
	assert_int_equal(machine_thread(TID)->tid, TID);
	assert_int_equal(machine_thread(TID + LST_SEATS)->tid, TID + LST_SEATS);
	assert_null(machine_thread(TID + 2 * LST_SEATS));
	assert_null(machine_thread(0));
	task_exits(far, 0, false);
	assert_null(machine_thread(TID + LST_SEATS));
	assert_int_equal(machine_thread(TID)->tid, TID);
	machine_stop();
}

static void a_full_ring_is_counted_and_nothing_else_changes(void **state)
{
	(void)state;
	static const struct machine_size small = {
		.loops = 2, .threads = 2, .scratch = 1, .ring_bytes = sizeof(struct lst_stall_record) + 64};
	struct task_struct *t = scene_begin(&small);
	waits_once(t);
	for (int i = 0; i < 5; i++) {
		machine_pass(20 * MS);
		waits_once(t);
	}
	assert_int_equal(machine_lost(LST_LOSS_RING_FULL), 4);
	assert_int_equal(machine_loop(LOOP_SLOT)->iterations, 5);
	assert_true(next_stall(&stall));
	assert_false(next_stall(&stall));
	machine_pass(20 * MS);
	waits_once(t);
	assert_true(next_stall(&stall));
	machine_stop();
}

/* More loops waited on from callbacks of each other than a thread has places for. */
static void loops_nested_too_deep_are_counted(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	for (uint32_t i = 0; i < LST_OPEN_GAPS + 1; i++) {
		task_opens_epoll(t, 4 + i, 0x20000 * (i + 1));
		task_waits(t, 4 + i, 0);
		task_returns(t, 1);
	}
	assert_int_equal(machine_lost(LST_LOSS_GAPS_NESTED), 1);
	assert_int_equal(machine_thread(TID)->open_gaps, LST_OPEN_GAPS);
	for (uint32_t i = 0; i < LST_OPEN_GAPS + 1; i++) {
		task_waits(t, 4 + i, 0);
		assert_int_equal(machine_loop(i)->iterations, i < LST_OPEN_GAPS);
		task_returns(t, 1);
	}
	machine_stop();
}

/* The return of its wait was not seen, and the object that it waited on is another one's past: no wait may be taken off twice. */
static void a_new_object_after_an_unseen_return_is_no_loop_covered_for_ever(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_waits(t, LOOP_FD, -1);
	machine_hide(1);
	task_returns(t, 1);
	machine_hide(0);
	task_creates_epoll(t, LOOP_FD, OBJECT);
	for (int i = 0; i < 2; i++) {
		task_waits(t, LOOP_FD, -1);
		task_returns(t, 1);
		assert_int_equal(machine_loop(LOOP_SLOT)->waiters, 0);
		machine_pass(20 * MS);
	}
	task_waits(t, LOOP_FD, -1);
	assert_true(machine_loop(LOOP_SLOT)->busy_ns >= 20 * MS);
	machine_stop();
}

static void children_that_have_no_place_are_counted(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	machine_config()->scope = LST_SCOPE_TARGETS;
	machine_follow(TGID);
	for (uint32_t tgid = 1001; tgid < 1063; tgid++)
		machine_follow(tgid);
	task_forks(t, task_new(200, 200, "worker")); /* the last that has one of the 64 */
	assert_true(next_process());
	assert_int_equal(machine_lost(LST_LOSS_CREATE_FAILED), 0);
	task_forks(t, task_new(300, 300, "worker"));
	assert_int_equal(machine_lost(LST_LOSS_CREATE_FAILED), 1);
	assert_false(next_process());
	machine_stop();
}

/* Each of them, and not one for each time that the thread gives up the CPU: a long sleep would be stalls of loops that are no more. */
static void all_loops_that_are_closed_in_a_gap_are_none(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	for (uint32_t fd = LOOP_FD; fd < LOOP_FD + 3; fd++) {
		task_opens_epoll(t, fd, OBJECT + fd * 64);
		task_waits(t, fd, 0);
		task_returns(t, 0);
	}
	assert_int_equal(machine_thread(TID)->open_gaps, 3);
	for (uint32_t fd = LOOP_FD; fd < LOOP_FD + 3; fd++)
		task_closes(t, fd);
	task_off(t, OFF_BLOCKED);
	assert_int_equal(machine_thread(TID)->open_gaps, 0);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(machine_loop(slot)->gap_start_ns, 0);
	machine_stop();
}

/* Its own waits would be loops of the host like any other, and each record one more of them. */
static void the_tool_itself_is_never_followed(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	machine_config()->self_tgid = TGID;
	waits_once(t);
	assert_null(machine_thread(TID));
	machine_config()->scope = LST_SCOPE_TARGETS;
	machine_follow(TGID);
	waits_once(t);
	assert_null(machine_thread(TID));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tool_itself_is_never_followed),
		cmocka_unit_test(all_loops_that_are_closed_in_a_gap_are_none),
		cmocka_unit_test(children_that_have_no_place_are_counted),
		cmocka_unit_test(a_new_object_after_an_unseen_return_is_no_loop_covered_for_ever),
		cmocka_unit_test(a_thread_killed_in_a_gap_dies_stalled),
		cmocka_unit_test(the_last_followed_thread_tells_the_end_of_its_process),
		cmocka_unit_test(a_process_ends_whatever_its_number_was_before),
		cmocka_unit_test(a_thread_that_leaves_by_itself_is_no_stall),
		cmocka_unit_test(the_last_stall_is_sent_before_the_thread_is_gone),
		cmocka_unit_test(the_last_stall_is_sent_before_the_object_is_another),
		cmocka_unit_test(a_thread_that_dies_waiting_waits_no_more),
		cmocka_unit_test(an_exec_in_a_gap_ends_a_stall),
		cmocka_unit_test(an_exec_that_is_slow_ends_a_stall),
		cmocka_unit_test(an_exec_after_the_loop_was_closed_is_no_stall),
		cmocka_unit_test(a_quick_exec_is_no_stall),
		cmocka_unit_test(exec_by_another_thread_ends_both),
		cmocka_unit_test(a_child_forked_in_the_gap_is_noted),
		cmocka_unit_test(children_of_targets_are_followed),
		cmocka_unit_test(a_stranger_that_becomes_a_target_is_followed),
		cmocka_unit_test(a_strangers_number_is_a_childs_later),
		cmocka_unit_test(a_descriptor_that_is_closed_is_no_loop),
		cmocka_unit_test(an_object_made_anew_at_the_same_address_is_another),
		cmocka_unit_test(a_duplicate_is_the_same_loop),
		cmocka_unit_test(a_wait_not_seen_makes_no_gap),
		cmocka_unit_test(a_return_not_seen_does_not_cover_for_ever),
		cmocka_unit_test(more_loops_than_there_is_room_for_are_counted),
		cmocka_unit_test(more_threads_than_there_is_room_for_are_counted),
		cmocka_unit_test(threads_are_found_whatever_their_number),
		cmocka_unit_test(a_full_ring_is_counted_and_nothing_else_changes),
		cmocka_unit_test(loops_nested_too_deep_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
