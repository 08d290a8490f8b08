/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lines of one script end. Its text is read to count them, and not kept. */
#ifndef LOOPSTALL_SYMBOL_V8_LINES_H
#define LOOPSTALL_SYMBOL_V8_LINES_H

#include "symbol/v8_space.h"

struct v8_lines {
	uint32_t script_id, first; /* first: number of the script's first line, from 1 */
	uint32_t characters;
	size_t n;
	uint32_t *ends; /* position of each line's last character */
};

/* NULL: it is no script, or there is no memory. Of one whose text cannot be read, or has more than max lines, no line is known. */
struct v8_lines *v8_lines_read(const struct v8_space *v, uint64_t script, size_t max);
/* Is that still the script that they were read from? */
bool v8_lines_are_of(const struct v8_lines *lines, const struct v8_space *v, uint64_t script);
/* 0: beyond the script. */
uint32_t v8_lines_at(const struct v8_lines *lines, uint32_t position);
void v8_lines_free(struct v8_lines *lines);

#endif
