/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_lines.h"

#include "base/array.h"

#include <stdlib.h>

#define PIECE_CHARACTERS 16384
#define SCRIPT_MAX	 (64u << 20) /* characters; a large bundle has ten million */

/* Lines end as the language has it: also \r, and the two separators of Unicode. */
static bool ends_line(uint32_t c, uint32_t next)
{
	return c == '\n' || (c == '\r' && next != '\n') || c == 0x2028 || c == 0x2029;
}

struct reading {
	struct v8_lines *lines;
	size_t cap, max;
	uint32_t at;   /* position of `last` */
	uint32_t last; /* a character that waits for the one behind it */
};

static bool put_end(struct reading *r)
{
	struct v8_lines *l = r->lines;

	if (l->n >= r->max || !array_reserve(&l->ends, &r->cap, l->n + 1, sizeof *l->ends))
		return false;
	l->ends[l->n++] = r->at;
	return true;
}

static bool take_piece(struct reading *r, const void *piece, uint32_t n, unsigned width, uint32_t from)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t c = width == 1 ? ((const uint8_t *)piece)[i] : ((const uint16_t *)piece)[i];
		if (ends_line(r->last, c) && !put_end(r))
			return false;
		r->last = c;
		r->at = from + i;
	}
	return true;
}

static bool read_ends(struct reading *r, const struct v8_space *v, const struct v8_text *text)
{
	static uint16_t piece[PIECE_CHARACTERS];

	for (uint32_t from = 0; from < text->length;) {
		uint32_t n = text->length - from < PIECE_CHARACTERS ? text->length - from : PIECE_CHARACTERS;
		if (!v8_read(v, text->address + (uint64_t)from * text->width, piece,
			     (size_t)n * text->width) ||
		    !take_piece(r, piece, n, text->width, from))
			return false;
		from += n;
	}
	return !ends_line(r->last, 0) || put_end(r);
}

static bool read_script(struct reading *r, const struct v8_space *v, uint64_t script)
{
	struct v8_text text;
	uint64_t source;
	uint32_t first;

	if (!v8_load_smi(v, script, V8_SCRIPT_LINE, &first) ||
	    !v8_load(v, script, V8_SCRIPT_SOURCE, &source) || !v8_text_of(v, source, &text) ||
	    text.length > SCRIPT_MAX || !read_ends(r, v, &text))
		return false;
	r->lines->first = first + 1;
	r->lines->characters = text.length;
	return true;
}

struct v8_lines *v8_lines_read(const struct v8_space *v, uint64_t script, size_t max)
{
	struct reading r = {.lines = calloc(1, sizeof *r.lines), .max = max};

	if (!r.lines || !v8_is_a(v, script, v->offsets.script_type) ||
	    !v8_load_smi(v, script, V8_SCRIPT_ID, &r.lines->script_id)) {
		v8_lines_free(r.lines);
		return NULL;
	}
	if (!read_script(&r, v, script)) {
		free(r.lines->ends);
		*r.lines = (struct v8_lines){.script_id = r.lines->script_id};
	}
	return r.lines;
}

bool v8_lines_are_of(const struct v8_lines *lines, const struct v8_space *v, uint64_t script)
{
	uint32_t id;
	return v8_load_smi(v, script, V8_SCRIPT_ID, &id) && id == lines->script_id;
}

uint32_t v8_lines_at(const struct v8_lines *lines, uint32_t position)
{
	size_t low = 0, high = lines->n;

	if (position >= lines->characters)
		return 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (lines->ends[mid] < position)
			low = mid + 1;
		else
			high = mid;
	}
	return lines->first + (uint32_t)low;
}

void v8_lines_free(struct v8_lines *lines)
{
	if (lines)
		free(lines->ends);
	free(lines);
}
