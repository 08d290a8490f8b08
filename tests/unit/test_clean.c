/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_cleaned(const char *text, size_t len, const char *want)
{
	struct bytes out = {0};
	clean_text(&out, text, len);
	assert_string_equal(bytes_text(&out), want);
	bytes_free(&out);
}

#define CLEANED(text, want) assert_cleaned(text, sizeof(text) - 1, want)

static void good_text_stays(void **state)
{
	(void)state;
	CLEANED("", "");
	CLEANED("plain name-1.2", "plain name-1.2");
	CLEANED("\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
		"\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");
}

static void dangerous_text_is_spelled_out(void **state)
{
	(void)state;
	CLEANED("\x1b[2Jevil\r\n", "\\x1b[2Jevil\\x0d\\x0a");
	CLEANED("a\0b", "a\\x00b");
	CLEANED("\x7f", "\\x7f");
	CLEANED("\xc2\x9b"
		"31m",
		"\\u009b31m"); /* C1 control sequence introducer */
	CLEANED("x\xe2\x80\xae"
		"cod.exe",
		"x\\u202ecod.exe"); /* right-to-left override */
	CLEANED("\xe2\x80\xa8\xef\xbb\xbf", "\\u2028\\ufeff");
	CLEANED("\xf3\xa0\x80\x81", "\\ue0001");
}

static void malformed_bytes_are_spelled_out(void **state)
{
	(void)state;
	CLEANED("a\xff"
		"b",
		"a\\xffb");
	CLEANED("\xc3", "\\xc3");			     /* cut */
	CLEANED("\xc0\xaf", "\\xc0\\xaf");		     /* overlong */
	CLEANED("\xed\xa0\x80", "\\xed\\xa0\\x80");	     /* surrogate */
	CLEANED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
	CLEANED("\x80\xbf", "\\x80\\xbf");
}

static void long_text_is_cut_at_a_character(void **state)
{
	(void)state;
	char text[3 * CLEAN_MAX_BYTES];
	struct bytes out = {0};
	memset(text, 'a', sizeof text);
	clean_text(&out, text, CLEAN_MAX_BYTES);
	assert_int_equal(out.len, CLEAN_MAX_BYTES);
	bytes_clear(&out);
	for (size_t i = 0; i + 1 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	bytes_puts(&out, "kept ");
	clean_text(&out, text, sizeof text);
	assert_true(out.len <= 5 + CLEAN_MAX_BYTES && out.len > CLEAN_MAX_BYTES - 3);
	assert_string_equal(out.data + out.len - 5, "\xc3\xa9\xe2\x80\xa6");
	assert_int_equal(strncmp(out.data, "kept \xc3\xa9", 7), 0);
	bytes_free(&out);
}

static void cleaning_twice_changes_nothing(void **state)
{
	(void)state;
	srand(2);
	for (int round = 0; round < 3000; round++) {
		char text[64];
		size_t len = (size_t)rand() % sizeof text;
		for (size_t i = 0; i < len; i++)
			text[i] = (char)(rand() % 2 ? rand() : "\xe2\x80\xae\xc2\x9b\\a"[rand() % 7]);
		struct bytes once = {0}, twice = {0};
		clean_text(&once, text, len);
		clean_text(&twice, bytes_text(&once), once.len);
		assert_string_equal(bytes_text(&once), bytes_text(&twice));
		uint32_t point;
		for (size_t at = 0, n; at < once.len; at += n) {
			n = clean_character(once.data + at, once.len - at, &point);
			assert_true(n && point >= 0x20 && point != 0x7f && !(point >= 0x80 && point < 0xa0));
		}
		bytes_free(&once);
		bytes_free(&twice);
	}
}

static void fits_into_its_place(void **state)
{
	(void)state;
	char place[8];
	memset(place, 'x', sizeof place);
	clean_fit(place, sizeof place, "abc");
	assert_memory_equal(place, "abc\0\0\0\0\0", 8); /* zeros behind: equal facts are equal bytes */
	clean_fit(place, sizeof place, "abcdefg");
	assert_string_equal(place, "abcdefg");
	clean_fit(place, sizeof place, "abcdefgh");
	assert_string_equal(place, "abcd…");
	clean_fit(place, sizeof place, "abc\u00e4defgh"); /* not through the character */
	assert_string_equal(place, "abc…");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_text_stays),
		cmocka_unit_test(dangerous_text_is_spelled_out),
		cmocka_unit_test(malformed_bytes_are_spelled_out),
		cmocka_unit_test(long_text_is_cut_at_a_character),
		cmocka_unit_test(cleaning_twice_changes_nothing),
		cmocka_unit_test(fits_into_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
