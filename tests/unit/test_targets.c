/* SPDX-License-Identifier: Apache-2.0 */
/* When the maps of a process may be read again. */
#include "symbol/targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

static struct targets targets;

static int set_up(void **state)
{
	(void)state;
	return targets_init(&targets);
}

static int tear_down(void **state)
{
	(void)state;
	targets_free(&targets);
	return 0;
}

static void read_at(struct target *target, uint64_t now_ns)
{
	static const char text[] = "400000-401000 r-xp 00000000 08:01 7 /bin/true\n";
	struct {
		struct opened_target seen;
		struct opened_file file;
		char text[sizeof text - 1];
	} all = {.seen = {.n_files = 1, .text_bytes = sizeof all.text, .exe = "/bin/true"}};
	memcpy(all.text, text, sizeof all.text);
	targets_take(&targets, target, &all, offsetof(typeof(all), text) + sizeof all.text, now_ns);
	assert_int_equal(target->maps.n, 1);
}

/* The second read may have been before the last library was mapped, and the third is soon enough for a stall of some ms. */
static void a_process_that_begins_is_read_often(void **state)
{
	(void)state;
	struct target *target = targets_get(&targets, 1);
	uint64_t now = 5000 * MS, pause = 1000 * MS / 64;

	read_at(target, now);
	assert_true(targets_may_reread(target, now));
	for (int i = 0; i < 20; i++) {
		read_at(target, now);
		assert_false(targets_may_reread(target, now + pause - 1));
		assert_true(targets_may_reread(target, now + pause));
		now += pause;
		pause = pause * 2 < 1000 * MS ? pause * 2 : 1000 * MS;
	}
}

static void one_that_is_gone_is_read_once_a_second(void **state)
{
	(void)state;
	struct target *target = targets_get(&targets, 2);

	targets_take(&targets, target, NULL, 0, 5000 * MS);
	assert_false(targets_may_reread(target, 5999 * MS));
	assert_true(targets_may_reread(target, 6000 * MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_that_begins_is_read_often, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_gone_is_read_once_a_second, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
