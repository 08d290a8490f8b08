/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_tables.h"

#include "base/cursor.h"

#define NUMBER_BITS 7 /* of each byte */

/* Bits of a raw position: 1 unused, 30 of the offset plus one, 16 of the inlining plus one. */
#define OFFSET_SHIFT   1
#define OFFSET_MASK    0x3fffffffu
#define INLINING_SHIFT 31
#define INLINING_MASK  0xffffu

#define PREFIXES 4 /* the first bytecodes say how wide the next one's operands are: 2, 4, 2, 4 bytes */

/* With its sign in the lowest bit. */
static int64_t take_signed(struct cursor *c)
{
	uint64_t number = cursor_packed(c, NUMBER_BITS);
	return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

bool v8_position_decode(uint64_t raw, struct v8_position *position)
{
	uint32_t offset = raw >> OFFSET_SHIFT & OFFSET_MASK;

	if (raw & 1 || !offset)
		return false;
	position->offset = offset - 1;
	position->inlining = (int32_t)(raw >> INLINING_SHIFT & INLINING_MASK) - 1;
	return true;
}

bool v8_position_at(const void *table, size_t bytes, uint32_t code_offset, struct v8_position *position)
{
	struct cursor c = cursor_over(table, bytes);
	uint64_t at = 0, raw = 0, found = 0;
	bool any = false;

	while (cursor_left(&c)) {
		int64_t step = take_signed(&c);
		at += (uint64_t)(step >= 0 ? step
					   : -(step + 1)); /* below zero: not the start of a statement */
		raw += (uint64_t)take_signed(&c);
		if (c.failed)
			return false;
		if (at > code_offset)
			break;
		found = raw;
		any = true;
	}
	return any && v8_position_decode(found, position);
}

/* Length of the bytecode that comes next, with its prefix; 0: there is none. */
static size_t take_bytecode(const struct v8_space *v, struct cursor *c)
{
	uint8_t bytecode = cursor_u8(c), scale = 0, bytes = 0;
	size_t prefix = 0;

	if (bytecode < PREFIXES) {
		scale = 1 + (bytecode & 1);
		bytecode = cursor_u8(c);
		prefix = 1;
	}
	if (!c->failed && bytecode < v->n_bytecodes)
		bytes = v->bytecode_bytes[scale][bytecode];
	return bytes && cursor_skip(c, bytes - 1u) ? prefix + bytes : 0;
}

bool v8_bytecode_at(const struct v8_space *v, const void *lengths, size_t lengths_bytes,
		    const void *bytecodes, size_t bytecodes_bytes, uint32_t end, uint32_t *offset)
{
	struct cursor l = cursor_over(lengths, lengths_bytes), b = cursor_over(bytecodes, bytecodes_bytes);
	uint64_t reached = cursor_packed(&l, NUMBER_BITS);
	size_t at = 0, bytes = 0;

	if (end <= reached)
		return false;
	while (reached < end) {
		at += bytes;
		bytes = take_bytecode(v, &b);
		reached += cursor_packed(&l, NUMBER_BITS);
		if (!bytes || l.failed)
			return false;
	}
	*offset = (uint32_t)at;
	return true;
}
