/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which code was compiled to the instructions at an address. V8 keeps no index that could be read from outside, but each piece of
 * code begins with a header that points to its description, which points back: so it is looked for backwards from the address.
 */
#ifndef LOOPSTALL_SYMBOL_V8_CODE_H
#define LOOPSTALL_SYMBOL_V8_CODE_H

#include "base/idmap.h"
#include "symbol/v8_space.h"

struct v8_code {
	uint64_t start, bytes; /* of its instructions */
	uint64_t data;	       /* object: what it was made from */
	uint64_t positions;    /* object: its table */
};

/* A zeroed struct is empty. */
struct v8_codes {
	struct idmap streams;	/* pc: the stream that it was found in, as a tagged pointer */
	uint64_t map, code_map; /* of every stream, and of every description; 0 until one was seen */
};

/* False: there is none, or none any more. */
bool v8_code_find(struct v8_codes *known, const struct v8_space *v, uint64_t pc, struct v8_code *code);
void v8_codes_clear(struct v8_codes *known);

#endif
