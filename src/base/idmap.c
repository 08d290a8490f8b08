/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing and backward-shift deletion, so there are no tombstones. */
#include "base/idmap.h"

#include <stdlib.h>

static size_t home(const struct idmap *m, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15u >> 20) & (m->n_slots - 1);
}

static size_t find(const struct idmap *m, uint64_t key)
{
	size_t s = home(m, key);
	while (m->slots[s].value && m->slots[s].key != key)
		s = (s + 1) & (m->n_slots - 1);
	return s;
}

void *idmap_get(const struct idmap *m, uint64_t key)
{
	return m->n_slots ? m->slots[find(m, key)].value : NULL;
}

static bool grow(struct idmap *m)
{
	struct idmap next = {.n = m->n, .n_slots = m->n_slots ? m->n_slots * 2 : 32};
	next.slots = calloc(next.n_slots, sizeof *next.slots);
	if (!next.slots)
		return false;
	for (size_t i = 0; i < m->n_slots; i++)
		if (m->slots[i].value)
			next.slots[find(&next, m->slots[i].key)] = m->slots[i];
	free(m->slots);
	*m = next;
	return true;
}

bool idmap_put(struct idmap *m, uint64_t key, void *value)
{
	if ((m->n + 1) * 2 > m->n_slots && !grow(m))
		return false;
	struct idmap_slot *slot = &m->slots[find(m, key)];
	m->n += !slot->value;
	*slot = (struct idmap_slot){key, value};
	return true;
}

void *idmap_take(struct idmap *m, uint64_t key)
{
	if (!m->n_slots)
		return NULL;
	size_t hole = find(m, key), mask = m->n_slots - 1;
	void *value = m->slots[hole].value;
	if (!value)
		return NULL;
	m->n--;
	for (size_t s = (hole + 1) & mask; m->slots[s].value; s = (s + 1) & mask) {
		size_t from = home(m, m->slots[s].key);
		if (((s - from) & mask) < ((s - hole) & mask))
			continue;
		m->slots[hole] = m->slots[s];
		hole = s;
	}
	m->slots[hole] = (struct idmap_slot){0};
	return value;
}

void *idmap_next(const struct idmap *m, size_t *at, uint64_t *key)
{
	while (*at < m->n_slots) {
		const struct idmap_slot *slot = &m->slots[(*at)++];
		if (!slot->value)
			continue;
		if (key)
			*key = slot->key;
		return slot->value;
	}
	return NULL;
}

void idmap_free(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){0};
}
