/* SPDX-License-Identifier: Apache-2.0 */
/* Code objects in a file that plays a process' memory: named when they are whole, never when they are not what the frame saw. */
#include "symbol/python_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	CODE_TYPE = 0x100,
	STRING_TYPE = 0x200,
	BYTES_TYPE = 0x300,
	DICT_TYPE = 0x400,
	CODE = 0x1000,
	NAME = 0x2000,
	FILE_NAME = 0x3000,
	LINES = 0x4000,
	WIDE = 0x5000,
	MEMORY_BYTES = 0x8000,
	MARK = PYTHON_MARK_BOTH(LINES, FILE_NAME),
};

struct fixture {
	struct python_space space;
	struct python_codes codes;
	uint32_t next_id;
};

static void poke(const struct fixture *f, uint64_t at, const void *data, size_t bytes)
{
	assert_int_equal(pwrite(f->space.memory, data, bytes, (off_t)at), bytes);
}

static void poke_word(const struct fixture *f, uint64_t at, uint64_t word)
{
	poke(f, at, &word, sizeof word);
}

static void put_string(const struct fixture *f, uint64_t at, const char *text)
{
	poke_word(f, at + 8, STRING_TYPE);
	poke_word(f, at + 16, strlen(text));
	poke_word(f, at + 32, 1u << 2 | 1u << 5 | 1u << 6);
	poke(f, at + 48, text, strlen(text));
}

/* A function of 3.11 with ten instructions, all of its first line but the last five, of the line after. */
static void put_code(const struct fixture *f)
{
	static const uint8_t lines[] = {0x80 | 10 << 3 | 4, 0, 0, 0x80 | 11 << 3 | 4, 0, 0};
	uint32_t first_line = 41;

	poke_word(f, CODE + 8, CODE_TYPE);
	poke_word(f, CODE + 16, 10);
	poke(f, CODE + 72, &first_line, sizeof first_line);
	poke_word(f, CODE + 112, FILE_NAME);
	poke_word(f, CODE + 120, NAME);
	poke_word(f, CODE + 128, NAME);
	poke_word(f, CODE + 136, LINES);
	put_string(f, NAME, "Job.run");
	put_string(f, FILE_NAME, "/srv/app/gpu.py");
	poke_word(f, LINES + 8, BYTES_TYPE);
	poke_word(f, LINES + 16, sizeof lines);
	poke(f, LINES + 32, lines, sizeof lines);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.space = {.memory = memfd_create("memory", 0),
				       .offsets = *python_offsets_of(11),
				       .code_type = CODE_TYPE,
				       .string_type = STRING_TYPE,
				       .bytes_type = BYTES_TYPE,
				       .dict_type = DICT_TYPE},
			     .next_id = 1};
	f.codes.next_id = &f.next_id;
	assert_int_equal(ftruncate(f.space.memory, MEMORY_BYTES), 0);
	put_code(&f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	python_codes_clear(&f->codes);
	close(f->space.memory);
	return 0;
}

static bool find(struct fixture *f, uint32_t instruction, uint32_t mark, struct python_code *code,
		 uint32_t *line)
{
	const struct raw_python_frame frame = {CODE | 1ull << RAW_PYTHON_OWNER_SHIFT, 184 + 2 * instruction,
					       mark};
	return python_code_find(&f->codes, &f->space, &frame, code, line);
}

static void a_whole_object_is_named(void **state)
{
	struct python_code code, again;
	uint32_t line;

	assert_true(find(*state, 0, MARK, &code, &line));
	assert_string_equal(code.function, "Job.run");
	assert_string_equal(code.file, "/srv/app/gpu.py");
	assert_int_equal(line, 41);
	assert_true(find(*state, 9, 0, &again, &line));
	assert_int_equal(line, 42);
	assert_int_equal(code.id, again.id);
}

static void a_freed_object_is_not(void **state)
{
	struct python_code code;
	uint32_t line;

	assert_true(find(*state, 0, MARK, &code, &line));
	poke_word(*state, CODE + 8, STRING_TYPE);
	assert_false(find(*state, 0, MARK, &code, &line));
}

static void a_stack_from_before_the_last_look_needs_no_other(void **state)
{
	struct fixture *f = *state;
	struct python_code code;
	uint32_t line;

	python_codes_begin(&f->codes, 1000, 2000);
	assert_true(find(f, 0, MARK, &code, &line));
	poke_word(f, CODE + 8, STRING_TYPE);
	python_codes_begin(&f->codes, 1999, 3000);
	assert_true(find(f, 0, MARK, &code, &line));
	assert_false(find(f, 0, MARK + 8, &code, &line)); /* what the frame saw still counts */
	python_codes_begin(&f->codes, 2001, 4000);
	assert_false(find(f, 0, MARK, &code, &line));
}

static void an_object_in_its_place_is_not(void **state)
{
	struct python_code code;
	uint32_t line, id;

	assert_true(find(*state, 0, MARK, &code, &line));
	id = code.id;
	poke_word(*state, CODE + 136, LINES + 8);
	assert_false(find(*state, 0, MARK, &code, &line)); /* the frame saw another line table */
	poke_word(*state, CODE + 136, LINES);
	poke_word(*state, CODE + 112, WIDE);
	assert_false(
		find(*state, 0, MARK, &code, &line)); /* the same line table's address, of another file */
	poke_word(*state, CODE + 112, FILE_NAME);
	put_string(*state, WIDE, "other");
	poke_word(*state, CODE + 128, WIDE);
	assert_true(find(*state, 0, 0, &code, &line));
	assert_string_equal(code.function, "other");
	assert_int_not_equal(code.id, id);
}

