/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that several threads wait on. Two events at the same time on two CPUs are tried in every order: the second one happens at each place
 * of the first in turn (shim.h).
 */
#include "scene.h"
#include "shim.h"

#include <stdio.h>

#define GAP (20 * MS)

static struct task_struct *a, *b;
static uint64_t begun_ns;

static void threads_begin(void)
{
	a = scene_begin(NULL);
	b = task_new(TGID, OTHER_TID, "server");
	begun_ns = machine_now();
}

static void cover_by_both(void)
{
	threads_begin();
	task_waits(a, LOOP_FD, -1);
	task_waits(b, LOOP_FD, -1);
	machine_pass(1 * MS);
}

static void cover_by_a(void)
{
	cover_by_both();
	task_returns(b, 1);
	machine_pass(1 * MS);
}

/* The owner of the open gap is a. */
static void open_gap(void)
{
	cover_by_a();
	task_returns(a, 1);
	machine_pass(GAP);
}

static void open_gap_of_blocked(void)
{
	cover_by_a();
	task_returns(a, 1);
	task_calls(a, NR_FUTEX, 0x7000, 0);
	machine_pass(5 * MS);
	task_off(a, OFF_BLOCKED);
	machine_pass(GAP);
	task_woken(a, NULL);
}

/* What the stall of a's gap cost, the end of its next wait is to show. */
static void pend_and_cover(void)
{
	open_gap();
	task_waits(a, LOOP_FD, -1);
	task_waits(b, LOOP_FD, -1);
	machine_pass(1 * MS);
}

static void enters(void *t)
{
	task_waits(t, LOOP_FD, -1);
}

static void returns(void *t)
{
	task_returns(t, 1);
}

static void comes_back(void *t)
{
	task_on(t);
}

static void goes_off(void *t)
{
	task_off(t, OFF_BLOCKED);
}

static void dies(void *t)
{
	task_exits(t, 9, false);
}

enum { A_WAITS = 1, B_WAITS = 2, A_IS_GONE = 4, A_IS_OFF = 8 };

static const struct race {
	const char *name;
	void (*setup)(void);
	void (*first)(void *);
	struct task_struct **who;
	void (*second)(void *);
	struct task_struct **other;
	unsigned then;			/* A_WAITS … */
	unsigned gaps_least, gaps_most; /* closed by the race */
} races[] = {
	{"the last one returns as another comes", cover_by_a, returns, &a, enters, &b, B_WAITS, 0, 1},
	{"one comes as the last one returns", cover_by_a, enters, &b, returns, &a, B_WAITS, 0, 1},
	{"both return", cover_by_both, returns, &a, returns, &b, 0, 0, 0},
	{"both return when a stall is pending", pend_and_cover, returns, &a, returns, &b, 0, 1, 1},
	{"both come to an open gap", open_gap, enters, &b, enters, &a, A_WAITS | B_WAITS, 1, 1},
	{"the owner comes as another does", open_gap, enters, &a, enters, &b, A_WAITS | B_WAITS, 1, 1},
	{"the owner comes back as another ends its gap", open_gap_of_blocked, enters, &b, comes_back, &a,
	 B_WAITS, 1, 1},
	{"another ends its gap as the owner comes back", open_gap_of_blocked, comes_back, &a, enters, &b,
	 B_WAITS, 1, 1},
	{"the owner goes off as another ends its gap", open_gap, enters, &b, goes_off, &a, B_WAITS | A_IS_OFF,
	 1, 1},
	{"another ends its gap as the owner goes off", open_gap, goes_off, &a, enters, &b, B_WAITS | A_IS_OFF,
	 1, 1},
	{"the owner dies as another ends its gap", open_gap, enters, &b, dies, &a, B_WAITS | A_IS_GONE, 0, 1},
	{"two threads see the loop first", threads_begin, enters, &a, enters, &b, A_WAITS | B_WAITS, 0, 0},
	{"one dies waiting as another returns", cover_by_both, returns, &b, dies, &a, A_IS_GONE, 0, 0},
};

