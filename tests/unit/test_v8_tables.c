/* SPDX-License-Identifier: Apache-2.0 */
/* V8's tables from code to source, as V8 wrote them, and cut short. */
#include "symbol/v8_tables.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Of a function that Node 22 compiled: from 1 on character 119, from 40 on 134, 96: 136, 106: 139. */
static const uint8_t positions[] = {0x03, 0xe0, 0x03, 0x4f, 0x3c, 0x71, 0x08, 0x15, 0x0c};

static void a_position_is_that_of_the_last_entry(void **state)
{
	struct v8_position p;
	(void)state;

	assert_false(v8_position_at(positions, sizeof positions, 0, &p));
	assert_true(v8_position_at(positions, sizeof positions, 1, &p));
	assert_int_equal(p.offset, 119);
	assert_int_equal(p.inlining, -1);
	assert_true(v8_position_at(positions, sizeof positions, 39, &p));
	assert_int_equal(p.offset, 119);
	assert_true(v8_position_at(positions, sizeof positions, 40, &p));
	assert_int_equal(p.offset, 134);
	assert_true(v8_position_at(positions, sizeof positions, 1u << 30, &p));
	assert_int_equal(p.offset, 139);
}

static void a_table_cut_short_is_none(void **state)
{
	struct v8_position p;
	(void)state;

	for (size_t bytes = 0; bytes < 3; bytes++)
		assert_false(v8_position_at(positions, bytes, 100, &p));
	assert_false(v8_position_at(positions, sizeof positions - 1, 1u << 30, &p));
}

static void a_position_tells_the_call_that_was_compiled_in(void **state)
{
	struct v8_position p;
	(void)state;

	assert_true(v8_position_decode(5ull << 31 | 42 << 1, &p));
	assert_int_equal(p.offset, 41);
	assert_int_equal(p.inlining, 4);
	assert_false(v8_position_decode(5ull << 31, &p));		/* no offset */
	assert_false(v8_position_decode(5ull << 31 | 42 << 1 | 1, &p)); /* not of a script */
}

/* Bytecodes of one byte, but 0 and 1, which make the next one's operand wider; 9 has an operand. */
static struct v8_space space = {.n_bytecodes = 16};

static int fill(void **state)
{
	(void)state;
	for (unsigned scale = 0; scale < V8_SCALES; scale++)
		for (unsigned b = 0; b < space.n_bytecodes; b++)
			space.bytecode_bytes[scale][b] = b == 9 ? (uint8_t)(1 + (1 << scale)) : 1;
	return 0;
}

/* Prologue of 10 bytes; then code of 4, 6, 200 and 8 bytes. */
static const uint8_t lengths[] = {10, 4, 6, 0xc8, 0x01, 8};
static const uint8_t bytecodes[] = {7, 9, 0x55, 0, 9, 0x55, 0x55, 7};

static bool at(uint32_t end, uint32_t *offset)
{
	return v8_bytecode_at(&space, lengths, sizeof lengths, bytecodes, sizeof bytecodes, end, offset);
}

static void baseline_code_belongs_to_a_bytecode(void **state)
{
	static const struct {
		uint32_t end, offset;
	} cases[] = {{11, 0}, {14, 0}, {15, 1}, {20, 1}, {21, 3}, {220, 3}, {221, 7}, {228, 7}};
	uint32_t offset;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(at(cases[i].end, &offset));
		assert_int_equal(offset, cases[i].offset);
	}
}

static void what_is_outside_of_it_does_not(void **state)
{
	uint32_t offset;
	(void)state;

	assert_false(at(0, &offset));
	assert_false(at(10, &offset)); /* the prologue */
	assert_false(at(229, &offset));
	assert_false(v8_bytecode_at(&space, lengths, sizeof lengths, bytecodes, 2, 15, &offset));
	assert_false(v8_bytecode_at(&space, lengths, 3, bytecodes, sizeof bytecodes, 21, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_position_is_that_of_the_last_entry),
		cmocka_unit_test(a_table_cut_short_is_none),
		cmocka_unit_test(a_position_tells_the_call_that_was_compiled_in),
		cmocka_unit_test(baseline_code_belongs_to_a_bytecode),
		cmocka_unit_test(what_is_outside_of_it_does_not),
	};
	return cmocka_run_group_tests(tests, fill, NULL);
}
