/* SPDX-License-Identifier: Apache-2.0 */
/* The table against the first words of a runtime, as 3.13.0 has them. */
#include "symbol/python_offsets.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORDS 128

static const uint64_t words_313[] = {
	0,    0x030d00f0, 0,	283320, 608, 632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16,
	7752, 0,	  7768, 7760,	304, 0,	  8,	  16,	72,   152,  160,  232,	32,   80,   8,
	0,    56,	  72,	70,	208, 112, 120,	  128,	136,  68,   52,	  96,	104,  200,  16,
	8,    416,	  24,	88,	168, 32,  24,	  16,	40,   24,   16,	  48,	32,   40,   24,
	16,   32,	  16,	24,	40,  16,  32,	  64,	32,   16,   40,	  240,	200,
};

static void runtime_313(uint64_t *words)
{
	memset(words, 0, WORDS * sizeof *words);
	memcpy(words, words_313, sizeof words_313);
	memcpy(words, "xdebugpy", 8);
}

static enum python_check check(const uint64_t *words, struct python_offsets *o, const char **differs)
{
	*o = *python_offsets_of(13);
	return python_offsets_check(o, words, WORDS * sizeof *words, differs);
}

static void a_version_without_a_row_is_refused(void **state)
{
	(void)state;
	assert_null(python_offsets_of(7));
	assert_null(python_offsets_of(16));
	for (unsigned minor = 8; minor <= 15; minor++)
		assert_int_equal(python_offsets_of(minor)->minor, minor);
}

static void the_row_is_what_the_runtime_says(void **state)
{
	uint64_t words[WORDS];
	struct python_offsets o;
	const char *differs;

	(void)state;
	runtime_313(words);
	assert_int_equal(check(words, &o, &differs), PYTHON_CHECKED);
}

static void another_layout_is_refused_and_named(void **state)
{
	uint64_t words[WORDS];
	struct python_offsets o;
	const char *differs;

	(void)state;
	runtime_313(words);
	words[33] = 74;
	assert_int_equal(check(words, &o, &differs), PYTHON_DIFFERS);
	assert_string_equal(differs, "frame_owner");
	runtime_313(words);
	words[1] = 0x030e00f0;
	assert_int_equal(check(words, &o, &differs), PYTHON_OTHER_VERSION);
	memset(words, 0, 8);
	assert_int_equal(check(words, &o, &differs), PYTHON_NO_COOKIE);
}

static void without_a_gil_the_runtime_tells(void **state)
{
	uint64_t words[WORDS];
	struct python_offsets o;
	const char *differs;

	(void)state;
	runtime_313(words);
	words[2] = 1;
	words[9] = 9000;
	words[27] = 32; /* status of a thread, before its state */
	words[65] = 32; /* a header of 32 bytes */
	assert_int_equal(check(words, &o, &differs), PYTHON_CHECKED);
	assert_true(o.free_threaded);
	assert_int_equal(o.interp_threads, 9000);
	assert_int_equal(o.task_coro, python_offsets_of(13)->task_coro + 16);
	assert_int_equal(o.compact_data, python_offsets_of(13)->compact_data + 16);
	assert_int_equal(o.code_number, python_offsets_of(13)->code_number + 16);
	assert_int_equal(o.task_awaited, PYTHON_NO_MEMBER);
	assert_int_equal(o.thread_state, 40);
	assert_int_equal(o.interp_gil, 16); /* an extension may switch it on */
	assert_int_equal(o.frame_copy, 0);
	assert_int_equal(o.type_keys, PYTHON_NO_MEMBER);
	assert_int_equal(o.thread_tasks, PYTHON_NO_MEMBER);
}

/* The section .AsyncioDebug of 3.14.10. */
static const uint64_t asyncio_314[] = {168, 136, 96, 108, 109, 128, 152, 225864, 10880, 936, 864, 872, 880};

static uint16_t awaited_after(const uint64_t *section, size_t bytes)
{
	struct python_offsets o = *python_offsets_of(14);
	python_offsets_check_asyncio(&o, section, bytes);
	assert_int_equal(o.task_coro, 128);
	return o.task_awaited;
}