/* A thread owns what the loop says it owns. */
static const char *ownership_fault(const struct lst_loop *l)
{
	for (uint32_t tid = TID; tid <= OTHER_TID; tid++) {
		const struct lst_thread *t = machine_thread(tid);
		uint32_t slots = 0;
		for (int i = 0; t && i < LST_OPEN_GAPS; i++)
			slots += t->gap_slots[i] != 0;
		if (t && slots != (l->gap_start_ns && l->owner == tid))
			return "a thread owns a gap that is not its, or not one that is";
		if (t && t->open_gaps != slots)
			return "a thread's number of gaps is wrong";
	}
	return NULL;
}

/* Each of two threads may send a stall that was pending: user space knows by the number of its gap that it is one. */
static const char *stalls_fault(const struct lst_loop *l, uint64_t elapsed)
{
	static struct lst_stall_record stall;
	uint64_t gaps = 0, last = 0;

	while (next_stall(&stall)) {
		if (ledger_sum(&stall.gap.ledger) > stall.gap.gap_ns || stall.gap.gap_ns > elapsed)
			return "a stall accounts for more than its time";
		gaps += stall.gap.gap_seq != last;
		last = stall.gap.gap_seq;
	}
	return gaps > l->iterations ? "a stall was told as two" : NULL;
}

static const char *race_fault(const struct race *r)
{
	const struct lst_loop *l = the_loop();
	uint64_t waiting = !!(r->then & A_WAITS) + !!(r->then & B_WAITS), elapsed = machine_now() - begun_ns;

	if (l->waiters != waiting)
		return "the number of waiters is wrong";
	if (!l->shared)
		return "a loop of two threads is taken for one thread's";
	if (waiting && l->gap_start_ns)
		return "a covered loop has a gap";
	if (!waiting && !l->gap_start_ns && !(r->then & A_IS_GONE))
		return "an uncovered loop has no gap";
	if (l->iterations < r->gaps_least || l->iterations > r->gaps_most)
		return "a gap was lost or counted twice";
	if (l->busy_ns > elapsed || l->max_lag_ns > elapsed)
		return "time was invented";
	const char *fault = stalls_fault(l, elapsed);
	return fault ? fault : ownership_fault(l);
}

/* Whatever happened, the next gap is right. */
static const char *next_gap_fault(const struct race *r)
{
	const struct lst_loop *l = the_loop();
	struct task_struct *last = b;

	if (r->then & A_IS_OFF) {
		task_woken(a, NULL);
		task_on(a);
	}
	if (!(r->then & B_WAITS))
		enters(b);
	if (r->then & A_WAITS)
		returns(a);
	machine_pass(1 * MS);
	uint64_t before = l->iterations, busy = l->busy_ns;
	returns(last);
	machine_pass(GAP);
	enters(last);
	if (l->iterations != before + 1)
		return "the gap after it was not counted once";
	return l->busy_ns == busy + GAP ? NULL : "the gap after it has another length";
}

static unsigned race_run(const struct race *r)
{
	unsigned faults = 0;
	const char *last = "";
	for (unsigned long at = 0;; at++) {
		r->setup();
		shim_interrupt(at, r->second, *r->other);
		r->first(*r->who);
		bool done = shim_places() <= at;
		shim_interrupt(0, NULL, NULL);
		if (done)
			break;
		const char *fault = race_fault(r);
		if (!fault)
			fault = next_gap_fault(r);
		if (fault && strcmp(fault, last)) {
			fprintf(stderr, "%s, at place %lu: %s\n", r->name, at, fault);
			last = fault;
		}
		faults += fault != NULL;
	}
	machine_stop();
	return faults;
}

