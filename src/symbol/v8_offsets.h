/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where V8 keeps what we read, by version: data, no code. Offsets are bytes from an object's start, in 64-bit builds without
 * pointer compression, which is what Node is built as. Each row was measured on a running Node, and is compared with what the
 * binary says of itself (its `v8dbg_` symbols, of which each version has others). A version without a row is refused, never guessed.
 */
#ifndef LOOPSTALL_SYMBOL_V8_OFFSETS_H
#define LOOPSTALL_SYMBOL_V8_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct v8_offsets {
	uint16_t major, minor;
	/* instance types, as an object's map tells them */
	uint16_t shared_type, bytecodes_type, code_type, stream_type, script_type, scope_type;
	uint16_t interpreter_data_type; /* holds the bytecodes of a function with an entry of its own */
	uint16_t positions_type;	/* of source position tables */
	uint16_t deopt_type, literals_type, inlined_type;
	uint16_t scripts_type, functions_type; /* of the lists of all scripts, and of a script's functions */
	uint16_t
		wrapper_type; /* of the box that the deoptimisation data has its function in; 0: it has none */
	/* of a closure, and of the function that all its closures share */
	uint16_t function_shared;
	uint16_t shared_data, shared_name, shared_script, shared_token;
	uint16_t bytecodes_positions, bytecodes_data;
	/* Of compiled code, which describes a stream of instructions; they are one object where code_stream is 0. */
	uint16_t code_data;	 /* baseline: its bytecodes; optimised: deoptimisation data */
	uint16_t code_positions; /* baseline: lengths of its code by bytecode */
	uint16_t code_stream, code_start, code_size;
	uint16_t stream_code, stream_start;
	uint8_t deopt_shared, deopt_literals, deopt_inlined; /* indices of an array */
	uint8_t function_scope;	      /* the kind of scope that has a function's name */
	bool scope_begins_with_place; /* start and end come before the names of variables, not behind them */
};

/* NULL for a version that is not known. */
const struct v8_offsets *v8_offsets_of(unsigned major, unsigned minor);

/* A symbol of the binary, and what it should hold. */
struct v8_published {
	const char *symbol; /* NULL ends */
	uint16_t value;
};

#define V8_PUBLISHED_MAX 48
/* What the binary may publish of a row, and what all rows have in common. Returns the number. */
size_t v8_offsets_published(const struct v8_offsets *o, struct v8_published published[V8_PUBLISHED_MAX]);

#endif
