/* SPDX-License-Identifier: Apache-2.0 */
/* Perf maps: names of V8, the JVM and .NET taken apart; tables in which later lines win; a file that grows. */
#include "base/array.h"
#include "symbol/jit_map.h"
#include "symbol/jit_name.h"
#include "symbol/worker_jit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void names(void **state)
{
	static const struct {
		const char *text;
		enum jit_kind kind;
		const char *function, *file;
		unsigned line;
	} cases[] = {
		{"JS:*poll /srv/app/server.js:41:12", JIT_JS, "poll", "/srv/app/server.js", 41},
		{"JS:~poll node:fs:441:3", JIT_JS, "poll", "node:fs", 441},
		{"JS:*'spin /srv/app.js:9:14", JIT_JS, "spin", "/srv/app.js", 9},
		{"JS:+'spin /srv/app.js:9:14", JIT_JS, "spin", "/srv/app.js", 9},
		{"JS:^get size /srv/a b/x.js:2:63", JIT_JS, "get size", "/srv/a b/x.js", 2},
		{"JS:~ file:///srv/esm.mjs:4:19", JIT_JS, "(anonymous)", "/srv/esm.mjs", 4},
		{"JS:~poll file:///srv/my%20app/m%C3%BCll.mjs?v=2:4:19", JIT_JS, "poll",
		 "/srv/my app/m\xc3\xbcll.mjs", 4},
		{"JS:~poll file://?v=2:4:19", JIT_JS, "poll", "", 0},
		{"JS:~poll file:///srv/100%/a%2.mjs#b:4:19", JIT_JS, "poll", "/srv/100%/a%2.mjs", 4},
		{"JS:~poll /srv/my%20app.js:4:19", JIT_JS, "poll", "/srv/my%20app.js", 4},
		{"JS:*get [Symbol.toStringTag] /srv/my app/x.js:2:63", JIT_JS, "get [Symbol.toStringTag]",
		 "/srv/my app/x.js", 2},
		{"JS:~job [worker eval]:3:1", JIT_JS, "job", "[worker eval]", 3},
		{"LazyCompile:*poll /srv/app/server.js:41:12", JIT_JS, "poll", "/srv/app/server.js", 41},
		{"LazyCompile:~#priv /srv/dir with space:1:2/app file.js:3", JIT_JS, "#priv",
		 "/srv/dir with space:1:2/app file.js", 3},
		{"Function:~ /srv/app.js:1", JIT_JS, "(anonymous)", "/srv/app.js", 1},
		{"Script:~ [eval]:1:1", JIT_JS, "(anonymous)", "[eval]", 1},
		{"Eval:~ :1:1", JIT_JS, "(anonymous)", "", 0},
		{"JS:~poll app.js:7:1", JIT_JS, "poll", "app.js", 7},
		{"JS:", JIT_JS, "(anonymous)", "", 0},
		{"JS:*", JIT_JS, "(anonymous)", "", 0},
		{"Builtin:ArrayMap", JIT_CODE, "Builtins_ArrayMap", "", 0},
		{"BytecodeHandler:Add.Wide", JIT_CODE, "Builtins_Add.WideHandler", "", 0},
		{"RegExp:(a+)+b", JIT_CODE, "RegExp:(a+)+b", "", 0},
		{"Stub:CEntry", JIT_CODE, "Stub:CEntry", "", 0},
		{"long Loop.spin(long)", JIT_METHOD, "Loop.spin", "", 0},
		{"java.lang.String app.Outer$Inner.<init>(int, java.lang.String[])", JIT_METHOD,
		 "app.Outer$Inner.<init>", "", 0},
		{"void app.Svc$$Lambda$1/0x00007f81ac000c08.handle(int)", JIT_METHOD,
		 "app.Svc$$Lambda$1.handle", "", 0},
		{"void app.Svc$$Lambda$7/1989780873.handle(int)", JIT_METHOD, "app.Svc$$Lambda$7.handle", "",
		 0},
		{"void app.Svc/beef", JIT_CODE, "void app.Svc/beef", "", 0},
		{"void app.Svc/odd.name()", JIT_METHOD, "app.Svc/odd.name", "", 0},
		{"Lcom/acme/Loop;::spin", JIT_METHOD, "com.acme.Loop.spin", "", 0},
		{"void [app] App.Loop::Spin(int64)[OptimizedTier1]", JIT_METHOD, "App.Loop::Spin", "", 0},
		{"I2C/C2I adapters", JIT_CODE, "I2C/C2I adapters", "", 0},
		{"StubRoutines (1)", JIT_CODE, "StubRoutines (1)", "", 0},
		{"monitorenter Runtime1 stub", JIT_CODE, "monitorenter Runtime1 stub", "", 0},
		{"$lists:map/2", JIT_CODE, "$lists:map/2", "", 0},
	};
	struct jit_name name;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		jit_name_parse(cases[i].text, strlen(cases[i].text), &name);
		if (name.kind != cases[i].kind)
			fail_msg("%s: kind %d", cases[i].text, name.kind);
		assert_string_equal(name.function, cases[i].function);
		assert_string_equal(name.file, cases[i].file);
		assert_int_equal(name.line, cases[i].line);
	}
}

static void a_long_name_is_cut(void **state)
{
	char text[4096];
	struct jit_name name;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "JS:*", 4);
	jit_name_parse(text, sizeof text, &name);
	assert_int_equal(strlen(name.function) + strlen(name.file), JIT_NAME_BYTES - 1);
}

static void add(struct jit_map *m, const char *text)
{
	assert_int_equal(jit_map_add(m, text, strlen(text)), strlen(text));
	jit_map_settle(m);
}

