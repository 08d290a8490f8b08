/* SPDX-License-Identifier: Apache-2.0 */
/* What many iterations show together: which lines are said, and which of them have a name. */
#include "story.h"

#include "base/array.h"
#include "model/pattern.h"

#include <stdio.h>
#include <string.h>

#define PEER "tcp 127.0.0.1:8101"

/* Ten seconds of a loop, and the peer's part of each. */
struct told {
	const char *what;
	uint64_t busy_ms; /* of each second */
	struct fact_counts each;
	struct fact_peer peer;
	uint64_t open[10]; /* the peer's, or with a NULL peer the process' files */
	uint64_t connects[10];
	uint64_t tasks[10];
	bool no_files; /* the kernel does not say how many are open */
	unsigned floods, cascades;
	struct chain growth;
	const char *name, *evidence; /* of the first pattern; NULL: there is none */
};

static const struct told cases[] = {
	{.what = "nothing at all", .busy_ms = 500},
	{.what = "connections pile up",
	 .peer = {PEER},
	 .open = {10, 30, 50, 70, 90, 110, 130, 150, 170, 190},
	 .name = "pile_up",
	 .evidence = "open connections to " PEER " 10 → 190 in 9.00 s, still rising"},
	{.what = "not so many yet",
	 .peer = {PEER},
	 .open = {2, 5, 8, 11, 14, 17, 20, 23, 26, 29},
	 .name = "",
	 .evidence = "2 → 29"},
	{.what = "as a busy loop gets to it, which has closed none of them",
	 .peer = {PEER, .most_open = 16},
	 .open = {2, 3, 5, 5, 8, 9, 9, 12, 14, 16},
	 .connects = {2, 1, 2, 0, 3, 1, 0, 3, 2, 2},
	 .name = "",
	 .evidence = "open connections to " PEER " 2 → 16 in 9.00 s, still rising, none of them closed"},
	{.what = "it stood still for a while",
	 .peer = {PEER, .most_open = 75},
	 .open = {17, 38, 54, 54, 55, 55, 56, 60, 67, 75},
	 .connects = {20, 21, 16, 1, 1, 0, 2, 5, 8, 9},
	 .name = "",
	 .evidence = "open connections to " PEER " 17 → 75 in 9.00 s, still rising"},
	{.what = "a few, some of which have been closed",
	 .peer = {PEER, .most_open = 16},
	 .open = {2, 3, 5, 5, 8, 9, 9, 12, 14, 16},
	 .connects = {2, 1, 2, 2, 3, 1, 0, 3, 2, 2}},
	{.what = "a pool that is filled slowly, and then stays",
	 .peer = {PEER, .most_open = 10},
	 .open = {2, 4, 6, 7, 8, 9, 10, 10, 10, 10},
	 .connects = {2, 2, 2, 1, 1, 1, 1, 0, 0, 0}},
	{.what = "and seen for too short a time",
	 .peer = {PEER},
	 .open = {34, 45, 56, 67, 78, 89, 100, 111, 122, 133},
	 .name = "",
	 .evidence = "34 → 133"},
	{.what = "a pool that is filled and then stays",
	 .peer = {PEER},
	 .open = {20, 80, 140, 200, 200, 200, 200, 200, 200, 200}},
	{.what = "a burst that goes", .peer = {PEER}, .open = {0, 50, 100, 150, 200, 250, 200, 150, 50, 0}},
	{.what = "files without a peer",
	 .open = {14, 40, 80, 120, 160, 200, 240, 280, 320, 360},
	 .name = "",
	 .evidence = "open files 14 → 360"},
	{.what = "tasks pile up",
	 .tasks = {136, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 8991},
	 .name = "pile_up",
	 .evidence = "asyncio tasks 136 → 8991 in 9.00 s, still rising"},
	{.what = "so they do in a process of two loops, and there are more than are counted",
	 .each = {.tasks_loops = 2, .tasks_at_least = true},
	 .tasks = {136, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 8991},
	 .name = "pile_up",
	 .evidence = "asyncio tasks of the process 136 → 8991 or more in 9.00 s"},
	{.what = "tasks of clients that come: files too",
	 .open = {14, 100, 200, 300, 400, 500, 600, 700, 800, 900},
	 .tasks = {136, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 8991},
	 .name = "",
	 .evidence = "asyncio tasks 136 → 8991"},
	{.what = "whether there are files too is not known",
	 .no_files = true,
	 .tasks = {136, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 8991},
	 .name = "",
	 .evidence = "asyncio tasks 136 → 8991"},
	{.what = "tasks that have piled up before we came, and still do",
	 .tasks = {3000, 3400, 3800, 4200, 4600, 5000, 5400, 5800, 6200, 6600},
	 .name = "pile_up",
	 .evidence = "asyncio tasks 3000 → 6600"},
	{.what = "tasks that have long piled up before we came",
	 .tasks = {8000, 8300, 8600, 8900, 9200, 9500, 9800, 10100, 10400, 10700},
	 .name = "",
	 .evidence = "asyncio tasks 8000 → 10700 in 9.00 s, still rising"},
	{.what = "tasks that are not so many yet",
	 .tasks = {100, 200, 300, 400, 500, 600, 700, 800, 900, 1000},
	 .name = "",
	 .evidence = "asyncio tasks 100 → 1000"},
	{.what = "tasks that drain in between, and rise by chance",
	 .tasks = {200, 1500, 800, 200, 2000, 200, 400, 3500, 200, 5000},
	 .name = "",
	 .evidence = "asyncio tasks 200 → 5000"},
	{.what = "tasks within a bound", .tasks = {200, 200, 199, 200, 200, 201, 200, 200, 200, 200}},
	{.what = "tasks up to a bound", .tasks = {2, 1500, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000}},
	{.what = "a burst of tasks", .tasks = {2, 1500, 3000, 5000, 6000, 7000, 5000, 3000, 1500, 2}},
	{.what = "more tasks than is usual, for long",
	 .tasks = {20000, 20010, 20000, 20020, 20000, 20000, 20000, 20010, 20000, 20000},
	 .name = "",
	 .evidence = "asyncio tasks: 20000"},
	{.what = "bursts that cost a stall",
	 .each = {.connects = 96, .bursts = 2, .most_connects = 48},
	 .peer = {PEER, .most_connects = 48},
	 .floods = 1,
	 .name = "flood",
	 .evidence = "48 connects in one tick to " PEER ", 20 such ticks of 16 or more, 2 a second"},
	{.what = "bursts that cost nothing",
	 .each = {.connects = 96, .bursts = 2, .most_connects = 48},
	 .peer = {PEER, .most_connects = 48},
	 .name = "",
	 .evidence = "48 connects in one tick"},
	{.what = "many at once, one in a tick, and again and again",
	 .peer = {PEER, .most_connects = 1, .most_open = 36},
	 .connects = {60, 0, 50, 0, 60, 0, 40, 0, 60, 0},
	 .name = "",
	 .evidence = "up to 36 connections to " PEER " open at once, 27 a second opened anew"},
	{.what = "eight at once, the next of which are opened as those are closed",
	 .peer = {PEER, .most_connects = 8, .most_open = 16},
	 .connects = {200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
	{.what = "many at once, opened once",
	 .peer = {PEER, .most_connects = 1, .most_open = 36},
	 .connects = {36, 0, 0, 0, 0, 0, 0, 0, 0, 12}},
	{.what = "a few at a time",
	 .each = {.connects = 15, .most_connects = 15},
	 .peer = {PEER, .most_connects = 15}},
	{.what = "growth, and twice enough for a name",
	 .cascades = 2,
	 .growth = {6, 400 * MS, 243 * MS, 5, 1 * MS, false},
	 .name = "cascade",
	 .evidence = "work growing 3 × a tick: 6 ticks in a row, 1.0 ms → 243 ms"},
	{.what = "growth once",
	 .cascades = 1,
	 .growth = {6, 400 * MS, 243 * MS, 5, 1 * MS, false},
	 .name = "",
	 .evidence = "growing 3 ×"},
	{.what = "growth that began with ordinary work",
	 .cascades = 1,
	 .growth = {9, 13 * MS, 10 * MS, 3, 150000, false},
	 .name = "",
	 .evidence = "work growing 4.1 × a tick: 4 ticks in a row, 150 us → 10 ms"},
	{.what = "hardly any growth", .cascades = 9, .growth = {6, 400 * MS, 8 * MS, 2, 1 * MS, false}},
	{.what = "ticks that happen to be in order",
	 .cascades = 9,
	 .growth = {17, 9 * MS, 4400000, 6, 96000, false}},
	{.what = "and such that nobody feels",
	 .cascades = 9,
	 .growth = {17, 3 * MS, 1700000, 3, 100000, false}},
	{.what = "a timer asks a peer again and again",
	 .busy_ms = 310,
	 .each = {.timed_ns = 200 * MS, .timed_chains = 10},
	 .peer = {PEER, .timed_connects = 9, .reads = 10, .work_ns = 155 * MS},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10},
	 .name = "polling",
	 .evidence = PEER " connected to 10 × a second, by timers, its answers take 50 % of its busy time; "
			  "the loop is 31 % busy"},
	{.what = "so it does, and hardly costs anything",
	 .busy_ms = 31,
	 .peer = {PEER, .timed_connects = 9, .reads = 10},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10},
	 .name = "",
	 .evidence = "by timers"},
	{.what = "a timer asks, and nobody answers",
	 .busy_ms = 310,
	 .peer = {PEER, .timed_connects = 9},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10},
	 .name = "",
	 .evidence = PEER " connected to 10 × a second; the loop is 31 % busy"},
	{.what = "clients ask, and each is asked for at a peer",
	 .busy_ms = 310,
	 .peer = {PEER, .timed_connects = 1},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10},
	 .name = "",
	 .evidence = PEER " connected to 10 × a second; the loop is 31 % busy"},
	{.what = "as regularly as by a timer, which looks a name up first",
	 .busy_ms = 84,
	 .peer = {PEER, .reads = 10, .work_ns = 8 * MS},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10},
	 .name = "",
	 .evidence = PEER " connected to 10 × a second, its answers take 10 % of its busy time; "
			  "the loop is 8 % busy"},
	{.what = "as it comes, and hardly costs anything",
	 .busy_ms = 84,
	 .peer = {PEER, .reads = 10, .work_ns = 8 * MS},
	 .connects = {20, 1, 10, 15, 2, 18, 3, 10, 18, 10}},
	{.what = "regularly, and hardly costs anything",
	 .busy_ms = 31,
	 .peer = {PEER, .reads = 10, .work_ns = 2 * MS},
	 .connects = {10, 10, 10, 11, 9, 10, 10, 10, 10, 10}},
	{.what = "now and then, as it comes",
	 .busy_ms = 310,
	 .peer = {PEER, .timed_connects = 9, .reads = 10},
	 .connects = {20, 1, 10, 15, 2, 18, 3, 10, 18, 10},
	 .name = "",
	 .evidence = "a second; the loop"},
	{.what = "once a second is no polling",
	 .busy_ms = 310,
	 .peer = {PEER, .timed_connects = 1},
	 .connects = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	{.what = "short waits that sum up",
	 .busy_ms = 400,
	 .peer = {"tcp 10.0.3.9:6379", .waits = 200, .waited_ns = 124 * MS},
	 .name = "sync_io",
	 .evidence =
		 "tcp 10.0.3.9:6379 waited for in 200 ticks a second, 620 us each, 31 % of its busy time"},
	{.what = "short waits that do not",
	 .busy_ms = 400,
	 .peer = {"tcp 10.0.3.9:6379", .waits = 2, .waited_ns = 2 * MS}},
	{.what = "answers on a connection that is kept",
	 .busy_ms = 200,
	 .peer = {"tcp 10.0.3.9:6379", .reads = 10, .work_ns = 62 * MS},
	 .name = "",
	 .evidence = "tcp 10.0.3.9:6379 answers 10 × a second, regularly, 6.2 ms of work each, 31 % of its "
		     "busy time"},
	{.what = "answers that are a small part",
	 .busy_ms = 200,
	 .peer = {"tcp 10.0.3.9:6379", .reads = 10, .work_ns = 20 * MS}},
	{.what = "timers keep it busy",
	 .busy_ms = 310,
	 .each = {.timed_chains = 77, .timed_ns = 270 * MS},
	 .name = "",
	 .evidence = "timers fire 77 × a second, 3.5 ms of work each, 87 % of its busy time"},
	{.what = "timers that do little", .busy_ms = 310, .each = {.timed_chains = 77, .timed_ns = 20 * MS}},
};

