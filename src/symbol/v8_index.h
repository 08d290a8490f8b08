/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which function runs these bytecodes? They do not say; but each isolate has a list of all its scripts, and each script one of its
 * functions. It is read when a function is not found otherwise, which is when the closure that was called has moved: closures move
 * often, functions and bytecodes hardly ever.
 *
 * What it says is a hint: the function has to be asked.
 */
#ifndef LOOPSTALL_SYMBOL_V8_INDEX_H
#define LOOPSTALL_SYMBOL_V8_INDEX_H

#include "base/idmap.h"
#include "symbol/v8_space.h"

#define V8_ISOLATES_MAX 16 /* of one process: its worker threads have one each */

/* A zeroed struct is empty. */
struct v8_index {
	struct {
		uint64_t root;	  /* its root register */
		uint64_t scripts; /* address of the word that refers to its list; 0: not found */
	} isolates[V8_ISOLATES_MAX];
	unsigned n_isolates;
	struct idmap by_bytecodes; /* functions, as tagged pointers */
	uint64_t next_ns;	   /* not read again before that */
};

/* 0: it is not in the list, or was not when that was read last, which takes a twentieth of the time at most. */
uint64_t v8_index_find(struct v8_index *index, const struct v8_space *v, uint64_t root, uint64_t bytecodes);
void v8_index_clear(struct v8_index *index);

#endif
