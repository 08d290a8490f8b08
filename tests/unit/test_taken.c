/* SPDX-License-Identifier: Apache-2.0 */
/* What a hypervisor and interrupts took: read from /proc/stat, told only with both witnesses, and never the application's. */
#include "told_stall.h"

#include "cli/proc_text.h"
#include "model/taken.h"

static void what_all_cpus_lost_is_read(void **state)
{
	(void)state;
	struct taken t;
	const char *text =
		"cpu  1330090 695791 663344 2056888 9045 7 13349 873 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
	assert_true(proc_text_taken(text, 100, &t));
	assert_int_equal(t.stolen_ns, 873 * 10 * MS);
	assert_int_equal(t.interrupts_ns, (7 + 13349) * 10 * MS);
	assert_false(proc_text_taken("cpu0 1 2 3 4 5 6 7 8", 100, &t));
	assert_false(proc_text_taken("", 100, &t));
}

static struct fact_stall computing(uint64_t cpu_ns)
{
	return (struct fact_stall){.lag_ns = cpu_ns, .gap_ns = cpu_ns, .ledger = {.cpu_ns = cpu_ns}};
}

static void two_witnesses_are_needed(void **state)
{
	(void)state;
	static const struct {
		uint64_t cpu, ran, stolen, interrupts; /* ms: by the clock, by the scheduler, of all CPUs */
		uint64_t told_stolen, told_interrupts;
	} cases[] = {
		{100, 40, 70, 0, 60, 0},  {100, 40, 50, 30, 50, 10}, /* what the hypervisor did not take */
		{100, 40, 0, 0, 0, 0},				     /* a count that came late, then */
		{100, 100, 90, 90, 0, 0},			     /* taken from others */
		{100, 95, 90, 90, 0, 0},			     /* a tick */
		{1000, 960, 90, 0, 0, 0},			     /* little of it */
		{100, 0, 90, 0, 0, 0},				     /* not known */
		{100, 110, 90, 0, 0, 0}, /* more than by the clock: its count began late */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_stall s = computing(cases[i].cpu * MS);
		struct taken t = {cases[i].stolen * MS, cases[i].interrupts * MS};
		taken_fill(&s, cases[i].ran * MS, &t);
		assert_int_equal(s.ledger.stolen_ns, cases[i].told_stolen * MS);
		assert_int_equal(s.ledger.interrupts_ns, cases[i].told_interrupts * MS);
	}
}

static const struct told taken[] = {
	{"most of it stolen",
	 "cpython 3.11",
	 {{0}},
	 EVAL " " APP,
	 {.cpu_ns = 120 * MS, .stolen_ns = 90 * MS},
	 0,
	 "no_cpu",
	 "90 ms of its CPU time stolen by the hypervisor",
	 "other guests"},
	{"most of it interrupts",
	 "",
	 {{0}},
	 NULL,
	 {.cpu_ns = 120 * MS, .interrupts_ns = 90 * MS},
	 0,
	 "no_cpu",
	 "90 ms of its CPU time taken by interrupts",
	 "irqbalance"},
	{"some of it stolen",
	 "cpython 3.11",
	 {{0}},
	 EVAL " " APP,
	 {.cpu_ns = 200 * MS, .stolen_ns = 40 * MS},
	 0,
	 "cpu",
	 ", 40 ms of its CPU time stolen by the hypervisor",
	 "ProcessPoolExecutor"},
	{"hardly any of it stolen, and not told",
	 "cpython 3.11",
	 {{0}},
	 EVAL " " APP,
	 {.cpu_ns = 200 * MS, .stolen_ns = 15 * MS},
	 0,
	 "cpu",
	 "tick (/srv/app.py:7) in 100 % of 40 samples",
	 NULL},
};

static void it_is_not_the_applications(void **state)
{
	(void)state;
	told_check_all(taken, ARRAY_LEN(taken));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_all_cpus_lost_is_read),
		cmocka_unit_test(two_witnesses_are_needed),
		cmocka_unit_test(it_is_not_the_applications),
	};
	return told_run("taken", tests, ARRAY_LEN(tests));
}
