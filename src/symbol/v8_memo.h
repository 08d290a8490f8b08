/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that were named before. A stack has the same frames as the one before it, mostly, and to name one takes two dozen reads; to
 * see that nothing has changed takes one to four. Of a stack that was taken before the last such look there is nothing to learn from
 * another.
 */
#ifndef LOOPSTALL_SYMBOL_V8_MEMO_H
#define LOOPSTALL_SYMBOL_V8_MEMO_H

#include "symbol/v8_code.h"
#include "symbol/v8_function.h"

#define V8_LEVELS_MAX 16 /* functions in one frame */

struct v8_level {
	const struct v8_function *function;
	uint32_t line; /* that runs, or the one in which the function begins; 0 unknown */
};

/* What makes two frames the same. */
struct v8_place {
	uint64_t pc;	    /* 0: interpreted */
	uint64_t bytecodes; /* interpreted */
	uint64_t offset;    /* the same: as the frame has it, and what is known of it */
};

struct v8_named {
	struct v8_place place;
	uint64_t checked_ns;
	struct v8_code code; /* of a compiled one; start 0: interpreted */
	uint64_t bytecodes;  /* 0: optimised */
	uint64_t data;	     /* what the function of an unoptimised one runs: these, or what has them */
	uint32_t n;
	struct {
		uint64_t shared;
		uint32_t id, line;
	} levels[V8_LEVELS_MAX]; /* innermost first */
};

/* A zeroed struct is empty. */
struct v8_memo {
	struct idmap by_place;
	uint64_t taken_ns, now_ns; /* of the stack that is being named, and when that began; 0 unknown */
};

/* Before the frames of a stack. */
void v8_memo_begin(struct v8_memo *m, uint64_t taken_ns, uint64_t now_ns);
/*
 * How many functions the frame has, if it still has the same; 0: it has to be named. bytecodes: what the frame says that it runs, if it
 * says so.
 */
uint32_t v8_memo_find(struct v8_memo *m, const struct v8_space *v, struct v8_codes *codes,
		      struct v8_functions *functions, const struct v8_place *place, uint64_t bytecodes,
		      struct v8_level levels[V8_LEVELS_MAX]);
/* Keeps a copy; its time is that of the stack's. */
void v8_memo_keep(struct v8_memo *m, const struct v8_named *named);
void v8_memo_clear(struct v8_memo *m);

#endif
