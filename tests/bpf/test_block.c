/* SPDX-License-Identifier: Apache-2.0 */
/* Blocked time by call and target, who ended it, and its stack. */
#include "scene.h"
#include "shim.h"

#include <stdlib.h>

static struct lst_stall_record stall;

static struct task_struct *gap_begin(void)
{
	struct task_struct *t = scene_begin(NULL);
	task_opens_socket(t, 8, "10.0.3.9", 5432, 40000);
	task_opens_socket(t, 9, "10.0.3.9", 5432, 40001);
	task_opens_socket(t, 10, "10.0.3.10", 5432, 40002);
	task_opens_pipe(t, 11, 777);
	waits_once(t);
	return t;
}

static void gap_finish(struct task_struct *t)
{
	task_waits(t, LOOP_FD, -1);
	task_off(t, OFF_BLOCKED);
	assert_true(next_stall(&stall));
}

static void one_call_to_one_peer_is_one_block(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	for (int i = 0; i < 300; i++)
		blocks_in(t, NR_READ, i % 2 ? 8 : 9, (i == 77 ? 900 : 700) * US);
	blocks_in(t, NR_READ, 10, 5 * MS);
	gap_finish(t);
	assert_int_equal(stall.n_blocks, 2);
	assert_int_equal(stall.blocks[0].count, 300);
	assert_int_equal(stall.blocks[0].sum_ns, 300 * 700 * US + 200 * US);
	assert_int_equal(stall.blocks[0].max_ns, 900 * US);
	assert_int_equal(stall.blocks[0].kind, LST_TARGET_INET);
	const struct lst_inet *peer = (const void *)stall.blocks[0].target;
	assert_int_equal(peer->port, 5432);
	assert_int_equal(peer->local_port, 40001);
	assert_memory_equal(peer->address, "\x0a\x00\x03\x09", 4);
	assert_int_equal(stall.blocks[1].sum_ns, 5 * MS);
	assert_int_equal(stall.blocks[0].sum_ns + stall.blocks[1].sum_ns, stall.gap.ledger.blocked_ns);
	machine_stop();
}

static void polls_of_nothing_are_sleeps(void **state)
{
	(void)state;
	static const struct {
		int64_t sec, nsec;
	} request = {0, 150000000};
	struct task_struct *t = gap_begin();
	shim_user_memory(&request, sizeof request);
	task_argument(t, 3, 50);
	blocks_in(t, NR_POLL, 0, 50 * MS);
	task_argument(t, 3, 0);
	task_argument(t, 5, (uint64_t)&request);
	blocks_in(t, NR_PSELECT, 0, 150 * MS);
	gap_finish(t);
	assert_int_equal(stall.n_blocks, 2);
	assert_int_equal(stall.blocks[0].kind, LST_TARGET_SLEEP);
	assert_int_equal(stall.blocks[0].object, 50 * MS);
	assert_int_equal(stall.blocks[1].kind, LST_TARGET_SLEEP);
	assert_int_equal(stall.blocks[1].object, 150 * MS);
	machine_stop();
}

static void calls_are_told_apart_by_what_they_wait_for(void **state)
{
	(void)state;
	static const struct {
		int64_t sec, nsec;
	} request = {1, 500};
	struct task_struct *t = gap_begin();
	shim_user_memory(&request, sizeof request);
	blocks_in(t, NR_FUTEX, 0x7000, 2 * MS);
	blocks_in(t, NR_FUTEX, 0x8000, 3 * MS);
	blocks_in(t, NR_SLEEP, (uint64_t)&request, 4 * MS);
	blocks_in(t, NR_SLEEP, 0x10, 4 * MS); /* a request that cannot be read is a sleep still */
	blocks_in(t, NR_WAIT, 4180, 5 * MS);
	blocks_in(t, NR_READ, 11, 6 * MS);
	blocks_in(t, NR_READ, 15, 7 * MS); /* nothing is open there */
	gap_finish(t);
	static const struct lst_block want[] = {
		{.call = NR_FUTEX, .kind = LST_TARGET_FUTEX, .object = 0x7000, .count = 1, .sum_ns = 2 * MS},
		{.call = NR_FUTEX, .kind = LST_TARGET_FUTEX, .object = 0x8000, .count = 1, .sum_ns = 3 * MS},
		{.call = NR_SLEEP,
		 .kind = LST_TARGET_SLEEP,
		 .object = 1000000500,
		 .count = 2,
		 .sum_ns = 8 * MS},
		{.call = NR_WAIT, .kind = LST_TARGET_CHILD, .object = 4180, .count = 1, .sum_ns = 5 * MS},
		{.call = NR_READ, .kind = LST_TARGET_PIPE, .object = 777, .count = 1, .sum_ns = 6 * MS},
		{.call = NR_READ, .kind = LST_TARGET_NONE, .count = 1, .sum_ns = 7 * MS},
	};
	assert_int_equal(stall.n_blocks, sizeof want / sizeof want[0]);
	for (uint32_t i = 0; i < stall.n_blocks; i++) {
		assert_int_equal(stall.blocks[i].call, want[i].call);
		assert_int_equal(stall.blocks[i].kind, want[i].kind);
		assert_int_equal(stall.blocks[i].object, want[i].object);
		assert_int_equal(stall.blocks[i].count, want[i].count);
		assert_int_equal(stall.blocks[i].sum_ns, want[i].sum_ns);
	}
	machine_stop();
}

