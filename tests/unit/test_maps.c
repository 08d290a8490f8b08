/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/maps.h"
#include "symbol/ownership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct maps parse(const char *text, bool only_exec)
{
	struct maps m = {0};
	assert_int_equal(maps_parse(&m, text, strlen(text), only_exec), 0);
	return m;
}

static void test_fields(void **state)
{
	(void)state;
	struct maps m = parse(
		"00400000-0041f000 r--p 00000000 fe:01 1234                       /usr/bin/a b\n"
		"0041f000-006d2000 r-xp 0001f000 fe:01 1234                       /usr/bin/a b (deleted)\n"
		"7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]\n",
		false);
	assert_int_equal(m.n, 4);
	assert_false(m.rows[0].exec);
	assert_string_equal(maps_path(&m, &m.rows[0]), "/usr/bin/a b");
	assert_true(m.rows[1].exec);
	assert_true(m.rows[1].deleted);
	assert_string_equal(maps_path(&m, &m.rows[1]), "/usr/bin/a b");
	assert_int_equal(m.rows[1].offset, 0x1f000);
	assert_int_equal(m.rows[1].inode, 1234);
	assert_int_equal(m.rows[1].dev_major, 0xfe);
	assert_int_equal(m.rows[1].dev_minor, 1);
	assert_string_equal(maps_path(&m, &m.rows[2]), "");
	assert_true(m.rows[3].end == 0xffffffffff601000u);
	maps_free(&m);
}

static void test_find(void **state)
{
	(void)state;
	struct maps m =
		parse("1000-2000 r-xp 0 0:0 0\n2000-3000 r--p 0 0:0 0\n5000-6000 r-xp 0 0:0 0\n", true);
	assert_int_equal(m.n, 2);
	assert_null(maps_find(&m, 0xfff));
	assert_ptr_equal(maps_find(&m, 0x1000), &m.rows[0]);
	assert_ptr_equal(maps_find(&m, 0x1fff), &m.rows[0]);
	assert_null(maps_find(&m, 0x2000));
	assert_ptr_equal(maps_find(&m, 0x5800), &m.rows[1]);
	assert_null(maps_find(&m, UINT64_MAX));
	maps_free(&m);
}

static void test_bad_lines_are_left_out(void **state)
{
	(void)state;
	struct maps m = parse("\n-\nzz\n1000-1000 r-xp 0 0:0 0\n3000-4000 r-xp 0 0:0 0\n"
			      "2000-2800 r-xp 0 0:0 0\n" /* out of order */
			      "111111111111111111111111-2 r-xp 0 0:0 0\n5000-6000 r-x",
			      false);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.rows[0].start, 0x3000);
	maps_free(&m);
}

static void test_reparse_replaces(void **state)
{
	(void)state;
	struct maps m = parse("1000-2000 r-xp 0 0:0 7 /a\n", true);
	assert_int_equal(maps_parse(&m, "", 0, true), 0);
	assert_int_equal(m.n, 0);
	assert_null(maps_find(&m, 0x1000));
	maps_free(&m);
}

static void test_whose_code(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool is_main, application;
	} cases[] = {
		{"/usr/bin/redis-server", true, true},
		{"/usr/lib/postgresql/15/bin/postgres", true, true},
		{"/usr/bin/python3.11", true, false},
		{"/opt/node/bin/node", true, false},
		{"/usr/bin/pythonic", true, true},
		{"/usr/lib/x86_64-linux-gnu/libc.so.6", false, false},
		{"/opt/app/lib/libssl.so.3", false, false},
		{"/opt/app/lib/libfast.so", false, true},
		{"/usr/lib/nginx/modules/x.so", false, false},
		{"[vdso]", false, false},
		{"", false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(ownership_is_application(cases[i].path, cases[i].is_main),
				 cases[i].application);
	assert_true(ownership_runs_js("/usr/bin/node"));
	assert_false(ownership_runs_js("/usr/bin/java"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bad_lines_are_left_out),
		cmocka_unit_test(test_reparse_replaces),
		cmocka_unit_test(test_whose_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
