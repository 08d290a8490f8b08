/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_index.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOTS_BEFORE  256	   /* the register points some way into an isolate's data */
#define ROOTS_BYTES   (128u << 10) /* of these the roots are looked for in */
#define PIECE_BYTES   4096
#define LIST_LENGTH   16 /* of a list of weak references; its capacity lies before */
#define LIST_ELEMENTS 24
#define ENTRIES_MAX   (1u << 19) /* of all lists: ten times those of a large application */
#define IDLE_FACTOR   20	 /* times what reading took: so long it is not read again */
#define PAGES	      64 /* of memory that are kept while it is read: functions lie close to each other */
#define SAMPLE	      16 /* elements by which the list is recognised */
#define WEAK	      2	 /* the bit of a pointer */
#define CLEARED	      3	 /* low half of one whose object is gone */

struct page {
	uint64_t number_plus_1;
	unsigned char bytes[PIECE_BYTES];
};

struct reading {
	struct v8_index *index;
	const struct v8_space *v;
	struct page *pages;
	size_t n; /* entries looked at */
};

static uint64_t monotonic_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- memory, by pages */

static bool word_at(struct reading *r, uint64_t address, uint64_t *word)
{
	uint64_t number = address / PIECE_BYTES, offset = address % PIECE_BYTES;
	struct page *p = &r->pages[number % PAGES];

	if (offset % sizeof *word || offset + sizeof *word > PIECE_BYTES)
		return false;
	if (p->number_plus_1 != number + 1) {
		p->number_plus_1 = 0;
		if (!v8_read(r->v, number * PIECE_BYTES, p->bytes, PIECE_BYTES))
			return false;
		p->number_plus_1 = number + 1;
	}
	memcpy(word, p->bytes + offset, sizeof *word);
	return true;
}

static bool load(struct reading *r, uint64_t object, unsigned offset, uint64_t *word)
{
	return v8_is_object(object) && word_at(r, object - 1 + offset, word);
}

static bool is_a(struct reading *r, uint64_t object, uint16_t type)
{
	uint64_t map, word;

	return load(r, object, 0, &map) && load(r, map, V8_MAP_TYPE & ~7u, &word) &&
	       (uint16_t)(word >> 8 * (V8_MAP_TYPE & 7)) == type;
}

/* Of a weak reference; 0: its object is gone. */
static uint64_t referent(uint64_t word)
{
	return (word & V8_TAG_MASK) != (1 | WEAK) || (uint32_t)word == CLEARED ? 0 : word & ~(uint64_t)WEAK;
}

/* --- the list of scripts */

static uint64_t smi(uint64_t word)
{
	return (uint32_t)word ? 0 : word >> V8_SMI_SHIFT;
}

static bool is_scripts(struct reading *r, uint64_t list)
{
	uint64_t length, word, script, n_scripts = 0;

	if (!is_a(r, list, r->v->offsets.scripts_type) || !load(r, list, LIST_LENGTH, &length))
		return false;
	for (unsigned i = 0; i < smi(length) && i < SAMPLE; i++) {
		if (!load(r, list, LIST_ELEMENTS + 8 * i, &word))
			return false;
		script = referent(word);
		if (script && !is_a(r, script, r->v->offsets.script_type))
			return false;
		n_scripts += script != 0;
	}
	return n_scripts;
}

static uint64_t find_scripts(struct reading *r, uint64_t root)
{
	uint64_t word, from = (root & ~7ull) - ROOTS_BEFORE;

	for (uint64_t at = from; at < from + ROOTS_BYTES && word_at(r, at, &word); at += sizeof word)
		if (v8_is_object(word) && is_scripts(r, word))
			return at;
	return 0;
}

static bool is_known(const struct v8_index *x, uint64_t root)
{
	for (unsigned i = 0; i < x->n_isolates; i++)
		if (x->isolates[i].root == root)
			return true;
	return !root || x->n_isolates == V8_ISOLATES_MAX;
}

static void meet_isolate(struct reading *r, uint64_t root)
{
	struct v8_index *x = r->index;

	if (is_known(x, root))
		return;
	x->isolates[x->n_isolates].root = root;
	x->isolates[x->n_isolates++].scripts = find_scripts(r, root);
}

/* --- reading it */

static void take_function(struct reading *r, uint64_t shared)
{
	const struct v8_offsets *o = &r->v->offsets;
	uint64_t data;

	if (!is_a(r, shared, o->shared_type) || !load(r, shared, o->shared_data, &data))
		return;
	if (!is_a(r, data, o->bytecodes_type))
		data = is_a(r, data, o->code_type) || is_a(r, data, o->interpreter_data_type)
			       ? v8_bytecodes_of(r->v, data)
			       : 0;
	if (data)
		idmap_put(&r->index->by_bytecodes, data, (void *)shared);
}

static void take_script(struct reading *r, uint64_t script)
{
	uint64_t functions, length, word;

	if (!is_a(r, script, r->v->offsets.script_type) ||
	    !load(r, script, V8_SCRIPT_FUNCTIONS, &functions) ||
	    !is_a(r, functions, r->v->offsets.functions_type) ||
	    !load(r, functions, V8_ARRAY_LENGTH, &length))
		return;
	for (unsigned i = 0; i < smi(length) && r->n < ENTRIES_MAX; i++, r->n++) {
		if (!load(r, functions, V8_ARRAY_DATA + 8 * i, &word))
			return;
		if (referent(word))
			take_function(r, referent(word));
	}
}

static void take_scripts(struct reading *r, uint64_t slot)
{
	uint64_t list, length, word;

	if (!slot || !word_at(r, slot, &list) || !is_scripts(r, list) || !load(r, list, LIST_LENGTH, &length))
		return;
	for (unsigned i = 0; i < smi(length) && r->n < ENTRIES_MAX; i++, r->n++) {
		if (!load(r, list, LIST_ELEMENTS + 8 * i, &word))
			return;
		if (referent(word))
			take_script(r, referent(word));
	}
}

static void read_all(struct v8_index *index, const struct v8_space *v, uint64_t root)
{
	struct reading r = {.index = index, .v = v, .pages = calloc(PAGES, sizeof *r.pages)};
	uint64_t begin = monotonic_ns(), end;

	if (!r.pages || (begin < index->next_ns && is_known(index, root))) {
		free(r.pages);
		return;
	}
	meet_isolate(&r, root);
	idmap_free(&index->by_bytecodes);
	index->by_bytecodes = (struct idmap){0};
	for (unsigned i = 0; i < index->n_isolates; i++)
		take_scripts(&r, index->isolates[i].scripts);
	free(r.pages);
	end = monotonic_ns();
	index->next_ns = end + IDLE_FACTOR * (end - begin);
}

uint64_t v8_index_find(struct v8_index *index, const struct v8_space *v, uint64_t root, uint64_t bytecodes)
{
	uint64_t shared = (uint64_t)idmap_get(&index->by_bytecodes, bytecodes);

	if (shared)
		return shared;
	read_all(index, v, root);
	return (uint64_t)idmap_get(&index->by_bytecodes, bytecodes);
}

void v8_index_clear(struct v8_index *index)
{
	idmap_free(&index->by_bytecodes);
	*index = (struct v8_index){0};
}
