/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks drawn as text, innermost first: c other code, i interpreter, E evaluator, S switcher of C stacks; digits Python, a dot behind one that enters. */
#include "symbol/python_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX 32

static size_t read_native(const char *text, enum native_part *parts)
{
	size_t n = 0;
	for (; text[n]; n++)
		parts[n] = text[n] == 'E'   ? NATIVE_EVALUATOR
			   : text[n] == 'i' ? NATIVE_INTERPRETER
			   : text[n] == 'S' ? NATIVE_SWITCHER
					    : NATIVE_OTHER;
	return n;
}

static size_t read_python(const char *text, bool *enters)
{
	size_t n = 0;
	for (; *text; text++) {
		if (*text == '.')
			enters[n - 1] = true;
		else
			enters[n++] = false;
	}
	return n;
}

/* The merged stack: letters of native frames, digits of Python frames. */
static const char *merged(const char *native, const char *python, bool complete)
{
	static char text[MAX + 1];
	enum native_part parts[MAX];
	bool enters[MAX];
	struct merge_item items[MAX];
	size_t n = python_merge(parts, read_native(native, parts), complete, enters,
				read_python(python, enters), items, MAX);

	for (size_t i = 0; i < n; i++)
		text[i] = items[i].is_python ? (char)('0' + items[i].index) : native[items[i].index];
	text[n] = 0;
	return text;
}

static void frames_replace_the_interpreter(void **state)
{
	(void)state;
	assert_string_equal(merged("EiiE", "0.1.", true), "01");
	assert_string_equal(merged("iEi", "012.", true), "012");
}

static void called_code_stays_below_its_line(void **state)
{
	(void)state;
	assert_string_equal(merged("ciEiccE", "01.2.", true), "c01cc2");
	assert_string_equal(merged("cc", "", true), "cc");
}

static void an_evaluator_without_a_frame_yet(void **state)
{
	(void)state;
	assert_string_equal(merged("EcE", "0.", true), "c0");
	assert_string_equal(merged("EcEcE", "0.1.", true), "c0c1");
}

static void an_evaluator_that_went_unrecognised(void **state)
{
	(void)state;
	assert_string_equal(merged("ccEcE", "0.1.2.", true), "cc01c2");
}

static void beyond_a_switch_of_stacks_is_another_one(void **state)
{
	(void)state;
	assert_string_equal(merged("cEcEcSccEcE", "0.1.", true), "c0c1cS");
	assert_string_equal(merged("cSE", "0.", true), "cS0");
}

static void a_cut_native_stack_loses_no_python_frame(void **state)
{
	(void)state;
	assert_string_equal(merged("cE", "0.12.3.", false), "c0123");
	assert_string_equal(merged("", "0.1.", false), "01");
	assert_string_equal(merged("c", "0.1", true), "c01");
}

static void no_more_than_there_is_room(void **state)
{
	const enum native_part parts[] = {NATIVE_OTHER, NATIVE_EVALUATOR};
	const bool enters[] = {false, false, true};
	struct merge_item items[2];

	(void)state;
	assert_int_equal(python_merge(parts, 2, true, enters, 3, items, 2), 2);
	assert_true(items[1].is_python);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_replace_the_interpreter),
		cmocka_unit_test(called_code_stays_below_its_line),
		cmocka_unit_test(an_evaluator_without_a_frame_yet),
		cmocka_unit_test(an_evaluator_that_went_unrecognised),
		cmocka_unit_test(beyond_a_switch_of_stacks_is_another_one),
		cmocka_unit_test(a_cut_native_stack_loses_no_python_frame),
		cmocka_unit_test(no_more_than_there_is_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
