/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void empty_buffer_is_empty_text(void **state)
{
	struct bytes b = {0};
	(void)state;
	assert_string_equal(bytes_text(&b), "");
	assert_true(bytes_ok(&b));
	bytes_put(&b, NULL, 0);
	assert_string_equal(bytes_text(&b), "");
	assert_int_equal(b.len, 0);
	bytes_free(&b);
}

static void puts_append(void **state)
{
	struct bytes b = {0};
	(void)state;
	bytes_puts(&b, "gap ");
	bytes_printf(&b, "%d ms", 643);
	bytes_putc(&b, ',');
	bytes_fill(&b, '-', 3);
	assert_string_equal(bytes_text(&b), "gap 643 ms,---");
	assert_int_equal(b.len, 14);
	bytes_free(&b);
	assert_null(b.data);
}

static void stays_terminated_while_growing(void **state)
{
	struct bytes b = {0};
	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		bytes_putc(&b, (char)('a' + i % 26));
		assert_int_equal(strlen(bytes_text(&b)), i + 1);
	}
	bytes_printf(&b, "%200s", "x");
	assert_int_equal(b.len, 1200);
	assert_int_equal(b.data[1199], 'x');
	assert_int_equal(b.data[1200], 0);
	bytes_free(&b);
}

static void clear_keeps_memory(void **state)
{
	struct bytes b = {0};
	(void)state;
	bytes_fill(&b, 'x', 500);
	const char *data = b.data;
	bytes_clear(&b);
	assert_string_equal(bytes_text(&b), "");
	bytes_puts(&b, "y");
	assert_ptr_equal(b.data, data);
	bytes_free(&b);
}

static void nul_bytes_are_kept(void **state)
{
	struct bytes b = {0};
	(void)state;
	bytes_put(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	bytes_free(&b);
}

static void code_points_become_utf8(void **state)
{
	struct bytes b = {0};
	(void)state;
	for (const uint32_t *c =
		     (const uint32_t[]){0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff, 0};
	     *c; c++)
		bytes_put_utf8(&b, *c);
	assert_string_equal(bytes_text(&b),
			    "A\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	bytes_clear(&b);
	bytes_put_utf8(&b, 0xd83d); /* what a string cut in a pair has */
	bytes_put_utf8(&b, UINT32_MAX);
	assert_string_equal(bytes_text(&b), "\xed\xa0\xbd\xf7\xbf\xbf\xbf");
	bytes_free(&b);
}

static void failure_is_sticky_until_cleared(void **state)
{
	struct bytes b = {0};
	(void)state;
	bytes_puts(&b, "kept");
	bytes_fill(&b, 'x', SIZE_MAX / 2);
	assert_false(bytes_ok(&b));
	bytes_puts(&b, "more");
	assert_string_equal(bytes_text(&b), "");
	assert_int_equal(b.len, 4);
	bytes_clear(&b);
	bytes_puts(&b, "new");
	assert_string_equal(bytes_text(&b), "new");
	bytes_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_buffer_is_empty_text),
		cmocka_unit_test(puts_append),
		cmocka_unit_test(stays_terminated_while_growing),
		cmocka_unit_test(clear_keeps_memory),
		cmocka_unit_test(nul_bytes_are_kept),
		cmocka_unit_test(code_points_become_utf8),
		cmocka_unit_test(failure_is_sticky_until_cleared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
