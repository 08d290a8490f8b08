/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from 64-bit keys to pointers it does not own. A zeroed struct is an empty map. */
#ifndef LOOPSTALL_BASE_IDMAP_H
#define LOOPSTALL_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t key;
	void *value; /* NULL is free */
};

struct idmap {
	struct idmap_slot *slots;
	size_t n, n_slots;
};

void *idmap_get(const struct idmap *m, uint64_t key);
/* value must not be NULL; replaces. False without memory. */
bool idmap_put(struct idmap *m, uint64_t key, void *value);
/* The value taken out, NULL if there was none. */
void *idmap_take(struct idmap *m, uint64_t key);
/* Walks all values in no order: start with *at = 0; NULL at the end. Do not put or take while walking. */
void *idmap_next(const struct idmap *m, size_t *at, uint64_t *key);
void idmap_free(struct idmap *m);

#endif
