/* SPDX-License-Identifier: Apache-2.0 */
/* A function's name and start out of its ScopeInfo, an array whose members come and go with its flags. */
#ifndef LOOPSTALL_SYMBOL_V8_SCOPE_H
#define LOOPSTALL_SYMBOL_V8_SCOPE_H

#include "symbol/v8_space.h"

struct v8_scope {
	uint64_t name;	/* a string, 0: it has none */
	uint32_t start; /* in the script, V8_NO_POSITION unknown */
};

/* Of what a function keeps as its name: a ScopeInfo, a string, or neither. False if it is not to be understood. */
bool v8_scope_read(const struct v8_space *v, uint64_t word, struct v8_scope *scope);

#endif