static void stalls_add(struct habits *h, const struct told *told)
{
	for (unsigned i = 0; i < told->floods; i++) {
		struct fact_stall s = {.connects = 48, .ledger = {.cpu_ns = 20 * MS, .runnable_ns = 80 * MS}};
		habits_stall(h, &s);
	}
	for (unsigned i = 0; i < told->cascades; i++) {
		struct fact_stall s = {.chain = told->growth};
		habits_stall(h, &s);
	}
	struct fact_stall open = {.state = STALL_OPEN, .connects = 48, .ledger = {.cpu_ns = 20 * MS}};
	habits_stall(h, &open); /* not over: it will come again */
}

/* Where it was worst, if it cost anything; but not what was in one of them by chance. */
static void test_culprit(void **state)
{
	(void)state;
	struct story *t = story_new();
	struct habits *h = calloc(1, sizeof *h);
	struct pattern patterns[PATTERN_MOST];
	uint32_t slight = story_own(t, "slight"), worst = story_own(t, "worst"),
		 chance = story_own(t, "chance");
	struct fact_counts c = {.elapsed_ns = S, .connects = 96, .bursts = 2, .most_connects = 48};
	struct fact_stall some = {.connects = 20, .ledger = {.cpu_ns = 10 * MS}, .culprit_frame = slight};
	struct fact_stall most = {.connects = 48, .ledger = {.cpu_ns = 30 * MS}, .culprit_frame = worst};
	struct fact_stall other = {.connects = 48, .ledger = {.cpu_ns = 90 * MS}, .culprit_frame = chance};
	assert_non_null(h);
	habits_count(h, &c);
	habits_stall(h, &most);
	habits_stall(h, &some);
	assert_int_equal(patterns_of(h, NULL, t->dictionary, patterns), 1);
	assert_non_null(strstr(patterns[0].evidence, ", in worst"));
	habits_stall(h, &most);
	habits_stall(h, &other);
	assert_int_equal(patterns_of(h, NULL, t->dictionary, patterns), 1);
	assert_non_null(strstr(patterns[0].evidence, ", in worst"));
	for (uint32_t i = 100; i < 120; i++) { /* more than are told apart */
		other.culprit_frame = i;
		habits_stall(h, &other);
	}
	assert_int_equal(habits_blame(h->flood), worst);
	story_free(t);
	free(h);
}

