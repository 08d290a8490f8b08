/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process' V8 as the worker sees it: its memory behind a descriptor, where members lie, and objects read with their type
 * checked first. Everything read here may be garbage or malice; a reader says false and nobody guesses.
 *
 * A word is a small integer (bit 0 clear) or an object's address plus one; a weak one plus three.
 */
#ifndef LOOPSTALL_SYMBOL_V8_SPACE_H
#define LOOPSTALL_SYMBOL_V8_SPACE_H

#include "base/bytes.h"
#include "symbol/v8_offsets.h"

#define V8_TAG_MASK  3
#define V8_SMI_SHIFT 32
#define V8_MAP_TYPE  12

#define V8_ARRAY_LENGTH 8
#define V8_ARRAY_DATA	16

#define V8_STRING_TYPES	   128 /* below */
#define V8_STRING_SHAPE	   7   /* bits of the type: how the characters are kept */
#define V8_STRING_CONS	   1
#define V8_STRING_EXTERNAL 2
#define V8_STRING_SLICED   3
#define V8_STRING_THIN	   5
#define V8_STRING_ONE_BYTE 8
#define V8_STRING_UNCACHED 16 /* external, and only its own code knows where */
#define V8_STRING_LENGTH   12
#define V8_STRING_CHARS	   16
#define V8_STRING_FIRST	   16
#define V8_STRING_SECOND   24

#define V8_SCRIPT_SOURCE    8
#define V8_SCRIPT_NAME	    16
#define V8_SCRIPT_LINE	    24 /* of its first line, from 0 */
#define V8_SCRIPT_ID	    64
#define V8_SCRIPT_FUNCTIONS 88

/* From the frame pointer of a JavaScript frame. */
#define V8_FRAME_CONTEXT   (-8) /* in other frames a small integer, their kind */
#define V8_FRAME_FUNCTION  (-16)
#define V8_FRAME_BYTECODES (-32) /* interpreted and baseline */
#define V8_FRAME_OFFSET	   (-40) /* interpreted */

#define V8_TEXT_BYTES 510 /* of a name or path; a longer path keeps its end */

#define V8_SCALES	 3 /* of operands: one, two or four bytes */
#define V8_BYTECODES_MAX 256

struct v8_space {
	int memory; /* of /proc/PID/mem; -1: none */
	struct v8_offsets offsets;
	uint32_t n_bytecodes; /* 0: their lengths are not known */
	uint8_t bytecode_bytes[V8_SCALES][V8_BYTECODES_MAX];
};

bool v8_read(const struct v8_space *v, uint64_t address, void *to, size_t bytes);
static inline bool v8_is_object(uint64_t word)
{
	return (word & V8_TAG_MASK) == 1;
}
/* The word at an offset of an object. */
bool v8_load(const struct v8_space *v, uint64_t object, unsigned offset, uint64_t *word);
/* The same, of a small integer; false for anything else, and below 0. */
bool v8_load_smi(const struct v8_space *v, uint64_t object, unsigned offset, uint32_t *number);
bool v8_type(const struct v8_space *v, uint64_t object, uint16_t *type);
bool v8_is_a(const struct v8_space *v, uint64_t object, uint16_t type);
/* The elements of an array of bytes of this type, at most max. */
bool v8_read_bytes(const struct v8_space *v, uint64_t object, uint16_t type, size_t max, struct bytes *to);
/* What a function runs, or what code was made from, down to its bytecodes. 0: it has none. */
uint64_t v8_bytecodes_of(const struct v8_space *v, uint64_t data);
bool v8_element(const struct v8_space *v, uint64_t array, unsigned index, uint64_t *word);

/* Characters that lie side by side. */
struct v8_text {
	uint64_t address;
	uint32_t length; /* characters */
	uint8_t width;	 /* bytes of each: 1 or 2 */
};
/* False if it is no string, or its characters are in several pieces or not to be found. */
bool v8_text_of(const struct v8_space *v, uint64_t string, struct v8_text *text);
/* UTF-8; its beginning, or its end if keep_end. */
bool v8_read_string(const struct v8_space *v, uint64_t string, bool keep_end, struct bytes *to);

#endif
