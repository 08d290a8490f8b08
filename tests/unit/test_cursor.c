/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cursor over(const char *bytes, size_t len)
{
	return cursor_over(bytes, len);
}

static void fixed_sizes_in_order(void **state)
{
	const unsigned char data[15] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0x80};
	struct cursor c = cursor_over(data, sizeof data);
	(void)state;
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 2);
	assert_int_equal(cursor_u32(&c), 3);
	assert_int_equal(cursor_u64(&c), 0x8000000000000004u);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.failed);
}

static void past_the_end_fails_and_stays_failed(void **state)
{
	struct cursor c = over("\1\2\3", 3);
	(void)state;
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_left(&c), 3);
	assert_int_equal(cursor_u8(&c), 0); /* although there would be one */
	assert_null(cursor_take(&c, 1));
	assert_false(cursor_skip(&c, 0));
	assert_false(cursor_seek(&c, 0));
	assert_null(cursor_text(&c));
}

static void huge_lengths_do_not_wrap(void **state)
{
	struct cursor c = over("abc", 3);
	(void)state;
	cursor_u8(&c);
	assert_null(cursor_take(&c, SIZE_MAX));
	assert_true(c.failed);
	c = over("abc", 3);
	assert_false(cursor_seek(&c, SIZE_MAX));
	c = over("abc", 3);
	assert_true(cursor_seek(&c, 3));
	assert_int_equal(cursor_left(&c), 0);
}

static void nothing_at_all(void **state)
{
	struct cursor c = cursor_over(NULL, 0);
	(void)state;
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.failed);
}

static void unsigned_leb(void **state)
{
	struct cursor c = over("\x00\x7f\x80\x01\xe5\x8e\x26", 7);
	(void)state;
	assert_int_equal(cursor_uleb(&c), 0);
	assert_int_equal(cursor_uleb(&c), 127);
	assert_int_equal(cursor_uleb(&c), 128);
	assert_int_equal(cursor_uleb(&c), 624485);
	assert_false(c.failed);
	c = over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
	assert_int_equal(cursor_uleb(&c), UINT64_MAX);
	assert_false(c.failed);
}

static void signed_leb(void **state)
{
	struct cursor c = over("\x3f\x40\x7f\xc0\xbb\x78\xff\x00", 8);
	(void)state;
	assert_int_equal(cursor_sleb(&c), 63);
	assert_int_equal(cursor_sleb(&c), -64);
	assert_int_equal(cursor_sleb(&c), -1);
	assert_int_equal(cursor_sleb(&c), -123456);
	assert_int_equal(cursor_sleb(&c), 127);
	c = over("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10);
	assert_int_equal(cursor_sleb(&c), INT64_MIN);
	assert_false(c.failed);
}

static void packed_bits(void **state)
{
	struct cursor c = over("\x3f\x41\x01\x7f", 4);
	(void)state;
	assert_int_equal(cursor_packed(&c, 6), 63);
	assert_int_equal(cursor_packed(&c, 6), 65);
	assert_false(c.failed);
	assert_int_equal(cursor_packed(&c, 6), 63); /* more would follow */
	assert_true(c.failed);
	c = over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12); /* 84 bits */
	assert_int_equal(cursor_packed(&c, 7), UINT64_MAX);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.failed);
}

static void bad_leb(void **state)
{
	struct cursor c = over("\x80\x80", 2);
	(void)state;
	assert_int_equal(cursor_uleb(&c), 0);
	assert_true(c.failed);
	c = over("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12); /* 84 bits */
	assert_int_equal(cursor_uleb(&c), 0);
	assert_true(c.failed);
}

static void texts_end_inside(void **state)
{
	struct cursor c = over("ab\0\0cd", 6);
	(void)state;
	assert_string_equal(cursor_text(&c), "ab");
	assert_string_equal(cursor_text(&c), "");
	assert_null(cursor_text(&c));
	assert_true(c.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_sizes_in_order),
		cmocka_unit_test(past_the_end_fails_and_stays_failed),
		cmocka_unit_test(huge_lengths_do_not_wrap),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(unsigned_leb),
		cmocka_unit_test(signed_leb),
		cmocka_unit_test(packed_bits),
		cmocka_unit_test(bad_leb),
		cmocka_unit_test(texts_end_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
