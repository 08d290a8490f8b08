/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_space.h"

#include <string.h>
#include <unistd.h>

#define HOPS_MAX   8 /* from a string to the one that has its characters */
#define PIECES_MAX 8 /* of a string that was put together and never read */

bool v8_read(const struct v8_space *v, uint64_t address, void *to, size_t bytes)
{
	return address <= INT64_MAX && pread(v->memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

bool v8_load(const struct v8_space *v, uint64_t object, unsigned offset, uint64_t *word)
{
	return v8_is_object(object) && v8_read(v, object - 1 + offset, word, sizeof *word);
}

bool v8_load_smi(const struct v8_space *v, uint64_t object, unsigned offset, uint32_t *number)
{
	uint64_t word;

	if (!v8_load(v, object, offset, &word) || (uint32_t)word || (int64_t)word < 0)
		return false;
	*number = (uint32_t)(word >> V8_SMI_SHIFT);
	return true;
}

bool v8_type(const struct v8_space *v, uint64_t object, uint16_t *type)
{
	uint64_t map;
	return v8_load(v, object, 0, &map) && v8_is_object(map) &&
	       v8_read(v, map - 1 + V8_MAP_TYPE, type, sizeof *type);
}

bool v8_is_a(const struct v8_space *v, uint64_t object, uint16_t type)
{
	uint16_t its_type;
	return v8_type(v, object, &its_type) && its_type == type;
}

bool v8_read_bytes(const struct v8_space *v, uint64_t object, uint16_t type, size_t max, struct bytes *to)
{
	unsigned char piece[4096];
	uint64_t from = object - 1 + V8_ARRAY_DATA;
	uint32_t left;

	if (!v8_is_a(v, object, type) || !v8_load_smi(v, object, V8_ARRAY_LENGTH, &left) || left > max)
		return false;
	while (left) {
		uint32_t n = left < sizeof piece ? left : (uint32_t)sizeof piece;
		if (!v8_read(v, from, piece, n))
			return false;
		bytes_put(to, piece, n);
		from += n;
		left -= n;
	}
	return bytes_ok(to);
}

bool v8_element(const struct v8_space *v, uint64_t array, unsigned index, uint64_t *word)
{
	uint32_t n;
	return v8_load_smi(v, array, V8_ARRAY_LENGTH, &n) && index < n &&
	       v8_load(v, array, V8_ARRAY_DATA + 8 * index, word);
}

#define INTERPRETER_DATA 8 /* the bytecodes in it */

uint64_t v8_bytecodes_of(const struct v8_space *v, uint64_t data)
{
	const struct v8_offsets *o = &v->offsets;
	uint16_t type;

	/* Baseline code, and in it what holds the bytecodes of a function with an entry of its own. */
	for (unsigned i = 0; i < 3 && v8_type(v, data, &type); i++) {
		unsigned at = type == o->code_type ? o->code_data : INTERPRETER_DATA;
		if (type == o->bytecodes_type)
			return data;
		if ((type != o->code_type && type != o->interpreter_data_type) ||
		    !v8_load(v, data, at, &data))
			return 0;
	}
	return 0;
}

/* --- strings */

/* What the head of every kind of string has in it. */
struct string_head {
	uint16_t type;
	uint32_t length;
	uint64_t first, second;
};

static bool read_head(const struct v8_space *v, uint64_t string, struct string_head *head)
{
	uint64_t words[4] = {0};

	if (!v8_type(v, string, &head->type) || head->type >= V8_STRING_TYPES ||
	    !v8_read(v, string - 1, words, V8_STRING_FIRST))
		return false;
	/* A short one may be the last thing that is mapped. */
	if (!v8_read(v, string - 1, words, sizeof words) && head->type & V8_STRING_SHAPE)
		return false;
	head->length = (uint32_t)(words[1] >> 32);
	head->first = words[2];
	head->second = words[3];
	return true;
}

static bool is_empty(const struct v8_space *v, uint64_t string)
{
	struct string_head head;
	return read_head(v, string, &head) && !head.length;
}

/* One step on the way to the characters. */
static bool hop(const struct v8_space *v, const struct string_head *head, uint64_t *string, uint64_t *skipped)
{
	switch (head->type & V8_STRING_SHAPE) {
	case V8_STRING_CONS:
		if (!is_empty(v, head->second))
			return false;
		break;
	case V8_STRING_SLICED: *skipped += head->second >> V8_SMI_SHIFT; break;
	case V8_STRING_THIN: break;
	default: return false;
	}
	*string = head->first;
	return true;
}

bool v8_text_of(const struct v8_space *v, uint64_t string, struct v8_text *text)
{
	struct string_head head;
	uint64_t skipped = 0;

	for (unsigned i = 0; i < HOPS_MAX; i++) {
		unsigned shape;
		if (!read_head(v, string, &head))
			return false;
		if (!i)
			text->length = head.length;
		shape = head.type & V8_STRING_SHAPE;
		if (shape && shape != V8_STRING_EXTERNAL) {
			if (!hop(v, &head, &string, &skipped))
				return false;
			continue;
		}
		if (shape && head.type & V8_STRING_UNCACHED)
			return false;
		text->width = head.type & V8_STRING_ONE_BYTE ? 1 : 2;
		text->address = (shape ? head.second : string - 1 + V8_STRING_CHARS) + skipped * text->width;
		return skipped + text->length <= head.length;
	}
	return false;
}

static bool is_high(uint32_t c)
{
	return c >> 10 == 0xd800 >> 10;
}

static bool is_low(uint32_t c)
{
	return c >> 10 == 0xdc00 >> 10;
}

static void put_units(struct bytes *b, const uint16_t *units, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t c = units[i];
		if (is_high(c) && i + 1 < n && is_low(units[i + 1]))
			c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ffu);
		bytes_put_utf8(b, c);
	}
}

/* Of its beginning or its end what has room. */
static bool put_text(const struct v8_space *v, const struct v8_text *text, bool keep_end, struct bytes *to)
{
	uint16_t units[V8_TEXT_BYTES];
	unsigned char narrow[V8_TEXT_BYTES];
	bool is_narrow = text->width == 1;
	size_t n = text->length;

	if (n > V8_TEXT_BYTES)
		n = V8_TEXT_BYTES;
	uint64_t from = text->address + (keep_end ? (uint64_t)(text->length - n) * text->width : 0);
	if (n && !(is_narrow ? v8_read(v, from, narrow, n) : v8_read(v, from, units, n * sizeof *units)))
		return false;
	for (size_t i = 0; is_narrow && i < n; i++)
		units[i] = narrow[i];
	put_units(to, units, n);
	return true;
}

/* One that was put together from others has two parts, which may have too: those to come are kept, the next one last. */
bool v8_read_string(const struct v8_space *v, uint64_t string, bool keep_end, struct bytes *to)
{
	uint64_t parts[PIECES_MAX] = {string};
	unsigned n = 1;

	for (unsigned i = 0; n && i < 2 * PIECES_MAX; i++) {
		uint64_t part = parts[--n];
		struct string_head head;
		struct v8_text text;
		if (v8_text_of(v, part, &text)) {
			if (!put_text(v, &text, keep_end, to))
				return false;
		} else if (read_head(v, part, &head) && (head.type & V8_STRING_SHAPE) == V8_STRING_CONS &&
			   n + 2 <= PIECES_MAX) {
			parts[n++] = head.second;
			parts[n++] = head.first;
		} else {
			return false;
		}
	}
	return !n && bytes_ok(to);
}
