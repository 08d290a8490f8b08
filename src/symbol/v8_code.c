/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_code.h"

#include <string.h>

#define ALIGNMENT 32 /* of instructions: 64 on x86-64 */
#define CODE_MAX                                                                                             \
	(512u << 10) /* the largest that is looked for; what a function of 60 KB of bytecodes becomes */
#define PIECE_BYTES    4096
#define CODES_MAX      65536 /* addresses that are remembered */
#define CODE_WORDS     9     /* of a description, all that is read of it */
#define USER_SPACE_TOP (1ull << 47)

/* Is this an object of that type? Maps of such objects are never moved: the one met last is known again. */
static bool is_of_type(const struct v8_space *v, uint64_t object, uint64_t its_map, uint16_t type,
		       uint64_t *map)
{
	if (its_map && its_map == *map)
		return true;
	if (!v8_is_a(v, object, type))
		return false;
	*map = its_map;
	return true;
}

/* The code that this stream holds, if stream and description point to each other and pc is in it. */
static bool read_code(struct v8_codes *known, const struct v8_space *v, uint64_t stream, uint64_t pc,
		      struct v8_code *code)
{
	const struct v8_offsets *o = &v->offsets;
	uint64_t start = stream - 1 + o->stream_start, head[2], words[CODE_WORDS], object = stream;
	uint32_t bytes;

	if (!v8_read(v, stream - 1, head, sizeof head) ||
	    !is_of_type(v, stream, head[0], o->stream_type, &known->map))
		return false;
	if (o->code_stream)
		object = head[o->stream_code / 8];
	if (!v8_is_object(object) || !v8_read(v, object - 1, words, sizeof words))
		return false;
	if (o->code_stream && (!is_of_type(v, object, words[0], o->code_type, &known->code_map) ||
			       words[o->code_stream / 8] != stream || words[o->code_start / 8] != start))
		return false;
	memcpy(&bytes, (const char *)words + o->code_size, sizeof bytes);
	*code = (struct v8_code){start, bytes, words[o->code_data / 8], words[o->code_positions / 8]};
	return bytes <= CODE_MAX && pc >= start && pc - start < bytes;
}

/* Could this word be the map of a stream? */
static bool is_map(const struct v8_codes *known, const struct v8_space *v, uint64_t word)
{
	uint16_t type;

	if (known->map)
		return word == known->map;
	return v8_is_object(word) && word > PIECE_BYTES && word < USER_SPACE_TOP &&
	       v8_read(v, word - 1 + V8_MAP_TYPE, &type, sizeof type) && type == v->offsets.stream_type;
}

/* The stream that begins last before pc among those that may begin in this piece; 0 none. */
static uint64_t search_piece(const struct v8_codes *known, const struct v8_space *v, const uint64_t *words,
			     uint64_t from, uint64_t below)
{
	for (uint64_t at = below; at > from;) {
		at -= ALIGNMENT;
		if (is_map(known, v, words[(at - from) / 8]))
			return at + 1;
	}
	return 0;
}

static bool search(struct v8_codes *known, const struct v8_space *v, uint64_t pc, struct v8_code *code)
{
	uint64_t words[PIECE_BYTES / 8], stream;
	/* Where a stream could begin at the latest, and the piece around it, whose bounds are aligned like that. */
	uint64_t last = (pc & ~(uint64_t)(ALIGNMENT - 1)) - v->offsets.stream_start, below = last + ALIGNMENT;

	for (uint64_t left = CODE_MAX; left && below > PIECE_BYTES; left -= PIECE_BYTES) {
		uint64_t from = below - PIECE_BYTES;
		if (!v8_read(v, from, words, sizeof words))
			return false;
		stream = search_piece(known, v, words, from, below);
		if (stream) {
			if (!read_code(known, v, stream, pc, code))
				return false;
			if (known->streams.n >= CODES_MAX)
				v8_codes_clear(known);
			idmap_put(&known->streams, pc, (void *)stream);
			return true;
		}
		below = from;
	}
	return false;
}

bool v8_code_find(struct v8_codes *known, const struct v8_space *v, uint64_t pc, struct v8_code *code)
{
	uint64_t stream = (uint64_t)idmap_get(&known->streams, pc);

	if (stream && read_code(known, v, stream, pc, code))
		return true;
	idmap_take(&known->streams, pc);
	return search(known, v, pc, code);
}

void v8_codes_clear(struct v8_codes *known)
{
	idmap_free(&known->streams);
	known->streams = (struct idmap){0};
}
