/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/jit_map.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CODE_BYTES (256u << 20) /* of one entry; V8's whole code range is half of it */

/* --- lines --------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number and the blank behind it; the JVM writes "0x" before it. */
static bool take_hex(const char **at, const char *end, uint64_t *value)
{
	const char *p = *at;
	unsigned digits = 0;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	for (*value = 0; p < end && hex_digit(*p) >= 0; p++, digits += *value != 0)
		*value = *value << 4 | (unsigned)hex_digit(*p);
	if (digits > 16 || p == *at || p == end || *p != ' ')
		return false;
	*at = p + 1;
	return true;
}

static bool parse_line(const char *at, const char *end, struct jit_entry *e, const char **name,
		       size_t *name_len)
{
	uint64_t bytes;

	if (!take_hex(&at, end, &e->start) || !take_hex(&at, end, &bytes) || at == end)
		return false;
	if (!bytes || bytes > MAX_CODE_BYTES || e->start + bytes < e->start)
		return false;
	e->bytes = (uint32_t)bytes;
	*name = at;
	*name_len = (size_t)(end - at);
	return true;
}

static void give_up(struct jit_map *m)
{
	jit_map_clear(m);
	m->full = true;
}

static void add_line(struct jit_map *m, const char *at, const char *end)
{
	struct jit_entry e = {.order = m->next_order++};
	const char *name;
	size_t len;

	if (!parse_line(at, end, &e, &name, &len))
		return;
	if (!m->names)
		m->names = intern_new();
	e.name = m->names ? intern_id(m->names, name, len < JIT_MAP_NAME_BYTES ? len : JIT_MAP_NAME_BYTES)
			  : INTERN_NONE;
	if (e.name >= JIT_MAP_MAX_NAMES || m->n_fresh >= JIT_MAP_MAX_ENTRIES ||
	    !array_reserve(&m->fresh, &m->fresh_cap, m->n_fresh + 1, sizeof *m->fresh))
		give_up(m);
	else
		m->fresh[m->n_fresh++] = e;
}

size_t jit_map_add(struct jit_map *m, const char *text, size_t len)
{
	const char *at = text, *end = text + len, *eol;

	while (at < end && (eol = memchr(at, '\n', (size_t)(end - at)))) {
		if (!m->full)
			add_line(m, at, eol);
		at = eol + 1;
	}
	return (size_t)(at - text);
}

/* --- the table ----------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct jit_entry *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/*
 * Puts the next one by start behind those that are disjoint already: only the last of them can reach into it, and the later of two
 * that overlap stays, whole; what is left of the other is code no more.
 */
static size_t put(struct jit_entry *entries, size_t n, const struct jit_entry *e)
{
	while (n && entries[n - 1].start + entries[n - 1].bytes > e->start) {
		if (entries[n - 1].order > e->order)
			return n;
		n--;
	}
	entries[n] = *e;
	return n + 1;
}

void jit_map_settle(struct jit_map *m)
{
	struct jit_entry *merged;
	size_t n = 0, i = 0, k = 0;

	if (!m->n_fresh)
		return;
	if (m->n + m->n_fresh > JIT_MAP_MAX_ENTRIES ||
	    !(merged = calloc(m->n + m->n_fresh, sizeof *merged))) {
		give_up(m);
		return;
	}
	qsort(m->fresh, m->n_fresh, sizeof *m->fresh, by_start);
	while (i < m->n || k < m->n_fresh) {
		bool old = k == m->n_fresh || (i < m->n && by_start(&m->entries[i], &m->fresh[k]) < 0);
		n = put(merged, n, old ? &m->entries[i++] : &m->fresh[k++]);
	}
	free(m->entries);
	m->entries = merged;
	m->cap = m->n + m->n_fresh;
	m->n = n;
	m->n_fresh = 0;
}

const char *jit_map_find(const struct jit_map *m, uint64_t address, size_t *len)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct jit_entry *e = &m->entries[mid];
		if (address < e->start)
			high = mid;
		else if (address - e->start >= e->bytes)
			low = mid + 1;
		else
			return intern_key(m->names, e->name, len);
	}
	return NULL;
}

void jit_map_clear(struct jit_map *m)
{
	free(m->entries);
	free(m->fresh);
	intern_free(m->names);
	*m = (struct jit_map){0};
}
