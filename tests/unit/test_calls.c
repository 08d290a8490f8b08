/* SPDX-License-Identifier: Apache-2.0 */
/* System calls by number and name, how they name what they wait for, and that every loss has words. */
#include "capture/calls.h"

#include "capture/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>

static void numbers_are_this_machines(void **state)
{
	(void)state;
	assert_int_equal(call_number("read"), SYS_read);
	assert_int_equal(call_number("epoll_pwait"), SYS_epoll_pwait);
	assert_int_equal(call_number("epoll_pwait2"), 441);
	assert_int_equal(call_number("clock_nanosleep"), SYS_clock_nanosleep);
#if defined(__x86_64__)
	assert_int_equal(call_number("epoll_wait"), 232);
#else
	assert_int_equal(call_number("epoll_wait"), ~0u);
#endif
	assert_int_equal(call_number("no_such_call"), ~0u);
	assert_int_equal(call_number(""), ~0u);
}

static void every_number_has_its_name(void **state)
{
	(void)state;
	unsigned named = 0;
	for (uint32_t nr = 0; nr < LST_CALLS; nr++) {
		const char *name = call_name(nr);
		if (name)
			assert_int_equal(call_number(name), nr);
		named += name != NULL;
	}
	assert_true(named > 250);
	assert_string_equal(call_name(LST_CALL_FAULT), "page fault");
	assert_string_equal(call_name(LST_CALL_REST), "other calls");
	assert_null(call_name(LST_CALLS - 1));
	assert_null(call_name(~0u));
}

static void shapes_are_those_of_the_arguments(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint8_t shape;
	} wanted[] = {
		{"recvfrom", LST_SHAPE_FD},	  {"ppoll", LST_SHAPE_PPOLL},
		{"pselect6", LST_SHAPE_PSELECT},  {"futex", LST_SHAPE_FUTEX},
		{"nanosleep", LST_SHAPE_SLEEP},	  {"clock_nanosleep", LST_SHAPE_SLEEP2},
		{"wait4", LST_SHAPE_WAITPID},	  {"waitid", LST_SHAPE_WAITID},
		{"openat", LST_SHAPE_PATHAT},	  {"clone", LST_SHAPE_FORK},
		{"epoll_pwait", LST_SHAPE_EPOLL}, {"getpid", LST_SHAPE_NONE},
		{"execve", LST_SHAPE_PATH},
	};
	uint8_t shapes[LST_CALLS];
	memset(shapes, 0xff, sizeof shapes);
	calls_fill_shapes(shapes);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_int_equal(shapes[call_number(wanted[i].name)], wanted[i].shape);
	for (uint32_t nr = 0; nr < LST_CALLS; nr++) {
		assert_true(shapes[nr] <= LST_SHAPE_EPOLL);
		if (!call_name(nr))
			assert_int_equal(shapes[nr], LST_SHAPE_NONE);
	}
}

static void every_loss_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < LST_LOSS_KINDS; i++) {
		assert_true(strlen(loss_text((enum lst_loss)i)) > 0);
		assert_true(strlen(loss_meaning((enum lst_loss)i)) > 10);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(loss_text((enum lst_loss)i), loss_text((enum lst_loss)j));
	}
	assert_string_equal(loss_text(LST_LOSS_RING_FULL), "ring_full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_this_machines),
		cmocka_unit_test(every_number_has_its_name),
		cmocka_unit_test(shapes_are_those_of_the_arguments),
		cmocka_unit_test(every_loss_has_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