static void who_awaits_a_task_is_only_read_as_asyncio_says(void **state)
{
	uint64_t words[ARRAY_LEN(asyncio_314)];

	(void)state;
	assert_int_equal(awaited_after(asyncio_314, sizeof asyncio_314), 96);
	assert_int_equal(awaited_after(NULL, 0), PYTHON_NO_MEMBER);
	assert_int_equal(awaited_after(asyncio_314, sizeof asyncio_314 - 1), PYTHON_NO_MEMBER);
	for (size_t i = 1; i < ARRAY_LEN(asyncio_314); i++) {
		const bool read[ARRAY_LEN(asyncio_314)] = {
			[1] = true, [2] = true, [3] = true, [4] = true, [5] = true, [11] = true};
		memcpy(words, asyncio_314, sizeof words);
		words[i] += 8;
		assert_int_equal(awaited_after(words, sizeof words), read[i] ? PYTHON_NO_MEMBER : 96);
	}
}

static void tasks_before_3_14_do_not_know_who_awaits_them(void **state)
{
	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		struct python_offsets o = *python_offsets_of(minor);
		python_offsets_check_asyncio(&o, asyncio_314, sizeof asyncio_314);
		assert_int_equal(o.task_awaited, PYTHON_NO_MEMBER);
	}
}

/* Threads run copies of their own from 3.14 on, and only asyncio knows where a thread of such a build keeps its task. */
static void without_a_gil_3_14_has_copies_of_code(void **state)
{
	uint64_t words[WORDS] = {0}, section[ARRAY_LEN(asyncio_314)];
	struct python_offsets o = *python_offsets_of(14);
	const char *differs;

	(void)state;
	memcpy(words, "xdebugpy", 8);
	words[1] = 0x030e0af0;
	words[2] = 1;
	words[38] = 72;
	words[49] = 240;
	words[63] = 40, words[64] = 56, words[65] = 48; /* of a set */
	words[75] = 32;
	assert_int_equal(python_offsets_check(&o, words, sizeof words, &differs), PYTHON_CHECKED);
	assert_int_equal(o.frame_copy, 72);
	assert_int_equal(o.code_copies, 240);
	assert_int_equal(o.ascii_shift, 12);
	memcpy(section, asyncio_314, sizeof section);
	for (size_t i = 1; i <= 5; i++)
		section[i] += 16;
	section[11] = 1000;
	python_offsets_check_asyncio(&o, section, sizeof section);
	assert_int_equal(o.thread_task, 1000);
	assert_int_equal(o.task_awaited, 112);
	python_offsets_check_asyncio(&o, NULL, 0);
	assert_int_equal(o.thread_task, PYTHON_NO_MEMBER);
}

static void tasks_are_only_counted_as_asyncio_says(void **state)
{
	const bool read[ARRAY_LEN(asyncio_314)] = {
		[2] = true, [3] = true, [6] = true, [8] = true, [12] = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asyncio_314); i++) {
		struct python_offsets o = *python_offsets_of(14);
		uint64_t words[ARRAY_LEN(asyncio_314)];
		memcpy(words, asyncio_314, sizeof words);
		words[i] += 8 * (i > 0); /* first as they are */
		python_offsets_check_asyncio(&o, words, sizeof words);
		assert_int_equal(o.thread_tasks, read[i] ? PYTHON_NO_MEMBER : 880);
	}
	for (unsigned minor = 13; minor <= 15; minor++) { /* without the section, or of another version */
		struct python_offsets o = *python_offsets_of(minor);
		python_offsets_check_asyncio(&o, minor == 14 ? NULL : asyncio_314, sizeof asyncio_314);
		assert_int_equal(o.thread_tasks, PYTHON_NO_MEMBER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_without_a_row_is_refused),
		cmocka_unit_test(the_row_is_what_the_runtime_says),
		cmocka_unit_test(another_layout_is_refused_and_named),
		cmocka_unit_test(without_a_gil_the_runtime_tells),
		cmocka_unit_test(without_a_gil_3_14_has_copies_of_code),
		cmocka_unit_test(who_awaits_a_task_is_only_read_as_asyncio_says),
		cmocka_unit_test(tasks_are_only_counted_as_asyncio_says),
		cmocka_unit_test(tasks_before_3_14_do_not_know_who_awaits_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
