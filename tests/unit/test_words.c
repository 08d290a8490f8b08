/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fact_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *(*word)(unsigned value);
	int (*parse)(const char *word);
	unsigned count;
} tables[] = {
	{fact_kind_word, fact_kind_parse, FACT_KINDS},
	{stall_state_word, stall_state_parse, STALL_STATES},
	{verdict_word, verdict_parse, VERDICTS},
	{loop_class_word, loop_class_parse, LOOP_CLASSES},
	{harm_word, harm_parse, HARMS},
	{stack_state_word, stack_state_parse, STACK_STATES},
	{frame_method_word, frame_method_parse, FRAME_METHODS},
	{frame_kind_word, frame_kind_parse, FRAME_KINDS},
	{target_kind_word, target_kind_parse, TARGET_KINDS},
	{stop_word, stop_parse, STOPS},
};

static void every_value_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
		for (unsigned value = 0; value < tables[t].count; value++)
			assert_int_equal(tables[t].parse(tables[t].word(value)), value);
		assert_int_equal(tables[t].parse(""), -1);
		assert_int_equal(tables[t].parse("nonsense"), -1);
		assert_string_equal(tables[t].word(tables[t].count), "?");
	}
}

static void the_words_are_the_designs(void **state)
{
	(void)state;
	assert_string_equal(verdict_word(VERDICT_THROTTLED), "THROTTLED");
	assert_string_equal(verdict_word(VERDICT_STOPPED), "STOPPED");
	assert_string_equal(loop_class_word(LOOP_SINGLE_CLIENT), "single-client");
	assert_string_equal(harm_word(HARM_OWN), "own");
	assert_string_equal(frame_kind_word(FRAME_JS), "js");
	assert_string_equal(stall_state_word(STALL_STUCK), "stuck");
	assert_string_equal(target_kind_word(TARGET_SOCKET), "socket");
	assert_string_equal(fact_kind_word(FACT_END), "end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_word_of_its_own),
		cmocka_unit_test(the_words_are_the_designs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
