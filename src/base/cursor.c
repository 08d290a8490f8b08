/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include <string.h>

struct cursor cursor_over(const void *data, size_t len)
{
	const unsigned char *p = data;
	return (struct cursor){.at = p, .start = p, .end = p ? p + len : p};
}

size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

const void *cursor_take(struct cursor *c, size_t len)
{
	if (c->failed || len > cursor_left(c)) {
		c->failed = true;
		return NULL;
	}
	const void *p = c->at;
	c->at += len;
	return p;
}

bool cursor_skip(struct cursor *c, size_t len)
{
	cursor_take(c, len);
	return !c->failed;
}

bool cursor_seek(struct cursor *c, size_t offset)
{
	if (c->failed || offset > (size_t)(c->end - c->start)) {
		c->failed = true;
		return false;
	}
	c->at = c->start + offset;
	return true;
}

#define CURSOR_FIXED(name, type)                                                                             \
	type name(struct cursor *c)                                                                          \
	{                                                                                                    \
		type value = 0;                                                                              \
		const void *p = cursor_take(c, sizeof value);                                                \
		if (p)                                                                                       \
			memcpy(&value, p, sizeof value);                                                     \
		return value;                                                                                \
	}
CURSOR_FIXED(cursor_u8, uint8_t)
CURSOR_FIXED(cursor_u16, uint16_t)
CURSOR_FIXED(cursor_u32, uint32_t)
CURSOR_FIXED(cursor_u64, uint64_t)

uint64_t cursor_packed(struct cursor *c, unsigned bits)
{
	const unsigned more = 1u << bits;
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = cursor_u8(c);
		if (shift < 64)
			value |= (uint64_t)(byte & (more - 1)) << shift;
		shift += bits;
	} while (byte & more);
	return value;
}

/* Both forms share the bits; *shift tells how many were read, *last the last byte. */
static uint64_t leb_bits(struct cursor *c, unsigned *shift, uint8_t *last)
{
	uint64_t value = 0;
	*shift = 0;
	do {
		*last = cursor_u8(c);
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		else
			c->failed = true;
		*shift += 7;
	} while (!c->failed && (*last & 0x80));
	return c->failed ? 0 : value;
}

uint64_t cursor_uleb(struct cursor *c)
{
	unsigned shift;
	uint8_t last;
	return leb_bits(c, &shift, &last);
}

int64_t cursor_sleb(struct cursor *c)
{
	unsigned shift;
	uint8_t last;
	uint64_t value = leb_bits(c, &shift, &last);
	if (!c->failed && shift < 64 && (last & 0x40))
		value |= ~(uint64_t)0 << shift;
	return (int64_t)value;
}

const char *cursor_text(struct cursor *c)
{
	const unsigned char *nul = c->failed ? NULL : memchr(c->at, 0, cursor_left(c));
	if (!nul) {
		c->failed = true;
		return NULL;
	}
	const char *text = (const char *)c->at;
	c->at = nul + 1;
	return text;
}
