/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_lines.h"

#include "base/cursor.h"

#include <limits.h>

/* Lines are deltas from the first; a hostile table may lead anywhere. */
static uint32_t line_number(int64_t line)
{
	return line > 0 && line <= INT_MAX ? (uint32_t)line : 0;
}

/* Up to 3.9: pairs (bytes of code, lines), of which the second is signed. */
static uint32_t pairs_line(struct cursor c, int64_t line, int64_t offset)
{
	int64_t at = 0;

	while (cursor_left(&c) >= 2) {
		at += cursor_u8(&c);
		if (at > offset)
			break;
		line += (int8_t)cursor_u8(&c);
	}
	return line_number(line);
}

#define NO_LINE (-128)

/* 3.10: pairs (bytes of code, lines) in which the lines come before the code; -128: code without a line. */
static uint32_t ranges_line(struct cursor c, int64_t line, int64_t offset)
{
	int64_t at = 0;

	while (cursor_left(&c) >= 2) {
		at += cursor_u8(&c);
		int8_t delta = (int8_t)cursor_u8(&c);
		if (delta != NO_LINE)
			line += delta;
		if (at > offset)
			return delta == NO_LINE ? 0 : line_number(line);
	}
	return 0;
}

#define LOCATION_BITS 6 /* of each byte of a number */

static int64_t location_signed(struct cursor *c)
{
	uint64_t value = cursor_packed(c, LOCATION_BITS);
	int64_t magnitude = (int64_t)(value >> 1 & INT_MAX);
	return value & 1 ? -magnitude : magnitude;
}

enum location_code {
	LOCATION_ONE_LINE = 10, /* to 12: line delta 0, 1, 2, two columns */
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* The rest of an entry; how many lines it goes on. */
static int64_t location_delta(struct cursor *c, unsigned code)
{
	int64_t delta = 0;

	if (code < LOCATION_ONE_LINE) {
		cursor_skip(c, 1);
	} else if (code < LOCATION_NO_COLUMNS) {
		delta = (int64_t)code - LOCATION_ONE_LINE;
		cursor_skip(c, 2);
	} else if (code != LOCATION_NONE) {
		delta = location_signed(c);
		for (int i = 0; code == LOCATION_LONG && i < 3; i++)
			cursor_packed(c, LOCATION_BITS); /* end line and columns */
	}
	return delta;
}

/* From 3.11 on: entries that begin with a byte of bit 7, four bits of form and three of length in code units. */
static uint32_t locations_line(struct cursor c, int64_t line, int64_t offset)
{
	int64_t at = 0;

	while (cursor_left(&c) && !c.failed) {
		uint8_t head = cursor_u8(&c);
		unsigned code = head >> 3 & 15;
		line += location_delta(&c, code);
		at += ((head & 7) + 1) * 2;
		if (!(head & 128) || line > INT_MAX || line < INT_MIN)
			return 0;
		if (at > offset)
			return code == LOCATION_NONE || c.failed ? 0 : line_number(line);
	}
	return 0;
}

uint32_t python_line(unsigned minor, const void *table, size_t bytes, uint32_t first_line, int64_t offset)
{
	struct cursor c = cursor_over(table, bytes);

	if (offset < 0)
		return first_line;
	if (minor >= 11)
		return locations_line(c, first_line, offset);
	return minor == 10 ? ranges_line(c, first_line, offset) : pairs_line(c, first_line, offset);
}
