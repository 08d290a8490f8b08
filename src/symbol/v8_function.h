/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a SharedFunctionInfo, which is what all closures of a function in the source share, to its name, its file, and from a place in
 * the file to the line.
 *
 * Objects move and their memory is used again: what is known of one is kept by its address, and is good only while the
 * object there refers to the same name and script as when it was read. Of the source nothing is kept but where its lines end.
 */
#ifndef LOOPSTALL_SYMBOL_V8_FUNCTION_H
#define LOOPSTALL_SYMBOL_V8_FUNCTION_H

#include "base/idmap.h"
#include "symbol/v8_space.h"

#define V8_NO_POSITION UINT32_MAX

struct v8_function {
	uint32_t id;		     /* never used again for another */
	uint64_t shared;	     /* where it is */
	uint64_t scope, script;	     /* by which it is known again */
	uint32_t start;		     /* in the script, V8_NO_POSITION unknown */
	const char *function, *file; /* bytes from outside, uncleaned; "" none */
	struct v8_function *retired; /* the next one that is known no more */
};

/* A zeroed struct with next_id set is an empty book. */
struct v8_functions {
	struct idmap by_address, scripts;
	size_t n_lines; /* of all scripts */
	uint64_t map;	/* of every SharedFunctionInfo, 0 until one was seen */
	struct v8_function *retired;
	uint32_t *next_id; /* shared by all books of a worker */
};

/* Before a frame: what was found for the last one is good until here. */
void v8_functions_begin(struct v8_functions *known);
/* NULL: it is none. *data is what it runs: bytecodes, or code that has them. */
const struct v8_function *v8_function_find(struct v8_functions *known, const struct v8_space *v,
					   uint64_t shared, uint64_t *data);
/* As v8_function_find() found it last; NULL: not, or it is another one by now. */
const struct v8_function *v8_function_recall(const struct v8_functions *known, uint64_t shared, uint32_t id);
/* From 1; 0: it cannot be told. */
uint32_t v8_function_line(struct v8_functions *known, const struct v8_space *v, const struct v8_function *f,
			  uint32_t position);
void v8_functions_clear(struct v8_functions *known);

#endif
