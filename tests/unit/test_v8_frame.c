/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript frames in a file that plays a process' memory, in the layout of each version: named when all fits, never when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/unit/v8_heap.h"

#include <cmocka.h>

static const struct {
	unsigned major, minor;
} versions[] = {{10, 2}, {11, 3}, {12, 4}, {13, 6}};
#define VERSIONS (sizeof versions / sizeof versions[0])

/* Runs a part of a test in a fresh heap of each version. */
static void in_each(void (*part)(struct v8_heap *h))
{
	for (size_t i = 0; i < VERSIONS; i++) {
		struct v8_heap h = {.names.space.memory = memfd_create("memory", 0)};
		heap_fill(&h, v8_offsets_of(versions[i].major, versions[i].minor));
		part(&h);
		v8_names_clear(&h.names);
		close(h.names.space.memory);
	}
}

static void expect(const struct v8_level *level, const char *function, uint32_t line)
{
	assert_string_equal(level->function->function, function);
	assert_string_equal(level->function->file, "/srv/app.js");
	assert_int_equal(level->line, line);
}

static void expect_poll(struct v8_heap *h, struct v8_frame frame, uint32_t line)
{
	struct v8_level levels[V8_LEVELS_MAX];

	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 1);
	expect(&levels[0], "poll", line);
}

static void expect_nothing(struct v8_heap *h, struct v8_frame frame)
{
	struct v8_level levels[V8_LEVELS_MAX];
	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 0);
}

static void interpreted(struct v8_heap *h)
{
	struct v8_frame frame = heap_interpreted(h);

	expect_poll(h, frame, 3);
	frame.offset_unknown = true;
	expect_poll(h, frame, 2);
	frame.context = heap_smi(4); /* a stub's frame has its kind there */
	expect_nothing(h, frame);
}

static void an_interpreted_frame_has_name_and_line(void **state)
{
	(void)state;
	in_each(interpreted);
}

static void baseline(struct v8_heap *h)
{
	struct v8_frame frame = heap_compiled(h, h->baseline_start);

	expect_poll(h, frame, 3);
	frame.pc = h->baseline_start + 3; /* before its frame was set up: what is there is the caller's */
	frame.bytecodes = h->script;
	expect_nothing(h, frame);
	heap_word(h, h->poll, h->names.space.offsets.shared_data, h->baseline);
	expect_poll(h, heap_compiled(h, h->baseline_start), 3);
}

static void a_baseline_frame_has_name_and_line(void **state)
{
	(void)state;
	in_each(baseline);
}

static void optimised(struct v8_heap *h)
{
	struct v8_level levels[V8_LEVELS_MAX];
	struct v8_frame frame = heap_compiled(h, h->optimised_start);

	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 2);
	expect(&levels[0], "spin", 6);
	expect(&levels[1], "poll", 3);
	frame.closure = h->next + 1; /* moved */
	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 2);
	frame.closure = h->other_closure;
	v8_memo_clear(&h->names.memo);
	expect_nothing(h, frame);
}

static void an_optimised_frame_has_the_calls_compiled_into_it(void **state)
{
	(void)state;
	in_each(optimised);
}

static void code_gone(struct v8_heap *h)
{
	struct v8_frame frame = heap_compiled(h, h->optimised_start);

	frame.pc = h->optimised_start + HEAP_CODE_BYTES + 1; /* behind it */
	expect_nothing(h, frame);
	heap_word(h, h->optimised_start - h->names.space.offsets.stream_start + 1, 0, h->script);
	expect_nothing(h, heap_compiled(h, h->optimised_start));
}

static void code_that_is_not_there_is_not_named(void **state)
{
	(void)state;
	in_each(code_gone);
}

static void moved(struct v8_heap *h)
{
	struct v8_frame frame = heap_interpreted(h);

	frame.closure = h->other_closure;
	expect_nothing(h, frame);
	frame.root = HEAP_ROOT;
	expect_poll(h, frame, 3);
	frame.closure = h->next + 1;
	expect_poll(h, frame, 3);
}

static void a_closure_that_has_moved_is_made_up_for_by_the_list(void **state)
{
	(void)state;
	in_each(moved);
}

static void in_its_place(struct v8_heap *h)
{
	struct v8_frame frame = heap_interpreted(h);

	expect_poll(h, frame, 3);
	heap_word(h, h->poll, h->names.space.offsets.shared_data, h->script);
	frame.root = HEAP_ROOT;
	expect_nothing(h, frame);
	heap_word(h, h->poll, h->names.space.offsets.shared_data, h->bytecodes);
	heap_word(h, h->poll, h->names.space.offsets.shared_name, heap_scope(h, "other", 23));
	struct v8_level levels[V8_LEVELS_MAX];
	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 1);
	expect(&levels[0], "other", 3);
}