/* Ten short kinds, and a long one that comes last. */
static void the_longest_kinds_keep_their_places(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	blocks_in(t, NR_FUTEX, 0x7000, 9 * MS);
	for (int i = 1; i < 10; i++)
		blocks_in(t, NR_FUTEX, 0x7000 + 8 * i, 2 * MS);
	blocks_in(t, NR_FUTEX, 0x9000, 30 * MS);
	gap_finish(t);
	assert_int_equal(stall.n_blocks, LST_BLOCKS);
	assert_int_equal(machine_lost(LST_LOSS_BLOCKS_FULL), 4);
	assert_int_equal(stall.blocks[LST_REST].call, LST_CALL_REST);
	assert_int_equal(stall.blocks[LST_REST].count, 4);
	assert_int_equal(stall.blocks[LST_REST].max_ns, 2 * MS);
	uint64_t sum = 0, longest = 0, last = 0;
	for (int i = 0; i < LST_BLOCKS; i++) {
		const struct lst_block *b = &stall.blocks[i];
		sum += b->sum_ns;
		longest = b->object == 0x7000 ? b->sum_ns : longest;
		last = b->object == 0x9000 ? b->sum_ns : last;
	}
	assert_int_equal(sum, stall.gap.ledger.blocked_ns);
	assert_int_equal(longest, 9 * MS);
	assert_int_equal(last, 30 * MS);
	machine_stop();
}

static void blocks_of_the_last_gap_are_gone(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	waits_once(t);
	blocks_in(t, NR_READ, 8, 15 * MS);
	gap_finish(t);
	assert_int_equal(stall.n_blocks, 1);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].call, NR_READ);
	machine_stop();
}

static void a_wait_outside_of_gaps_is_no_block(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin();
	task_waits(t, LOOP_FD, -1);
	sleeps(t, 5000 * MS);
	task_returns(t, 1);
	machine_pass(20 * MS);
	gap_finish(t);
	assert_int_equal(stall.gap.ledger.blocked_ns, 0);
	assert_int_equal(stall.n_blocks, 0);
	machine_stop();
}

/* --- wakers */

/* t blocks on a futex, and `by` wakes it in a call of its own. */
static struct lst_waker waker_of(struct task_struct *by, uint32_t nr, uint64_t first, bool in_interrupt)
{
	struct task_struct *t = gap_begin();
	by = by ? by : task_new(TGID, OTHER_TID, "holder");
	task_calls(by, nr, first, 0);
	task_calls(t, NR_FUTEX, 0x7000, 0);
	task_off(t, OFF_BLOCKED);
	machine_pass(20 * MS);
	task_woken(t, in_interrupt ? NULL : by);
	task_on(t);
	task_in_user_mode(t);
	gap_finish(t);
	return stall.blocks[0].waker;
}

static void a_waker_is_named_when_its_call_proves_it(void **state)
{
	(void)state;
	struct lst_waker w = waker_of(NULL, NR_FUTEX, 0x7000, false);
	assert_int_equal(w.tid, OTHER_TID);
	assert_int_equal(w.why, LST_WAKER_FUTEX);
	assert_string_equal(w.comm, "holder");
	assert_int_equal(waker_of(NULL, NR_FUTEX, 0x7008, false).tid, 0); /* another lock */
	assert_int_equal(waker_of(NULL, NR_READ, 8, false).tid,
			 0); /* whom an interrupt happened to interrupt */
	assert_int_equal(waker_of(NULL, NR_FUTEX, 0x7000, true).tid, 0); /* nobody runs */
	machine_stop();
}

