/* SPDX-License-Identifier: Apache-2.0 */
/* Line tables of one function as three compilers wrote them, with the lines that those interpreters give. */
#include "symbol/python_lines.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST 301

/* From this offset on it is this line; 0 none. */
struct run {
	int64_t offset;
	uint32_t line;
};

static const uint8_t pairs[] = {0x00, 0x02, 0x06, 0x01, 0x06, 0xfe, 0x04, 0x05, 0x08, 0x01,
				0x04, 0x01, 0x0a, 0x02, 0x02, 0x01, 0x02, 0xff, 0x06, 0x03,
				0x02, 0x01, 0x04, 0x01, 0x02, 0xff, 0x08, 0x03};
static const struct run pairs_runs[] = {{0, 303},  {6, 304},  {12, 302}, {16, 307}, {24, 308},
					{28, 309}, {38, 311}, {40, 312}, {42, 311}, {48, 314},
					{50, 315}, {54, 316}, {56, 315}, {64, 318}};

static const uint8_t ranges[] = {0x06, 0x02, 0x06, 0x01, 0x04, 0xfe, 0x08, 0x05, 0x04, 0x01,
				 0x0a, 0x01, 0x02, 0x02, 0x02, 0x01, 0x06, 0xff, 0x02, 0x03,
				 0x04, 0x01, 0x02, 0x01, 0x04, 0xff, 0x0c, 0x03};
static const struct run ranges_runs[] = {{0, 303},  {6, 304},  {12, 302}, {16, 307}, {24, 308},
					 {28, 309}, {38, 311}, {40, 312}, {42, 311}, {48, 314},
					 {50, 315}, {54, 316}, {56, 315}, {60, 318}};

static const uint8_t locations[] = {
	0x80, 0x00, 0xe0, 0x08, 0x09, 0x88, 0x41, 0x89, 0x05, 0xd8, 0x08, 0x09, 0x88, 0x41, 0x89, 0x05,
	0xf0, 0x05, 0x03, 0x09, 0x06, 0x80, 0x41, 0xf0, 0x0a, 0x00, 0x0e, 0x0f, 0xf2, 0x00, 0x06, 0x05,
	0x0e, 0x88, 0x01, 0xd9, 0x0b, 0x0c, 0xd8, 0x0c, 0x0d, 0x90, 0x11, 0x89, 0x46, 0x89, 0x41, 0xe0,
	0x0c, 0x0d, 0xd8, 0x10, 0x11, 0xf1, 0x03, 0x02, 0x0d, 0x0e, 0x89, 0x41, 0xf0, 0x09, 0x06, 0x05,
	0x0e, 0xf0, 0x0e, 0x04, 0x05, 0x0e, 0xdc, 0x0f, 0x10, 0x90, 0x11, 0xd8, 0x11, 0x12, 0xf3, 0x03,
	0x01, 0x10, 0x14, 0xf0, 0x06, 0x00, 0x0d, 0x0e, 0x89, 0x01, 0xf8, 0x88, 0x41, 0x89, 0x01, 0xfa};
static const struct run locations_runs[] = {{0, 301},  {2, 303},  {10, 304}, {18, 302}, {22, 307},
					    {32, 308}, {36, 309}, {48, 311}, {50, 312}, {52, 311},
					    {60, 307}, {62, 314}, {64, 315}, {76, 316}, {78, 315},
					    {86, 318}, {92, 0},	  {94, 318}, {100, 0}};

static void expect(unsigned minor, const uint8_t *table, size_t bytes, const struct run *runs, size_t n,
		   int64_t end)
{
	for (size_t i = 0; i < n; i++)
		for (int64_t at = runs[i].offset; at < (i + 1 < n ? runs[i + 1].offset : end); at += 2)
			assert_int_equal(python_line(minor, table, bytes, FIRST, at), runs[i].line);
}

static void pairs_up_to_39(void **state)
{
	(void)state;
	expect(8, pairs, sizeof pairs, pairs_runs, ARRAY_LEN(pairs_runs), 74);
	expect(9, pairs, sizeof pairs, pairs_runs, ARRAY_LEN(pairs_runs), 74);
}

static void ranges_of_310(void **state)
{
	static const uint8_t without[] = {4, 1, 4, 0x80, 4, 1};

	(void)state;
	expect(10, ranges, sizeof ranges, ranges_runs, ARRAY_LEN(ranges_runs), 72);
	assert_int_equal(python_line(10, without, sizeof without, 10, 2), 11);
	assert_int_equal(python_line(10, without, sizeof without, 10, 4), 0);
	assert_int_equal(python_line(10, without, sizeof without, 10, 8), 12);
}

static void locations_from_311(void **state)
{
	(void)state;
	for (unsigned minor = 11; minor <= 15; minor++)
		expect(minor, locations, sizeof locations, locations_runs, ARRAY_LEN(locations_runs), 106);
}

static void before_the_first_instruction_is_the_first_line(void **state)
{
	(void)state;
	assert_int_equal(python_line(11, locations, sizeof locations, FIRST, -2), FIRST);
}

static void bad_tables_give_no_line(void **state)
{
	static const uint8_t no_head[] = {0x08, 0x09, 0x09}, endless[] = {0xf0, 0xff, 0xff, 0xff},
			     far[] = {0xe8, 0xfe, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff};

	(void)state;
	assert_int_equal(python_line(12, no_head, sizeof no_head, FIRST, 0), 0);
	assert_int_equal(python_line(12, endless, sizeof endless, FIRST, 0), 0);
	assert_int_equal(python_line(12, far, sizeof far, FIRST, 0), 0);
	assert_int_equal(python_line(12, locations, sizeof locations, FIRST, 106), 0);
	assert_int_equal(python_line(10, NULL, 0, FIRST, 0), 0);
	assert_int_equal(python_line(8, NULL, 0, FIRST, 0), FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_up_to_39),
		cmocka_unit_test(ranges_of_310),
		cmocka_unit_test(locations_from_311),
		cmocka_unit_test(before_the_first_instruction_is_the_first_line),
		cmocka_unit_test(bad_tables_give_no_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
