/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of the answers on any kernel and with any rights. */
#include "capture/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct probe full, brief;

static int ask(void **state)
{
	(void)state;
	probe_kernel(&full);
	probe_for_load(&brief);
	return 0;
}

static void rungs_have_words(void **state)
{
	(void)state;
	for (int i = 0; i < RUNGS; i++)
		assert_int_equal(rung_parse(rung_word((enum rung)i)), i);
	assert_int_equal(rung_parse("kprobe"), RUNG_NONE);
	assert_string_equal(rung_word(RUNG_NONE), "none");
	assert_string_equal(rung_word(RUNGS), "none");
}

static void every_answer_is_complete(void **state)
{
	(void)state;
	for (int i = 0; i < ABILITIES; i++) {
		const struct ability *a = &full.abilities[i];
		assert_non_null(a->name);
		assert_true(a->title[0] && a->why[0]);
		assert_true(a->detail[0] != 0);
		if (a->state == ABILITY_YES)
			assert_string_equal(a->fix, "");
		assert_null(strstr(a->fix, "ulimit"));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(a->name, full.abilities[j].name);
	}
}

static void the_rung_is_the_first_that_works(void **state)
{
	(void)state;
	assert_true(full.rung_why[0] != 0);
	for (int i = 0; i < RUNGS; i++) {
		if (full.rung == RUNG_NONE || i < (int)full.rung)
			assert_false(probe_can_rung(&full, (enum rung)i));
		if (i == (int)full.rung)
			assert_true(probe_can_rung(&full, (enum rung)i));
	}
	assert_false(probe_can_rung(&full, RUNG_NONE));
	assert_false(probe_can_rung(&full, RUNGS));
}

/* What start-up asks must be what doctor told. */
static void the_brief_probe_agrees(void **state)
{
	(void)state;
	assert_int_equal(brief.rung, full.rung);
	for (int i = 0; i < ABILITIES; i++)
		if (brief.abilities[i].state != ABILITY_UNKNOWN)
			assert_int_equal(brief.abilities[i].state, full.abilities[i].state);
	assert_true(brief.abilities[ABILITY_BTF].state != ABILITY_UNKNOWN);
	assert_true(brief.abilities[ABILITY_CPU_CLOCK].state == ABILITY_UNKNOWN);
}

static void missing_rights_are_named(void **state)
{
	const struct ability *caps = &full.abilities[ABILITY_CAPABILITIES];
	(void)state;
	if (caps->state == ABILITY_YES)
		return;
	assert_non_null(strstr(caps->detail, "cap_"));
	assert_non_null(strstr(caps->fix, "sudo"));
	assert_int_equal(full.rung, RUNG_NONE);
}

static void nothing_is_left_open(void **state)
{
	(void)state;
	int before = dup(0);
	assert_true(before >= 0);
	close(before);
	probe_kernel(&full);
	int after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rungs_have_words),
		cmocka_unit_test(every_answer_is_complete),
		cmocka_unit_test(the_rung_is_the_first_that_works),
		cmocka_unit_test(the_brief_probe_agrees),
		cmocka_unit_test(missing_rights_are_named),
		cmocka_unit_test(nothing_is_left_open),
	};
	return cmocka_run_group_tests(tests, ask, NULL);
}