static void the_other_end_of_a_pipe_is_proof(void **state)
{
	(void)state;
	struct task_struct *t = gap_begin(), *child = task_new(200, 200, "sleep");
	task_opens_pipe(child, 1, 777);
	task_calls(child, NR_READ, 1, 0); /* as a write: the descriptor is what counts */
	task_calls(t, NR_READ, 11, 0);
	task_off(t, OFF_BLOCKED);
	machine_pass(20 * MS);
	task_woken(t, child);
	task_on(t);
	gap_finish(t);
	assert_int_equal(stall.blocks[0].waker.tid, 200);
	assert_int_equal(stall.blocks[0].waker.why, LST_WAKER_PIPE);
	machine_stop();
}

/* --- stacks */

#define STACK_PAGES 3

static char *user_stack;

/* A gap of a thread with three pages of stack. */
static struct task_struct *gap_with_stacks(const struct machine_size *size)
{
	struct task_struct *t = scene_begin(size);
	machine_config()->stacks = 1;
	machine_config()->snapshot_age_ns = 5 * MS;
	user_stack = aligned_alloc(LST_PAGE_BYTES, STACK_PAGES * LST_PAGE_BYTES);
	assert_non_null(user_stack);
	for (int i = 0; i < STACK_PAGES; i++)
		memset(user_stack + i * LST_PAGE_BYTES, 'a' + i, LST_PAGE_BYTES);
	shim_user_memory(user_stack, STACK_PAGES * LST_PAGE_BYTES);
	task_stack(t, user_stack + 200, user_stack + STACK_PAGES * LST_PAGE_BYTES - 1);
	waits_once(t);
	return t;
}

static void scene_end(void)
{
	machine_stop();
	free(user_stack);
	user_stack = NULL;
}

static struct {
	struct lst_stack_record record;
	char pages[LST_MAX_PAGES * LST_PAGE_BYTES];
} stack;

static bool next_stack(void)
{
	return next_record(LST_RECORD_STACK, &stack, sizeof stack);
}

static void the_longest_block_has_its_stack(void **state)
{
	(void)state;
	struct task_struct *t = gap_with_stacks(NULL);
	blocks_in(t, NR_FUTEX, 0x7000, 500 * US); /* too short to matter */
	assert_false(next_stack());
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	assert_true(next_stack());
	uint32_t first = stack.record.seq;
	assert_int_equal(stack.record.why, LST_STACK_BLOCK);
	assert_int_equal(stack.record.weight_ns, 20 * MS);
	assert_int_equal(stack.record.block, 0);
	assert_int_equal(stack.record.n_pages, STACK_PAGES);
	assert_int_equal(stack.record.base, (uint64_t)user_stack);
	assert_int_equal(stack.record.pages_present, 7);
	assert_int_equal(stack.record.head.bytes, sizeof stack.record + STACK_PAGES * LST_PAGE_BYTES);
	assert_int_equal(stack.pages[2 * LST_PAGE_BYTES], 'c');
	blocks_in(t, NR_FUTEX, 0x7000, 21 * MS); /* hardly longer */
	assert_false(next_stack());
	blocks_in(t, NR_FUTEX, 0x7000, 40 * MS);
	assert_true(next_stack());
	assert_int_not_equal(stack.record.seq, first);
	gap_finish(t);
	assert_int_equal(stall.blocks[0].stack_seq, stack.record.seq);
	assert_int_equal(stall.blocks[0].stack_ns, 40 * MS);
	assert_string_equal(machine_losses(), "");
	scene_end();
}

/* Probing waits leave the stall undecided for gaps on end, but user space keeps no stacks of gaps that are two behind. */
static void a_stall_comes_before_the_stacks_of_later_gaps(void **state)
{
	(void)state;
	struct task_struct *t = gap_with_stacks(NULL);
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	assert_true(next_stack());
	uint32_t first = stack.record.seq;
	for (int i = 0; i < 2; i++) {
		task_waits(t, LOOP_FD, 0);
		task_returns(t, 0);
		machine_pass(50 * US);
	}
	blocks_in(t, NR_FUTEX, 0x7000, 30 * MS);
	assert_int_equal(machine_record(&stall, sizeof stall), LST_RECORD_STALL);
	assert_int_equal(stall.harm, LST_HARM_LATE);
	assert_int_equal(stall.gap.gap_ns, 20 * MS);
	assert_int_equal(stall.blocks[0].stack_seq, first);
	assert_true(next_stack());
	gap_finish(t);
	scene_end();
}

static void a_page_that_is_not_there_is_marked(void **state)
{
	(void)state;
	struct task_struct *t = gap_with_stacks(NULL);
	task_stack(t, user_stack + 100,
		   user_stack + STACK_PAGES * LST_PAGE_BYTES - 1); /* its red zone is on the page below */
	blocks_in(t, NR_FUTEX, 0x7000, 20 * MS);
	assert_true(next_stack());
	assert_int_equal(stack.record.n_pages, STACK_PAGES + 1);
	assert_int_equal(stack.record.pages_present, 14);
	assert_int_equal(machine_lost(LST_LOSS_STACK_PAGES), 1);
	scene_end();
}

