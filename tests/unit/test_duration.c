/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

static void units_are_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"1ns", 1},	      {"250us", 250000},      {"50ms", 50000000},    {"1.5s", 1500000000},
		{"2m", 120000000000}, {"2min", 120000000000}, {"1h", 3600000000000}, {"0ms", 0},
		{".5ms", 500000},     {"1e3us", 1000000},
	};
	uint64_t ns;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(duration_parse(good[i].text, false, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
}

static void bare_numbers_are_seconds_only_if_asked(void **state)
{
	uint64_t ns = 7;
	(void)state;
	assert_int_equal(duration_parse("10", false, &ns), -EINVAL);
	assert_int_equal(ns, 7);
	assert_int_equal(duration_parse("10", true, &ns), 0);
	assert_int_equal(ns, 10000000000);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"",	  "ms",	 "-1ms", "+1ms",  " 1ms", "1 ms",
					  "1msx", "nan", "inf",	 "0x10s", "1d",	  "1ms2"};
	uint64_t ns;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(duration_parse(bad[i], true, &ns), -EINVAL);
	assert_int_equal(duration_parse("1e30s", true, &ns), -ERANGE);
	assert_int_equal(duration_parse("300000000h", true, &ns), -ERANGE);
}

static void text_has_about_three_digits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} shown[] = {
		{0, "0"},
		{49, "0"},
		{900, "0.9 us"},
		{8200, "8.2 us"},
		{120000, "120 us"},
		{999499, "999 us"},
		{999500, "1.0 ms"},
		{8200000, "8.2 ms"},
		{643132000, "643 ms"},
		{1240000000, "1.24 s"},
		{12400000000, "12.4 s"},
		{125000000000, "2 min 5 s"},
		{119600000000, "2 min 0 s"},
		{3599400000000, "59 min 59 s"},
		{3600000000000, "1 h 0 min"},
		{86400000000000, "24 h 0 min"},
		{270000000000000, "3 days 3 h"},
	};
	char text[DURATION_TEXT_BYTES];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		assert_string_equal(duration_text(shown[i].ns, text), shown[i].text);
	assert_string_equal(duration_text(UINT64_MAX, text), "213503 days 23 h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_understood),
		cmocka_unit_test(bare_numbers_are_seconds_only_if_asked),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(text_has_about_three_digits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