/* From 3.12 on, however much like the one before it looks. */
static void an_object_of_another_number_is_not(void **state)
{
	struct fixture *f = *state;
	struct python_code code;
	uint32_t line, id, number = 7;

	f->space.offsets.code_number = 92;
	poke(f, CODE + 92, &number, sizeof number);
	assert_true(find(f, 0, 7, &code, &line));
	id = code.id;
	number = 8;
	poke(f, CODE + 92, &number, sizeof number);
	assert_false(find(f, 0, 7, &code, &line));
	put_string(f, FILE_NAME, "/srv/app/cpu.py");
	assert_true(find(f, 0, 8, &code, &line));
	assert_string_equal(code.file, "/srv/app/cpu.py");
	assert_int_not_equal(code.id, id);
}

static void an_instruction_outside_is_not(void **state)
{
	struct python_code code;
	uint32_t line;

	assert_false(find(*state, 10, MARK, &code, &line));
	assert_false(find(*state, 0x7fffff00, MARK, &code, &line));
	assert_true(find(*state, (uint32_t)-1, MARK, &code, &line));
	assert_int_equal(line, 41);
}

static void a_file_name_that_is_no_string_is_not(void **state)
{
	struct python_code code;
	uint32_t line;

	poke_word(*state, FILE_NAME + 8, BYTES_TYPE);
	assert_false(find(*state, 0, MARK, &code, &line));
	poke_word(*state, FILE_NAME + 8, STRING_TYPE);
	poke_word(*state, CODE + 112, MEMORY_BYTES - 8);
	assert_false(find(*state, 0, MARK, &code, &line));
}

static void wide_characters_become_utf8(void **state)
{
	const struct fixture *f = *state;
	const uint16_t text[] = {'g', 0x00fc, 0x4e2d};
	struct bytes read = {0};

	put_string(f, WIDE, "xyz");
	poke_word(f, WIDE + 32, 2u << 2 | 1u << 5);
	poke(f, WIDE + 72, text, sizeof text);
	assert_true(python_read_string(&f->space, WIDE, false, &read));
	assert_string_equal(bytes_text(&read), "g\xc3\xbc\xe4\xb8\xad");
	bytes_free(&read);
}

static void a_long_path_keeps_its_end(void **state)
{
	const struct fixture *f = *state;
	char path[1200];
	struct bytes read = {0};

	memset(path, 'd', sizeof path);
	memcpy(path + sizeof path - 8, "/app.py", 8);
	put_string(f, WIDE, path);
	assert_true(python_read_string(&f->space, WIDE, true, &read));
	assert_int_equal(read.len, PYTHON_TEXT_BYTES);
	assert_string_equal(bytes_text(&read) + read.len - 7, "/app.py");
	bytes_free(&read);
}

/* One umlaut in it, and it is kept as all characters of one or of two bytes are. */
static void a_long_path_is_whole_in_any_script(void **state)
{
	const struct fixture *f = *state;
	uint8_t narrow[PYTHON_TEXT_BYTES / 2];
	uint16_t wide[PYTHON_TEXT_BYTES / 3];
	struct bytes read = {0};

	memset(narrow, 0xfc, sizeof narrow);
	poke_word(f, WIDE + 8, STRING_TYPE);
	poke_word(f, WIDE + 16, sizeof narrow);
	poke_word(f, WIDE + 32, 1u << 2 | 1u << 5);
	poke(f, WIDE + 72, narrow, sizeof narrow);
	assert_true(python_read_string(&f->space, WIDE, true, &read));
	assert_int_equal(read.len, 2 * sizeof narrow);
	bytes_clear(&read);
	for (size_t i = 0; i < PYTHON_TEXT_BYTES / 3; i++)
		wide[i] = 0x4e2d;
	poke_word(f, WIDE + 16, PYTHON_TEXT_BYTES / 3);
	poke_word(f, WIDE + 32, 2u << 2 | 1u << 5);
	poke(f, WIDE + 72, wide, sizeof wide);
	assert_true(python_read_string(&f->space, WIDE, true, &read));
	assert_int_equal(read.len, PYTHON_TEXT_BYTES);
	bytes_free(&read);
}

/* ASCII of four bytes each would not fit where ASCII does. */
static void a_string_that_contradicts_itself_is_none(void **state)
{
	const struct fixture *f = *state;
	struct bytes read = {0};

	put_string(f, WIDE, "text");
	poke_word(f, WIDE + 16, PYTHON_TEXT_BYTES);
	poke_word(f, WIDE + 32, 4u << 2 | 1u << 5 | 1u << 6);
	assert_false(python_read_string(&f->space, WIDE, false, &read));
	bytes_free(&read);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_whole_object_is_named),
		WITH(a_freed_object_is_not),
		WITH(a_stack_from_before_the_last_look_needs_no_other),
		WITH(an_object_in_its_place_is_not),
		WITH(an_object_of_another_number_is_not),
		WITH(an_instruction_outside_is_not),
		WITH(a_file_name_that_is_no_string_is_not),
		WITH(wide_characters_become_utf8),
		WITH(a_long_path_keeps_its_end),
		WITH(a_long_path_is_whole_in_any_script),
		WITH(a_string_that_contradicts_itself_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
