/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_space.h"

#include <string.h>
#include <unistd.h>

bool python_read(const struct python_space *p, uint64_t address, void *to, size_t bytes)
{
	return address <= INT64_MAX && pread(p->memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

bool python_read_word(const struct python_space *p, uint64_t address, uint64_t *word)
{
	return python_read(p, address, word, sizeof *word);
}

bool python_is_alive(const struct python_space *p)
{
	uint64_t word;
	return python_read_word(p, p->runtime, &word);
}

bool python_is_a(const struct python_space *p, uint64_t object, uint64_t type)
{
	uint64_t its_type;
	return object && type && python_read_word(p, object + p->offsets.object_type, &its_type) &&
	       its_type == type;
}

/* Characters of 1, 2 or 4 bytes each. */
static void put_characters(struct bytes *b, const unsigned char *data, size_t n, unsigned width)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t c = 0;
		memcpy(&c, data + i * width, width); /* both machines are little-endian */
		bytes_put_utf8(b, c);
	}
}

/* Characters that become at most PYTHON_TEXT_BYTES as UTF-8: those of one byte in memory take up to two, those of two up to three. */
static size_t most_characters(bool ascii, unsigned width)
{
	return PYTHON_TEXT_BYTES / (ascii ? 1 : width == 4 ? 4 : width + 1);
}

bool python_read_string(const struct python_space *p, uint64_t object, bool keep_end, struct bytes *text)
{
	const struct python_offsets *o = &p->offsets;
	unsigned char data[PYTHON_TEXT_BYTES];
	uint64_t length;
	uint32_t state;

	if (!python_is_a(p, object, p->string_type) ||
	    !python_read_word(p, object + o->object_size, &length) ||
	    !python_read(p, object + o->string_state, &state, sizeof state))
		return false;
	unsigned width = state >> o->kind_shift & 7;
	bool compact = state >> o->compact_shift & 1, ascii = state >> o->ascii_shift & 1;
	if (!compact || (width != 1 && width != 2 && width != 4) || (ascii && width != 1) ||
	    length > UINT32_MAX)
		return false;
	size_t most = most_characters(ascii, width), n = length < most ? length : most;
	uint64_t from = object + (ascii ? o->ascii_data : o->compact_data);
	if (keep_end)
		from += (length - n) * width;
	if (n && !python_read(p, from, data, n * width))
		return false;
	put_characters(text, data, n, width);
	return true;
}

bool python_read_bytes(const struct python_space *p, uint64_t object, size_t max, struct bytes *to)
{
	unsigned char piece[4096];
	uint64_t length, from = object + p->offsets.bytes_data;

	if (!python_is_a(p, object, p->bytes_type) ||
	    !python_read_word(p, object + p->offsets.object_size, &length) || length > max)
		return false;
	while (length) {
		size_t n = length < sizeof piece ? length : sizeof piece;
		if (!python_read(p, from, piece, n))
			return false;
		bytes_put(to, piece, n);
		from += n;
		length -= n;
	}
	return bytes_ok(to);
}

/* --- dicts */

#define DICT_MAX_ENTRIES 16384

/* Head of a dict's keys. Members behind it: a table of indices, then entries. */
struct keys_head {
	uint64_t entries, n;
	bool only_strings; /* entries are key and value, without the hash */
};

static bool read_keys(const struct python_space *p, uint64_t keys, struct keys_head *head)
{
	uint64_t words[5];

	if (!python_read(p, keys, words, sizeof words))
		return false;
	if (p->offsets.minor >= 11) {
		unsigned log2_index_bytes = words[1] >> 8 & 0xff, kind = words[1] >> 16 & 0xff;
		head->entries = keys + 32 + (log2_index_bytes < 32 ? 1ull << log2_index_bytes : 0);
		head->n = words[3];
		head->only_strings = kind != 0;
	} else {
		uint64_t size = words[1];
		head->entries = keys + 40 + size * (size > 0xffff ? 4 : size > 0xff ? 2 : 1);
		head->n = words[4];
		head->only_strings = false;
	}
	return head->n <= DICT_MAX_ENTRIES;
}

