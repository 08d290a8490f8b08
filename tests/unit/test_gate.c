/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of `loopstall check`: what is read, what is refused, what breaks them. */
#include "story_tally.h"

#include "model/gate.h"

#include <string.h>

static void test_reads_conditions(void **state)
{
	struct gate g;
	(void)state;
	assert_int_equal(
		gate_parse(&g, "stall>10ms, lag.p99>=1.5s,stalls>3,utilisation>80%,verdict=GIL", NULL, NULL),
		0);
	assert_int_equal(g.n, 5);
	assert_int_equal(g.conditions[0].value, 10 * MS);
	assert_false(g.conditions[0].or_equal);
	assert_int_equal(g.conditions[1].metric, GATE_LAG_P99);
	assert_int_equal(g.conditions[1].value, 1500 * MS);
	assert_true(g.conditions[1].or_equal);
	assert_int_equal(g.conditions[2].value, 3);
	assert_int_equal(g.conditions[3].value, 800);
	assert_int_equal(g.conditions[4].value, VERDICT_GIL);
	assert_int_equal(gate_threshold_ns(&g), 10 * MS);
}

static void test_refuses_the_rest(void **state)
{
	static const char *const wrong[] = {
		"",
		"stall",
		"stall>",
		"stall>10",
		"stall<10ms",
		"lag>10ms",
		"lag.p98>1ms",
		"stalls>",
		"stalls>x",
		"verdict=?",
		"verdict>CPU",
		"utilisation>8%x",
		">10ms",
		"stall>10ms;stalls>1",
		"stall>>1ms",
		"verdict=",
		"stall=10ms",
		"stall>10ms,",
		"stall>10ms, ",
		"stall>10ms,,stalls>1",
		"stall>0.00000000000000000000000000000000000000000000000000000001ms",
		"stalls>99999999999999999999",
		"stalls>=2.5",
		"utilisation>1e300"};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct gate g;
		struct diag d = {0};
		if (gate_parse(&g, wrong[i], NULL, &d) == 0)
			fail_msg("'%s' was taken", wrong[i]);
		assert_true(d.text[0]);
	}
}

static size_t judge(struct story *t, struct tally *tally, const char *conditions, const char *ignore,
		    struct bytes *out)
{
	struct gate g;
	(void)t;
	assert_int_equal(gate_parse(&g, conditions, ignore, NULL), 0);
	struct summary *s = summary_new(tally);
	assert_non_null(s);
	bytes_clear(out);
	size_t n = gate_judge(&g, tally, s, out);
	summary_free(s);
	return n;
}

static void test_judges(void **state)
{
	struct story *t = story_new();
	struct tally *tally = story_tally(t, 10 * MS);
	uint32_t loop = story_of_one_stall(t);
	struct bytes out = {0};
	(void)state;

	assert_int_equal(judge(t, tally, "stall>100ms", NULL, &out), 1);
	assert_non_null(strstr(bytes_text(&out), "app[10]"));
	assert_non_null(strstr(bytes_text(&out), "120 ms  CPU  in parse_everything"));
	assert_int_equal(judge(t, tally, "stall>=120ms", NULL, &out), 1);
	assert_int_equal(judge(t, tally, "stall>120ms", NULL, &out), 0);
	assert_int_equal(judge(t, tally, "stall>10ms", "other,parse_*", &out), 0);
	assert_int_equal(judge(t, tally, "verdict=CPU,verdict=GIL", NULL, &out), 1);
	assert_int_equal(judge(t, tally, "stalls>0,stalls>1,lag.max>100ms,lag.max>1s", NULL, &out), 2);
	assert_int_equal(judge(t, tally, "utilisation>1%", NULL, &out), 1);
	assert_int_equal(judge(t, tally, "utilisation>90%", NULL, &out), 0);
	story_loop_class(t, loop, LOOP_SLAVE);
	assert_int_equal(judge(t, tally, "utilisation>1%", NULL, &out), 0);
	bytes_free(&out);
	tally_free(tally);
	story_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_conditions),
		cmocka_unit_test(test_refuses_the_rest),
		cmocka_unit_test(test_judges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
