/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of sockets are listened to late; a kernel that refuses that is told of. (The Makefile puts __wrap_… in the place of the function.) */
#include "cli/live_parts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int answer;
static unsigned asked, losses;

int __wrap_capture_watch_reads(struct capture *c)
{
	(void)c;
	asked++;
	return answer;
}

static int take(struct sink *self, const struct fact *f)
{
	(void)self;
	assert_int_equal(f->kind, FACT_LOSS);
	assert_string_equal(f->loss.reason, "reads");
	assert_int_equal(f->loss.count, 1);
	losses++;
	return 0;
}

static void connect_twice(int with)
{
	struct sink sink = {take};
	struct live_source s = {.options = {.sink = &sink}};

	asked = losses = 0;
	answer = with;
	reads_connected(&s);
	reads_connected(&s);
	assert_int_equal(asked, 1);
}

static void what_is_listened_to_is_no_loss(void **state)
{
	(void)state;
	connect_twice(0);
	assert_int_equal(losses, 0);
}

static void a_refusal_is_told_once(void **state)
{
	(void)state;
	connect_twice(-EPERM);
	assert_int_equal(losses, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_listened_to_is_no_loss),
		cmocka_unit_test(a_refusal_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