static void another_object_in_its_place_has_its_own_name(void **state)
{
	(void)state;
	in_each(in_its_place);
}

static void remembered(struct v8_heap *h)
{
	struct v8_frame frame = heap_interpreted(h);
	struct v8_memo *memo = &h->names.memo;

	v8_memo_begin(memo, 1000, 2000);
	expect_poll(h, frame, 3);
	heap_word(h, h->poll, h->names.space.offsets.shared_name, heap_scope(h, "other", 23));
	v8_memo_begin(memo, 1999, 3000); /* taken before the last look: as it was then */
	expect_poll(h, frame, 3);
	frame.offset_unknown =
		true; /* of another place that has to be looked at, and is another function now */
	struct v8_level levels[V8_LEVELS_MAX];
	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 1);
	expect(&levels[0], "other", 2);
	frame = heap_interpreted(h);
	v8_memo_begin(memo, 2001, 4000);
	assert_int_equal(v8_frame_name(&h->names, &frame, levels), 1);
	expect(&levels[0], "other", 3);
}

static void a_stack_from_before_the_last_look_needs_no_other(void **state)
{
	(void)state;
	in_each(remembered);
}

/* --- strings */

static void expect_text(struct v8_heap *h, uint64_t string, const char *text)
{
	struct bytes read = {0};
	assert_true(v8_read_string(&h->names.space, string, false, &read));
	assert_string_equal(bytes_text(&read), text);
	bytes_free(&read);
}

/* A string of this kind, with a length and two words. */
static uint64_t string_of(struct v8_heap *h, uint16_t type, uint32_t length, uint64_t first, uint64_t second)
{
	uint64_t string = heap_object(h, type);

	heap_put(h, string - 1 + V8_STRING_LENGTH, &length, sizeof length);
	heap_word(h, string, V8_STRING_FIRST, first);
	heap_word(h, string, V8_STRING_SECOND, second);
	return string;
}

static void strings(struct v8_heap *h)
{
	const uint16_t units[] = {'g', 0xfc, 0x4e2d, 0xd83d, 0xde00};
	uint64_t wide = string_of(h, 0, 5, 0, 0), flat = heap_string(h, "/srv/app.js"),
		 empty = heap_string(h, "");
	uint64_t two = string_of(h, V8_STRING_CONS, 16, flat, heap_string(h, "?x=12"));
	struct bytes read = {0};

	heap_put(h, wide - 1 + V8_STRING_CHARS, units, sizeof units);
	expect_text(h, wide, "g\xc3\xbc\xe4\xb8\xad\xf0\x9f\x98\x80");
	expect_text(h, string_of(h, V8_STRING_THIN, 11, flat, 0), "/srv/app.js");
	expect_text(h, string_of(h, V8_STRING_SLICED, 3, flat, heap_smi(5)), "app");
	expect_text(h, string_of(h, V8_STRING_CONS, 11, flat, empty), "/srv/app.js");
	expect_text(h, two, "/srv/app.js?x=12");
	expect_text(
		h,
		string_of(h, V8_STRING_EXTERNAL | V8_STRING_ONE_BYTE, 3, 1, flat - 1 + V8_STRING_CHARS + 5),
		"app");
	assert_false(v8_read_string(&h->names.space, string_of(h, V8_STRING_SLICED, 9, flat, heap_smi(5)),
				    false, &read));
	assert_false(v8_read_string(&h->names.space, h->script, false, &read));
	heap_word(h, two, V8_STRING_FIRST, two); /* of itself */
	assert_false(v8_read_string(&h->names.space, two, false, &read));
	bytes_free(&read);
}

static void strings_of_all_kinds_are_read(void **state)
{
	(void)state;
	in_each(strings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interpreted_frame_has_name_and_line),
		cmocka_unit_test(a_baseline_frame_has_name_and_line),
		cmocka_unit_test(an_optimised_frame_has_the_calls_compiled_into_it),
		cmocka_unit_test(code_that_is_not_there_is_not_named),
		cmocka_unit_test(a_closure_that_has_moved_is_made_up_for_by_the_list),
		cmocka_unit_test(another_object_in_its_place_has_its_own_name),
		cmocka_unit_test(a_stack_from_before_the_last_look_needs_no_other),
		cmocka_unit_test(strings_of_all_kinds_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
