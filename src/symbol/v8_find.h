/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this module of a process V8, which one, and is it laid out as our table says? By symbols, which Node exports, never by the
 * file's name.
 */
#ifndef LOOPSTALL_SYMBOL_V8_FIND_H
#define LOOPSTALL_SYMBOL_V8_FIND_H

#include "symbol/elf_file.h"
#include "symbol/v8_space.h"

enum v8_find {
	V8_ABSENT, /* the module has no V8 */
	V8_FOUND,
	V8_UNKNOWN, /* a version without a row in our table */
	V8_UNLIKE,  /* the binary contradicts the row, or says nothing of itself */
	V8_FINDS
};

/* Fills v, whose memory is set. *version is major * 100 + minor, also of a version that is refused, 0 unknown. */
enum v8_find v8_find(struct v8_space *v, const struct elf_file *f, uint32_t *version);

#endif
