/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names from outside (comm, paths, symbols, unit names) made safe to show: what comes out is valid UTF-8
 * without control characters, bidirectional overrides or line separators, so that no name can move a cursor,
 * reorder a line or end one.
 *
 * A bad byte becomes \xNN, a bad character \uNNNN, as text. Cleaning clean text changes nothing.
 */
#ifndef LOOPSTALL_BASE_CLEAN_H
#define LOOPSTALL_BASE_CLEAN_H

#include "base/bytes.h"

#define CLEAN_MAX_BYTES 4096 /* longer results are cut at a character and end in an ellipsis */

/* Appends the cleaned text. It ends at len, not at a NUL: a NUL is a bad byte. */
void clean_text(struct bytes *out, const char *text, size_t len);

/* Fits clean text into a place of so many bytes: cut like that if it is too long, zeros behind it. */
void clean_fit(char *to, size_t bytes, const char *text);

/* Bytes of the well-formed UTF-8 character at text (1 to 4, len > 0) and its code point; 0 if it is
 * malformed. */
size_t clean_character(const char *text, size_t len, uint32_t *point);

#endif