static void assert_name(const struct jit_map *m, uint64_t address, const char *expected)
{
	size_t len;
	const char *name = jit_map_find(m, address, &len);

	if (!expected) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(name, expected, len);
}

static void an_address_has_the_name_around_it(void **state)
{
	struct jit_map m = {0};

	(void)state;
	add(&m, "2000 10 b\n0x1000 0x10 a a\n3000 10 c\n");
	assert_name(&m, 0xfff, NULL);
	assert_name(&m, 0x1000, "a a");
	assert_name(&m, 0x100f, "a a");
	assert_name(&m, 0x1010, NULL);
	assert_name(&m, 0x2008, "b");
	assert_name(&m, 0x300f, "c");
	jit_map_clear(&m);
	assert_name(&m, 0x1000, NULL);
}

static void later_lines_replace_what_they_overlap(void **state)
{
	struct jit_map m = {0};

	(void)state;
	add(&m, "1000 100 old\n1100 100 next\n");
	add(&m, "1080 100 new\n"); /* into both */
	assert_name(&m, 0x1000, NULL);
	assert_name(&m, 0x1080, "new");
	assert_name(&m, 0x1180, NULL);
	add(&m, "1000 200 whole\n");
	assert_name(&m, 0x1080, "whole");
	add(&m, "1000 200 one\n1000 200 two\n1010 4 three\n");
	assert_name(&m, 0x1012, "three");
	assert_name(&m, 0x1100, NULL);
	assert_int_equal(m.n, 1);
	jit_map_clear(&m);
}

static void lines_that_do_not_parse_are_left_out(void **state)
{
	struct jit_map m = {0};

	(void)state;
	add(&m, "\n\nhello\n1000 zz a\n1000 0 empty\n1000 10 \n1000 10\n-5 10 a\nffffffffffffffff 10 end\n"
		"1000 fffffffff huge\n12345678123456781 10 a\n 1000 10 a\n");
	assert_int_equal(m.n, 0);
	assert_int_equal(jit_map_add(&m, "1000 10 torn", 12), 0);
	jit_map_settle(&m);
	assert_int_equal(m.n, 0);
	jit_map_clear(&m);
}

static void a_map_that_is_too_large_is_empty(void **state)
{
	struct jit_map m = {0};
	char line[64];

	(void)state;
	for (unsigned i = 0; i <= JIT_MAP_MAX_NAMES; i++) {
		int n = snprintf(line, sizeof line, "%x 10 f%u\n", 0x1000 + i * 16, i);
		jit_map_add(&m, line, (size_t)n);
	}
	assert_true(m.full);
	jit_map_settle(&m);
	assert_name(&m, 0x1000, NULL);
	add(&m, "1000 10 more\n");
	assert_name(&m, 0x1000, NULL);
	jit_map_clear(&m);
	assert_false(m.full);
}

/* --- a file --- */

static int file_of_map(char path[32])
{
	strcpy(path, "/tmp/jit-map-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void what_a_file_gains_is_read(void **state)
{
	struct worker_jit j = {0};
	char path[32];
	int out = file_of_map(path);

	(void)state;
	assert_true(worker_jit_asks(&j));
	assert_false(worker_jit_asks(&j)); /* not again at once */
	worker_jit_take(&j, open(path, O_RDONLY));
	put(out, "1000 10 first\n1010 10 tor");
	assert_false(worker_jit_read(&j));
	assert_name(&j.map, 0x1000, "first");
	assert_name(&j.map, 0x1010, NULL);
	put(out, "n\n1000 10 second\n");
	worker_jit_read(&j);
	assert_name(&j.map, 0x1010, "torn");
	assert_name(&j.map, 0x1000, "second");
	close(out);
	unlink(path);
	worker_jit_read(&j); /* gone: its names are nobody's */
	assert_name(&j.map, 0x1000, NULL);
	assert_int_equal(j.fd_plus_1, 0);
	worker_jit_free(&j);
}

static void a_file_written_anew_is_read_anew(void **state)
{
	struct worker_jit j = {0};
	char path[32];
	int out = file_of_map(path);

	(void)state;
	worker_jit_take(&j, open(path, O_RDONLY));
	put(out, "1000 10 first\n2000 10 second\n");
	worker_jit_read(&j);
	assert_int_equal(ftruncate(out, 0), 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	put(out, "3000 10 third\n");
	worker_jit_read(&j);
	assert_name(&j.map, 0x1000, NULL);
	assert_name(&j.map, 0x3000, "third");
	assert_int_equal(ftruncate(out, 0), 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	put(out, "4000 10 other\n5000 10 and longer than before\n");
	worker_jit_read(&j);
	assert_name(&j.map, 0x3000, NULL);
	assert_name(&j.map, 0x4000, "other");
	close(out);
	unlink(path);
	worker_jit_free(&j);
}

static void a_line_without_an_end_is_passed_over(void **state)
{
	static char junk[200000];
	struct worker_jit j = {0};
	char path[32];
	int out = file_of_map(path);

	(void)state;
	memset(junk, 'x', sizeof junk - 1);
	put(out, junk);
	put(out, "\n1000 10 behind it\n");
	worker_jit_take(&j, open(path, O_RDONLY));
	worker_jit_read(&j);
	assert_name(&j.map, 0x1000, "behind it");
	close(out);
	unlink(path);
	worker_jit_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(an_address_has_the_name_around_it),
		cmocka_unit_test(later_lines_replace_what_they_overlap),
		cmocka_unit_test(lines_that_do_not_parse_are_left_out),
		cmocka_unit_test(a_map_that_is_too_large_is_empty),
		cmocka_unit_test(what_a_file_gains_is_read),
		cmocka_unit_test(a_file_written_anew_is_read_anew),
		cmocka_unit_test(a_line_without_an_end_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
