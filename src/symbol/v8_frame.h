/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a JavaScript frame as the kernel copied it to the functions that run in it: one, or in optimised code also those that were
 * compiled into it.
 *
 * V8's memory is read later than the frame. By then the closure may have moved, and another one may lie in its place: a
 * name is only given if the closure, or the list of all functions, leads to the very bytecodes that the frame runs, or the optimised
 * code that holds the frame's pc leads to the function, and the closure to no other.
 */
#ifndef LOOPSTALL_SYMBOL_V8_FRAME_H
#define LOOPSTALL_SYMBOL_V8_FRAME_H

#include "symbol/v8_index.h"
#include "symbol/v8_memo.h"
#include "symbol/v8_tables.h"

struct v8_frame {
	uint64_t pc;
	uint64_t root;	   /* V8's root register, 0 unknown */
	bool exact;	   /* pc is the instruction itself, not the one behind a call */
	bool interpreted;  /* pc is the interpreter's */
	bool no_bytecodes; /* the frame's slot for them was not there yet */
	uint64_t context, closure, bytecodes, offset; /* its slots */
	bool offset_is_live; /* offset is the interpreter's own register, not what it saved at the last call */
	bool offset_unknown;
};

/* All that is known of one process. A zeroed struct with the space and functions.next_id set knows nothing. */
struct v8_names {
	struct v8_space space;
	struct v8_codes codes;
	struct v8_functions functions;
	struct v8_index index;
	struct v8_memo memo;	     /* v8_memo_begin() before each stack */
	struct bytes table, lengths; /* scratch */
};

/* Innermost first; 0: not to be named. Good until the next call. */
uint32_t v8_frame_name(struct v8_names *n, const struct v8_frame *frame,
		       struct v8_level levels[V8_LEVELS_MAX]);
void v8_names_clear(struct v8_names *n);

#endif