static void no_more_snapshots_than_there_is_room_for(void **state)
{
	(void)state;
	static const struct machine_size small = {
		.loops = 4, .threads = 4, .scratch = 1, .ring_bytes = 1 << 20};
	struct task_struct *t = gap_with_stacks(&small), *other = task_new(TGID, OTHER_TID, "other");
	task_stack(other, user_stack + 200, user_stack + STACK_PAGES * LST_PAGE_BYTES - 1);
	task_opens_epoll(t, 4, 0x20000);
	task_waits(other, 4, -1);
	task_returns(other, 1);
	task_calls(t, NR_FUTEX, 0x7000, 0);
	task_off(t, OFF_BLOCKED);
	task_calls(other, NR_FUTEX, 0x7000, 0);
	task_off(other, OFF_BLOCKED);
	assert_int_equal(machine_lost(LST_LOSS_NO_SCRATCH), 1);
	machine_pass(20 * MS);
	task_woken(t, NULL);
	task_on(t);
	assert_true(next_stack());
	for (int i = 0; i < 10; i++) /* it comes back every time */
		blocks_in(t, NR_FUTEX, 0x7000, 1 * MS);
	assert_int_equal(machine_lost(LST_LOSS_NO_SCRATCH), 1);
	scene_end();
}

/* Some hosts hide switches: neither the block nor its snapshot's slot is lost by that. */
static void a_block_whose_end_is_not_seen_has_its_stack(void **state)
{
	(void)state;
	static const struct machine_size small = {
		.loops = 4, .threads = 4, .scratch = 1, .ring_bytes = 1 << 20};
	struct task_struct *t = gap_with_stacks(&small);
	for (int i = 1; i <= 3; i++) {
		task_calls(t, NR_FUTEX, 0x7000, 0);
		task_off(t, OFF_BLOCKED);
		machine_pass(i * 20 * MS);
		task_woken(t, NULL);
		machine_hide(1);
		task_on(t);
		machine_pass(1 * MS);
	}
	gap_finish(t);
	assert_int_equal(stall.n_blocks, 1);
	assert_int_equal(stall.blocks[0].count, 3);
	assert_int_equal(stall.blocks[0].sum_ns, 120 * MS);
	assert_int_equal(stall.blocks[0].stack_ns, 60 * MS);
	assert_int_equal(machine_lost(LST_LOSS_NO_SCRATCH), 0);
	scene_end();
}

static void samples_are_taken_in_old_gaps_only(void **state)
{
	(void)state;
	struct task_struct *t = gap_with_stacks(NULL);
	machine_pass(4 * MS);
	task_sampled(t);
	assert_false(next_stack());
	machine_pass(1 * MS);
	task_sampled(t);
	assert_true(next_stack());
	assert_int_equal(stack.record.why, LST_STACK_SAMPLE);
	assert_int_equal(stack.record.weight_ns, 5 * MS);
	assert_int_equal(stack.record.gap_seq, machine_loop(LOOP_SLOT)->gap_seq);
	task_waits(t, LOOP_FD, -1);
	machine_pass(50 * MS);
	task_sampled(t);
	assert_false(next_stack());
	machine_loop(LOOP_SLOT)->sample_all = 1; /* saturated */
	task_returns(t, 1);
	task_sampled(t);
	assert_true(next_stack());
	scene_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call_to_one_peer_is_one_block),
		cmocka_unit_test(polls_of_nothing_are_sleeps),
		cmocka_unit_test(calls_are_told_apart_by_what_they_wait_for),
		cmocka_unit_test(the_longest_kinds_keep_their_places),
		cmocka_unit_test(blocks_of_the_last_gap_are_gone),
		cmocka_unit_test(a_wait_outside_of_gaps_is_no_block),
		cmocka_unit_test(a_waker_is_named_when_its_call_proves_it),
		cmocka_unit_test(the_other_end_of_a_pipe_is_proof),
		cmocka_unit_test(the_longest_block_has_its_stack),
		cmocka_unit_test(a_stall_comes_before_the_stacks_of_later_gaps),
		cmocka_unit_test(a_page_that_is_not_there_is_marked),
		cmocka_unit_test(no_more_snapshots_than_there_is_room_for),
		cmocka_unit_test(a_block_whose_end_is_not_seen_has_its_stack),
		cmocka_unit_test(samples_are_taken_in_old_gaps_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