static void told_add(struct habits *h, const struct told *told)
{
	for (unsigned i = 0; i < 10; i++) {
		struct fact_counts c = told->each;
		c.elapsed_ns = S;
		c.busy_ns = told->busy_ms * MS;
		c.open_files = told->no_files ? 0 : told->peer.peer || !told->open[9] ? 14 : told->open[i];
		c.tasks = told->tasks[i];
		c.n_peers = told->peer.peer ? 1 : 0;
		c.peers[0] = told->peer;
		c.peers[0].open = told->open[i];
		c.peers[0].connects = told->connects[i];
		habits_count(h, &c);
	}
	stalls_add(h, told);
}

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct story *t = story_new();
		const struct fact_loop *l =
			dictionary_loop(t->dictionary, story_loop(t, "app", 10, "cpython 3.11"));
		struct habits *h = calloc(1, sizeof *h);
		struct pattern patterns[PATTERN_MOST];
		assert_non_null(h);
		told_add(h, &cases[i]);
		size_t n = patterns_of(h, l, t->dictionary, patterns);
		if (!cases[i].evidence) {
			if (n)
				fail_msg("%s: says \"%s\"", cases[i].what, patterns[0].evidence);
		} else if (!n || strcmp(patterns[0].name, cases[i].name) != 0 ||
			   !strstr(patterns[0].evidence, cases[i].evidence)) {
			fail_msg("%s: says \"%s %s\"", cases[i].what, n ? patterns[0].name : "nothing",
				 n ? patterns[0].evidence : "");
		} else {
			assert_int_equal(!patterns[0].name[0], !patterns[0].remedy[0]);
		}
		free(h);
		story_free(t);
	}
}

