/* SPDX-License-Identifier: Apache-2.0 */
/* What the texts of /proc tell: which of a process's cgroups a limit is of, and which Python it runs. */
#include "cli/process_text.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define UNIFIED "0::/system.slice/api.service/worker\n"
#define SEPARATE                                                                                             \
	"11:memory:/jobs/a\n7:name=systemd:/system.slice/api.service\n4:cpuacct,cpu:/jobs/batch/"            \
	"a\n2:cpuset:/\n0::/"

static const struct {
	const char *what, *cgroups;
	unsigned level;
	const char *name, *path;
	unsigned version;
} cases[] = {
	{"its own", UNIFIED, 3, "worker", "/system.slice/api.service/worker", 2},
	{"the one above", UNIFIED, 2, "api.service", "/system.slice/api.service", 2},
	{"the outermost", UNIFIED, 1, "system.slice", "/system.slice", 2},
	{"of the hierarchy that limits CPU time", SEPARATE, 2, "batch", "/jobs/batch", 1},
	{"in that of memory only", SEPARATE, 2, "a", "…/a", 0},
	{"moved since", UNIFIED, 2, "other.service", "…/other.service", 0},
	{"deeper than it is now", UNIFIED, 4, "worker", "…/worker", 0},
	{"half a name", UNIFIED, 2, "api", "…/api", 0},
	{"a process that has gone", "", 2, "api.service", "…/api.service", 0},
	{"cpuset is not cpu", "2:cpuset:/jobs\n", 1, "jobs", "…/jobs", 0},
	{"not a line of cgroups", "rubbish\n:\n::\n", 1, "jobs", "…/jobs", 0},
};

static void limits_have_a_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[PROCESS_CGROUP_BYTES];
		assert_int_equal(process_text_limit(cases[i].cgroups, cases[i].level, cases[i].name, path),
				 cases[i].version);
		if (strcmp(path, cases[i].path) != 0)
			fail_msg("%s: %s, not %s", cases[i].what, path, cases[i].path);
	}
}

#define MAPPED(path) "7f0000000000-7f0000001000 r-xp 00000000 08:01 1234 " path "\n"
#define FREE_SELECT  MAPPED("/opt/lib/python3.13t/lib-dynload/select.cpython-313t-x86_64-linux-gnu.so")
#define OTHER_SELECT MAPPED("/usr/lib/python3.13/lib-dynload/select.cpython-313-x86_64-linux-gnu.so")

static void pythons_have_a_version(void **state)
{
	static const struct {
		const char *maps, *runtime;
	} mapped[] = {
		{MAPPED("/usr/bin/python3.8"), "cpython 3.8"},
		{MAPPED("/usr/bin/python3.13") OTHER_SELECT, "cpython 3.13"},
		{MAPPED("/opt/bin/python3.13t"), "cpython 3.13t"},
		{MAPPED("/opt/lib/libpython3.14t.so.1.0"), "cpython 3.14t"},
		{MAPPED("/opt/bin/python3.13") FREE_SELECT, "cpython 3.13t"},
		{MAPPED("/opt/bin/python3.14") FREE_SELECT, "cpython 3.14"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mapped); i++) {
		char text[PROCESS_RUNTIME_BYTES];
		assert_string_equal(process_text_runtime(mapped[i].maps, text), mapped[i].runtime);
	}
}

static void versions_of_a_program_serve_one_client_too(void **state)
{
	(void)state;
	assert_true(process_text_single_client("postgres"));
	assert_true(process_text_single_client("php-fpm"));
	assert_true(process_text_single_client("php-fpm8.2"));
	assert_false(process_text_single_client("postgres_exporter"));
	assert_false(process_text_single_client("php-fpm-exporter"));
	assert_false(process_text_single_client(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_have_a_path),
		cmocka_unit_test(pythons_have_a_version),
		cmocka_unit_test(versions_of_a_program_serve_one_client_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
