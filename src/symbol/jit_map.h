/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a perf map, /tmp/perf-PID.map, as a table: which code that a process compiled lies where. Lines are
 * "START BYTES NAME", numbers in hexadecimal. The file only grows: a later line replaces what it overlaps, for memory of dead code
 * is used again. Knows neither files nor what the names mean.
 */
#ifndef LOOPSTALL_SYMBOL_JIT_MAP_H
#define LOOPSTALL_SYMBOL_JIT_MAP_H

#include "base/intern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JIT_MAP_MAX_ENTRIES (1u << 20) /* 24 MB; a small Node program has 3,000 */
#define JIT_MAP_MAX_NAMES   (1u << 18) /* of JIT_MAP_NAME_BYTES at most */
#define JIT_MAP_NAME_BYTES  1024

struct jit_entry {
	uint64_t start;
	uint32_t bytes, name;
	uint32_t order; /* later wins */
};

struct jit_map {
	struct jit_entry *entries; /* sorted, disjoint */
	size_t n, cap;
	struct jit_entry *fresh; /* not yet among them */
	size_t n_fresh, fresh_cap;
	struct intern *names;
	uint32_t next_order;
	bool full; /* a bound or the memory was reached: it is empty from then on, for what is outdated names wrongly */
};

/*
 * Takes the text's complete lines, and returns how many bytes those are; a line that does not parse is left out. Call
 * jit_map_settle() before the next look.
 */
size_t jit_map_add(struct jit_map *m, const char *text, size_t len);
void jit_map_settle(struct jit_map *m);
/* NULL if nothing is known to lie there. The text, not NUL-terminated by len, lives as long as the map. */
const char *jit_map_find(const struct jit_map *m, uint64_t address, size_t *len);
/* Empty, and no longer full. */
void jit_map_clear(struct jit_map *m);

#endif