/* However long it is watched, the first and the last value and the shape between are kept. */
static void test_long_course(void **state)
{
	(void)state;
	struct habits *h = calloc(1, sizeof *h);
	struct pattern patterns[PATTERN_MOST];
	struct story *t = story_new();
	assert_non_null(h);
	for (unsigned i = 0; i < 5000; i++) {
		struct fact_counts c = {.elapsed_ns = S, .n_peers = 1, .peers = {{PEER, .open = i / 10}}};
		habits_count(h, &c);
	}
	struct fact_counts end = {.elapsed_ns = MS, .n_peers = 1, .peers = {{PEER, .open = 499}}};
	habits_count(h, &end); /* the rest of a second: not that it no longer rises */
	assert_int_equal(patterns_of(h, NULL, t->dictionary, patterns), 1);
	assert_string_equal(patterns[0].name, "pile_up");
	for (unsigned i = 0; i < 5000; i++) { /* and then it stays */
		struct fact_counts c = {.elapsed_ns = S, .n_peers = 1, .peers = {{PEER, .open = 500}}};
		habits_count(h, &c);
	}
	assert_int_equal(patterns_of(h, NULL, t->dictionary, patterns), 0);
	story_free(t);
	free(h);
}

/* More peers than are kept: those that matter stay. */
static void test_many_peers(void **state)
{
	(void)state;
	struct habits *h = calloc(1, sizeof *h);
	struct pattern patterns[PATTERN_MOST];
	struct story *t = story_new();
	char names[100][32];
	assert_non_null(h);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "tcp 10.0.0.%u:80", i);
		struct fact_counts c = {
			.elapsed_ns = S,
			.n_peers = 2,
			.peers = {{PEER, .connects = 50, .open = 3 * i}, {names[i], .connects = 1}}};
		habits_count(h, &c);
	}
	assert_true(patterns_of(h, NULL, t->dictionary, patterns) >= 1);
	assert_string_equal(patterns[0].name, "pile_up");
	story_free(t);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_culprit),
		cmocka_unit_test(test_long_course),
		cmocka_unit_test(test_many_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
