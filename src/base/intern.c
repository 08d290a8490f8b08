/* SPDX-License-Identifier: Apache-2.0 */
#include "base/intern.h"

#include "base/array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct intern_entry {
	uint64_t hash;
	size_t len;
	char *key;
};

struct intern {
	struct intern_entry *entries;
	size_t n, cap;
	uint32_t *slots; /* id + 1, 0 is free; a power of two, at most half full */
	size_t n_slots;
};

static uint64_t hash_bytes(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h ^ (h >> 29);
}

struct intern *intern_new(void)
{
	return calloc(1, sizeof(struct intern));
}

void intern_free(struct intern *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->n; i++)
		free(in->entries[i].key);
	free(in->entries);
	free(in->slots);
	free(in);
}

static size_t slot_of(const struct intern *in, uint64_t hash, const void *key, size_t len)
{
	size_t s = hash & (in->n_slots - 1);
	while (in->slots[s]) {
		const struct intern_entry *e = &in->entries[in->slots[s] - 1];
		if (e->hash == hash && e->len == len && !memcmp(e->key, key, len))
			break;
		s = (s + 1) & (in->n_slots - 1);
	}
	return s;
}

static bool grow_slots(struct intern *in)
{
	size_t n_slots = in->n_slots ? in->n_slots * 2 : 64;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	if (!slots)
		return false;
	for (size_t i = 0; i < in->n; i++) {
		size_t s = in->entries[i].hash & (n_slots - 1);
		while (slots[s])
			s = (s + 1) & (n_slots - 1);
		slots[s] = (uint32_t)i + 1;
	}
	free(in->slots);
	in->slots = slots;
	in->n_slots = n_slots;
	return true;
}

uint32_t intern_find(const struct intern *in, const void *key, size_t len)
{
	if (!in->n_slots)
		return INTERN_NONE;
	uint32_t found = in->slots[slot_of(in, hash_bytes(key, len), key, len)];
	return found ? found - 1 : INTERN_NONE;
}

uint32_t intern_id(struct intern *in, const void *key, size_t len)
{
	if ((in->n + 1) * 2 > in->n_slots && !grow_slots(in))
		return INTERN_NONE;
	uint64_t hash = hash_bytes(key, len);
	size_t s = slot_of(in, hash, key, len);
	if (in->slots[s])
		return in->slots[s] - 1;
	if (in->n >= INTERN_NONE - 1 ||
	    !array_reserve(&in->entries, &in->cap, in->n + 1, sizeof *in->entries))
		return INTERN_NONE;
	char *copy = malloc(len + 1);
	if (!copy)
		return INTERN_NONE;
	if (len)
		memcpy(copy, key, len);
	copy[len] = 0;
	in->entries[in->n] = (struct intern_entry){.hash = hash, .len = len, .key = copy};
	in->slots[s] = (uint32_t)++in->n;
	return (uint32_t)in->n - 1;
}

const char *intern_text(struct intern *in, const char *text)
{
	uint32_t id = intern_id(in, text, strlen(text));
	return id == INTERN_NONE ? "" : in->entries[id].key;
}

const void *intern_key(const struct intern *in, uint32_t id, size_t *len)
{
	if (id >= in->n)
		return NULL;
	if (len)
		*len = in->entries[id].len;
	return in->entries[id].key;
}

uint32_t intern_count(const struct intern *in)
{
	return (uint32_t)in->n;
}
