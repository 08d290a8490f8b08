/* SPDX-License-Identifier: Apache-2.0 */
/*
 * V8's tables from code to source: the source positions of bytecodes and of optimised code, and how much baseline code each
 * bytecode became. Pure; the bytes are hostile.
 */
#ifndef LOOPSTALL_SYMBOL_V8_TABLES_H
#define LOOPSTALL_SYMBOL_V8_TABLES_H

#include "symbol/v8_space.h"

/* A place in a script, and in which of the functions that were compiled into another one. */
struct v8_position {
	uint32_t offset;  /* characters from the start of the script */
	int32_t inlining; /* index of the call that was inlined, -1: none was */
};

#define V8_POSITION_BYTES 8
/* False: it says no place in a script. */
bool v8_position_decode(uint64_t raw, struct v8_position *position);
/* Of the last entry at or before a code offset; false if there is none, or the table is no table. */
bool v8_position_at(const void *table, size_t bytes, uint32_t code_offset, struct v8_position *position);
/*
 * The bytecode that baseline code was made from: `lengths` are those of the code of each bytecode, before them the prologue's. end:
 * distance to the end of the instruction, or where a call returns to. False if it belongs to none.
 */
bool v8_bytecode_at(const struct v8_space *v, const void *lengths, size_t lengths_bytes,
		    const void *bytecodes, size_t bytecodes_bytes, uint32_t end, uint32_t *offset);

#endif