static void two_events_at_once_in_every_order(void **state)
{
	(void)state;
	unsigned faults = 0;
	for (size_t i = 0; i < sizeof races / sizeof races[0]; i++)
		faults += race_run(&races[i]);
	assert_int_equal(faults, 0);
}

static void a_loop_is_covered_while_anybody_waits(void **state)
{
	(void)state;
	cover_by_a();
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	assert_int_equal(l->waiters, 1);
	assert_int_equal(l->iterations, 0);
	assert_int_equal(l->shared, 1);
	machine_pass(100 * MS); /* b works: nobody is kept waiting */
	task_waits(b, LOOP_FD, -1);
	assert_int_equal(l->iterations, 0);
	assert_int_equal(l->gap_start_ns, 0);
	machine_stop();
}

static void a_gap_that_another_thread_ends_is_its_owners(void **state)
{
	(void)state;
	struct lst_stall_record r;
	cover_by_a();
	task_returns(a, 1);
	machine_pass(5 * MS);
	task_calls(a, NR_FUTEX, 0x7000, 0);
	task_off(a, OFF_BLOCKED);
	machine_pass(GAP);
	task_woken(a, NULL);
	machine_pass(3 * MS);
	task_waits(b, LOOP_FD, -1);
	assert_true(next_stall(&r));
	assert_int_equal(r.gap.owner, TID);
	assert_int_equal(r.gap.flags, LST_GAP_HANDOFF);
	assert_int_equal(r.harm, LST_HARM_UNKNOWN);
	assert_int_equal(r.gap.gap_ns, 28 * MS);
	assert_int_equal(r.gap.ledger.cpu_ns, 5 * MS);
	assert_int_equal(r.gap.ledger.blocked_ns, GAP);
	assert_int_equal(r.gap.ledger.runnable_ns, 3 * MS);
	assert_int_equal(r.n_blocks, 1);
	assert_int_equal(r.blocks[0].sum_ns, GAP);
	machine_stop();
}

/* A thread that waits on the loop judges the stall of another: the blocks are still there. */
static void blocks_survive_another_threads_verdict(void **state)
{
	(void)state;
	struct lst_stall_record r;
	cover_by_a();
	task_returns(a, 1);
	blocks_in(a, NR_FUTEX, 0x7000, GAP);
	task_waits(a, LOOP_FD, -1);
	task_waits(b, LOOP_FD, -1);
	task_returns(b, 2);
	assert_true(next_stall(&r));
	assert_int_equal(r.harm, LST_HARM_QUEUED);
	assert_int_equal(r.ready, 2);
	assert_int_equal(r.n_blocks, 1);
	assert_int_equal(r.blocks[0].sum_ns, GAP);
	assert_int_equal(r.children[0].pid, 0);
	machine_stop();
}

/* As a thread does that serves two loops in turn, its own or another's: a record at each wait would wake the reader each time. */
static void who_takes_turns_between_loops_is_told_of_once(void **state)
{
	(void)state;
	struct lst_loop_record r;
	unsigned told = 0, joined = 0;
	threads_begin();
	task_opens_epoll(a, LOOP_FD + 1, OBJECT + 64);
	task_opens_epoll(a, LOOP_FD + 2, OBJECT + 128);
	enters(a);
	returns(a);
	for (int i = 0; i < 30; i++) {
		task_waits(b, LOOP_FD + i % 3, -1); /* a's and two of its own */
		machine_pass(1 * MS);
		returns(b);
	}
	while (next_record(LST_RECORD_LOOP, &r, sizeof r)) {
		told++;
		joined += !r.first;
	}
	assert_int_equal(told, 4);
	assert_int_equal(joined, 1);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_covered_while_anybody_waits),
		cmocka_unit_test(a_gap_that_another_thread_ends_is_its_owners),
		cmocka_unit_test(blocks_survive_another_threads_verdict),
		cmocka_unit_test(who_takes_turns_between_loops_is_told_of_once),
		cmocka_unit_test(two_events_at_once_in_every_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
