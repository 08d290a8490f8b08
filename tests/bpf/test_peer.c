/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a loop connects to and waits for, and how the gaps of a chain follow from each other. */
#include "scene.h"

static struct lst_stall_record stall;

static const struct lst_peer *peer_at(unsigned n)
{
	return &machine_loop(LOOP_SLOT)->peers[n];
}

static void turns(struct task_struct *t, int timeout_ms, long ret)
{
	task_waits(t, LOOP_FD, timeout_ms);
	task_returns(t, ret);
}

static void works(struct task_struct *t, uint64_t ns)
{
	(void)t;
	machine_pass(ns);
}

static void connects_are_counted_by_gap_and_peer(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	waits_once(t);
	for (uint32_t i = 0; i < 20; i++)
		task_connects(t, i, "127.0.0.1", 8101);
	task_connects(t, 20, "127.0.0.2", 8101);
	turns(t, -1, 1);
	task_connects(t, 21, "127.0.0.1", 8101);
	turns(t, -1, 1);
	assert_int_equal(l->connects, 22);
	assert_int_equal(l->most_connects, 21);
	assert_int_equal(l->bursts, 1);
	assert_int_equal(peer_at(0)->connects, 21);
	assert_int_equal(peer_at(0)->most_connects, 20);
	assert_int_equal(peer_at(0)->inet.port, 8101);
	assert_int_equal(peer_at(1)->connects, 1);
	assert_int_equal(peer_at(2)->inet.family, 0);
	machine_stop();
}

static void a_stall_has_its_own_connects(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	task_connects(t, 0, "127.0.0.1", 8101);
	turns(t, -1, 1);
	for (uint32_t i = 1; i < 4; i++)
		task_connects(t, i, "127.0.0.1", 8101);
	works(t, 60 * MS);
	turns(t, -1, 1);
	assert_true(next_stall(&stall));
	assert_int_equal(stall.gap.connects, 3);
	machine_stop();
}

static void open_connections_are_told_from_closed_ones(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	for (uint32_t i = 0; i < 5; i++)
		task_connects(t, i, "127.0.0.1", 8101);
	connection_ends(3);
	connection_ends(3);  /* once is enough */
	connection_ends(99); /* nobody's */
	connection_ends(2);
	assert_int_equal(peer_at(0)->open, 3);
	task_connects(t, 3, "127.0.0.1", 8101); /* its memory is used again */
	assert_int_equal(peer_at(0)->open, 4);
	assert_int_equal(peer_at(0)->most_open, 5);
	machine_stop();
}

/* The table of connections has room for 64 here. */
static void a_connection_beyond_the_table_is_a_loss(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	for (uint32_t i = 0; i < 70; i++)
		task_connects(t, i, "127.0.0.1", 8101);
	assert_int_equal(peer_at(0)->open, 64);
	assert_int_equal(peer_at(0)->connects, 70);
	assert_int_equal(machine_lost(LST_LOSS_CONNECTIONS_FULL), 6);
	machine_stop();
}

static void a_quiet_peer_gives_way(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	for (uint32_t i = 0; i < LST_PEERS; i++)
		task_connects(t, i, "127.0.0.1", 9000 + i);
	task_connects(t, 50, "127.0.0.1", 8101);
	for (uint32_t i = 0; i < LST_PEERS; i++)
		assert_int_not_equal(peer_at(i)->inet.port, 8101); /* all have something open */
	connection_ends(2);
	task_connects(t, 51, "127.0.0.1", 8101);
	assert_int_equal(peer_at(2)->inet.port, 8101);
	assert_int_equal(peer_at(2)->open, 1);
	connection_ends(50); /* was never theirs */
	assert_int_equal(peer_at(2)->open, 1);
	machine_stop();
}

static void a_stranger_connects_unseen(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL), *other = task_new(200, 200, "other");
	waits_once(t);
	task_connects(other, 0, "127.0.0.1", 8101);
	assert_int_equal(peer_at(0)->inet.family, 0);
	machine_stop();
}

static void short_waits_for_a_peer_are_summed(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	task_opens_socket(t, 5, "10.0.3.9", 5432, 40001);
	waits_once(t);
	for (int i = 0; i < 3; i++) {
		blocks_in(t, NR_READ, 5, 2 * MS);
		turns(t, -1, 1);
	}
	turns(t, -1, 1);
	assert_int_equal(peer_at(0)->waits, 3);
	assert_int_equal(peer_at(0)->waited_ns, 6 * MS);
	assert_int_equal(peer_at(0)->connects, 0);
	assert_int_equal(peer_at(0)->inet.port, 5432);
	machine_stop();
}

static void a_timer_begins_a_chain(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_loop *l = machine_loop(LOOP_SLOT);
	waits_once(t);
	works(t, 1 * MS);
	turns(t, 100, 0); /* the timer */
	works(t, 2 * MS);
	turns(t, 0, 0);
	task_connects(t, 0, "127.0.0.1", 8101);
	works(t, 3 * MS);
	turns(t, -1, 1); /* an event */
	task_connects(t, 1, "127.0.0.1", 8101);
	works(t, 4 * MS);
	turns(t, -1, 1);
	assert_int_equal(l->timed_chains, 1);
	assert_int_equal(l->timed_ns, 5 * MS);
	assert_int_equal(peer_at(0)->timed_connects, 1);
	assert_int_equal(peer_at(0)->connects, 2);
	machine_stop();
}