static bool is_text(const struct python_space *p, uint64_t string, const char *text)
{
	struct bytes read = {0};
	bool same = python_read_string(p, string, false, &read) && !strcmp(bytes_text(&read), text);
	bytes_free(&read);
	return same;
}

/*
 * The value beside a str key. Keys that many objects share have none: their values, of which each object has its own, are
 * numbered like the keys and lie from `values` on (0: they do not share).
 */
static uint64_t keys_get(const struct python_space *p, uint64_t keys, uint64_t values, const char *key)
{
	struct keys_head head;
	uint64_t entry[3], value;

	if (!read_keys(p, keys, &head))
		return 0;
	for (uint64_t i = 0; i < head.n; i++) {
		size_t bytes = head.only_strings ? 16 : 24;
		uint64_t *pair = head.only_strings ? entry : entry + 1; /* key, value */
		if (!python_read(p, head.entries + i * bytes, entry, bytes))
			return 0;
		if (!pair[0] || (!values && !pair[1]) || !is_text(p, pair[0], key))
			continue;
		if (!values)
			return pair[1];
		return python_read_word(p, values + i * sizeof value, &value) ? value : 0;
	}
	return 0;
}

static uint64_t dict_get(const struct python_space *p, uint64_t dict, bool may_share, const char *key)
{
	uint64_t keys_values[2]; /* keys, values */

	if (!python_is_a(p, dict, p->dict_type) ||
	    !python_read(p, dict + p->offsets.object_size + 16, keys_values, sizeof keys_values))
		return 0;
	return keys_get(p, keys_values[0], may_share ? keys_values[1] : 0, key);
}

uint64_t python_dict_get(const struct python_space *p, uint64_t dict, const char *key)
{
	return dict_get(p, dict, false, key);
}

/* The values of an object's attributes where there is no dict of them, as there is none from 3.11 on until somebody asks for it. */
static bool read_values(const struct python_space *p, uint64_t object, uint64_t *values)
{
	const struct python_offsets *o = &p->offsets;
	unsigned char head[8]; /* capacity, size, embedded, valid */

	if (o->values_inside != PYTHON_NO_MEMBER) {
		*values = object + o->values_inside + sizeof head;
		return python_read(p, object + o->values_inside, head, sizeof head) && head[3] == 1;
	}
	if (!python_read_word(p, object - o->values_before, values) || !*values)
		return false;
	*values += o->values_tag;
	return !(*values % sizeof *values);
}

uint64_t python_attribute_get(const struct python_space *p, uint64_t object, const char *name)
{
	const struct python_offsets *o = &p->offsets;
	uint64_t type, keys, values, dict;

	if (o->attributes != PYTHON_NO_MEMBER)
		return python_read_word(p, object + o->attributes, &dict) ? dict_get(p, dict, true, name) : 0;
	if (o->type_keys == PYTHON_NO_MEMBER || !read_values(p, object, &values) ||
	    !python_read_word(p, object + o->object_type, &type) ||
	    !python_read_word(p, type + o->type_keys, &keys))
		return 0;
	return keys_get(p, keys, values, name);
}

#define INTERPRETERS_MAX 1024

uint64_t python_main_interpreter(const struct python_space *p)
{
	uint64_t interp = 0, next;

	if (!python_read_word(p, p->runtime + p->offsets.runtime_interpreters, &next))
		return 0;
	for (unsigned i = 0; next && i < INTERPRETERS_MAX; i++) {
		interp = next;
		if (!python_read_word(p, interp + p->offsets.interp_next, &next))
			return 0;
	}
	return interp;
}

uint64_t python_module_get(const struct python_space *p, const char *module, const char *name)
{
	const struct python_offsets *o = &p->offsets;
	uint64_t interp = python_main_interpreter(p), modules, object, dict;

	if (!interp || !python_read_word(p, interp + o->interp_modules, &modules))
		return 0;
	object = python_dict_get(p, modules, module);
	if (!object ||
	    !python_read_word(p, object + o->object_size, &dict)) /* its dict is its first member */
		return 0;
	return python_dict_get(p, dict, name);
}
