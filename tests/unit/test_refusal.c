/* SPDX-License-Identifier: Apache-2.0 */
/* What is told when the kernel would not attach a program. */
#include "capture/internal.h"

#include "loopstall.skel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void kinds_are_told_once(void **state)
{
	struct capture c = {0};
	size_t at = 0;

	(void)state;
	assert_null(capture_refused(&c, &at));
	assert_true(refusal_note(&c, "lst_reclaim_x"));
	assert_true(refusal_note(&c, "lst_fx_pwait2"));
	assert_true(refusal_note(&c, "lst_fe_pwait2"));
	at = 0;
	assert_string_equal(capture_refused(&c, &at)->reason, "reclaims");
	assert_string_equal(capture_refused(&c, &at)->reason, "pwait2");
	assert_null(capture_refused(&c, &at));
}

static void what_is_needed_is_no_kind(void **state)
{
	struct capture c = {0};
	size_t at = 0;

	(void)state;
	assert_false(refusal_note(&c, "lst_exit"));
	assert_false(refusal_note(&c, "lst_fe_pwait"));
	assert_null(capture_refused(&c, &at));
}

/* A program that is called otherwise one day must not become one that is needed. */
static void the_programs_are_there(void **state)
{
	static const char *const names[] = {"lst_reclaim",    "lst_reclaim_x", "lst_signal",
					    "lst_connection", "lst_btf_read",  "lst_raw_read",
					    "lst_fe_pwait2",  "lst_fx_pwait2"};
	struct loopstall_bpf *bpf = loopstall_bpf__open();

	(void)state;
	assert_non_null(bpf);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_non_null(bpf_object__find_program_by_name(bpf->obj, names[i]));
		assert_non_null(capture_refusal_of(names[i]));
	}
	loopstall_bpf__destroy(bpf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told_once),
		cmocka_unit_test(what_is_needed_is_no_kind),
		cmocka_unit_test(the_programs_are_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