static void growth_is_by_multiples(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	waits_once(t);
	for (uint64_t ns = MS; ns <= 81 * MS; ns *= 3) {
		works(t, ns);
		turns(t, 0, 0);
	}
	turns(t, -1, 1);
	while (next_stall(&stall) && stall.gap.gap_ns != 81 * MS)
		;
	assert_int_equal(stall.gap.chain.growth, 4);
	assert_int_equal(stall.gap.chain.grown_from_ns, 1 * MS);
	assert_int_equal(stall.gap.chain.last_ns, 81 * MS);
	assert_int_equal(stall.gap.chain.ns, 121 * MS);
	assert_int_equal(stall.gap.chain.gaps, 5);
	machine_stop();
}

/* One of about the same length ends nothing, a leap is another matter, and so is what follows a wait. */
static void what_is_no_growth(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_chain *c = &machine_loop(LOOP_SLOT)->chain;
	waits_once(t);
	static const struct {
		uint64_t us;
		uint32_t growth;
	} gaps[] = {{10, 0},  {40, 0},	  {100, 0},   {200, 1}, {210, 1},
		    {500, 2}, {20000, 0}, {40000, 1}, {10, 0}};
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		works(t, gaps[i].us * US);
		turns(t, 0, 0);
		assert_int_equal(c->growth, gaps[i].growth);
	}
	works(t, 1 * MS);
	turns(t, -1, 1);
	works(t, 3 * MS);
	turns(t, 0, 0);
	assert_int_equal(c->growth, 0);
	assert_int_equal(c->gaps, 1);
	machine_stop();
}

/* Somebody else's work on the CPU is not the loop's. */
static void time_without_a_cpu_is_no_growth(void **state)
{
	(void)state;
	struct task_struct *t = scene_begin(NULL);
	const struct lst_chain *c = &machine_loop(LOOP_SLOT)->chain;
	waits_once(t);
	for (int i = 1; i < 5; i++) {
		works(t, 1 * MS);
		task_off(t, OFF_PREEMPTED);
		machine_pass(i * 10 * MS);
		task_on(t);
		turns(t, 0, 0);
	}
	assert_int_equal(c->growth, 0);
	assert_int_equal(c->ns, 4 * MS);
	machine_stop();
}

static void answers_are_work_for_their_peer(void **state)
{
	struct task_struct *t = scene_begin(NULL);
	machine_config()->has_cast = *state != NULL;
	waits_once(t);
	task_connects(t, 0, "127.0.0.1", 8101);
	task_connects(t, 1, "127.0.0.1", 8102);
	works(t, 1 * MS);
	turns(t, -1, 1);
	task_reads(t, 0);
	task_reads(t, 0); /* in pieces */
	task_reads(t, 1);
	works(t, 2 * MS);
	turns(t, 0, 0);
	works(t, 3 * MS);
	turns(t, -1, 1);
	works(t, 4 * MS); /* nobody's */
	turns(t, -1, 1);
	assert_int_equal(peer_at(0)->reads, 1);
	assert_int_equal(peer_at(0)->work_ns, 5 * MS);
	assert_int_equal(peer_at(1)->reads, 1);
	assert_int_equal(peer_at(1)->work_ns, 0);
	machine_stop();
}

/* A port says little of who is whose client; who chose the local one does. */
static void an_old_connection_is_a_peers_or_a_clients(void **state)
{
	struct task_struct *t = scene_begin(NULL);
	machine_config()->has_cast = *state != NULL;
	connection_is_old(0, "127.0.0.1", 40101, false);
	connection_is_old(1, "127.0.0.1", 40102, true); /* a client */
	connection_is_old(2, "127.0.0.1", 8103, true);	/* from a port of our own */
	waits_once(t);
	for (uint32_t i = 0; i < 3; i++)
		task_reads(t, i);
	works(t, 1 * MS);
	assert_int_equal(peer_at(0)->inet.port, 40101);
	assert_int_equal(peer_at(0)->reads, 1);
	assert_int_equal(peer_at(1)->inet.port, 8103);
	assert_int_equal(peer_at(2)->inet.family, 0);
	machine_stop();
}

/* To a port as clients have it, from one that was bound: nothing in the socket tells it from a client's. */
static void a_connection_from_a_bound_port_is_a_peers(void **state)
{
	struct task_struct *t = scene_begin(NULL);
	machine_config()->has_cast = *state != NULL;
	waits_once(t);
	task_connects_from(t, 0, "127.0.0.1", 40101, 700);
	task_reads(t, 0);
	works(t, 1 * MS);
	assert_int_equal(peer_at(0)->reads, 1);
	machine_stop();
}

/* As each of the two programs tells of a read. */
#define READ_TEST(test)                                                                                      \
	{#test, test, NULL, NULL, NULL},                                                                     \
	{                                                                                                    \
#test ", by plain loads", test, NULL, NULL, &typed                                           \
	}

int main(void)
{
	bool typed = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_are_counted_by_gap_and_peer),
		cmocka_unit_test(a_stall_has_its_own_connects),
		cmocka_unit_test(open_connections_are_told_from_closed_ones),
		cmocka_unit_test(a_connection_beyond_the_table_is_a_loss),
		cmocka_unit_test(a_quiet_peer_gives_way),
		cmocka_unit_test(a_stranger_connects_unseen),
		cmocka_unit_test(short_waits_for_a_peer_are_summed),
		READ_TEST(answers_are_work_for_their_peer),
		READ_TEST(an_old_connection_is_a_peers_or_a_clients),
		READ_TEST(a_connection_from_a_bound_port_is_a_peers),
		cmocka_unit_test(a_timer_begins_a_chain),
		cmocka_unit_test(growth_is_by_multiples),
		cmocka_unit_test(what_is_no_growth),
		cmocka_unit_test(time_without_a_cpu_is_no_growth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
