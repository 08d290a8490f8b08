/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame as the kernel copied it to function, file and line, by the code object in the process' memory.
 *
 * That memory is read later than the frame, and code objects are freed: a name is only given if the object
 * still is the code object that the frame saw, and the instruction lies in it. Names are
 * kept by address, and checked the same way for every stack that was taken after the last check: of one that was taken
 * between two looks at the same object there is nothing to learn from a third.
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_CODE_H
#define LOOPSTALL_SYMBOL_PYTHON_CODE_H

#include "base/idmap.h"
#include "symbol/python_space.h"
#include "symbol/resolver.h"

/* What a frame has kept of code that runs once and has no number: of the addresses of its line table and of its file's name. */
#define PYTHON_MARK_BOTH(lines, file) ((lines) ^ ((file) << 13 | (file) >> 19))

struct python_code {
	uint32_t id; /* never used again for another */
	uint32_t first_line;
	const char *function, *file; /* bytes from outside, uncleaned */
};

/* A zeroed struct is an empty book. */
struct python_codes {
	struct idmap by_address;
	uint64_t taken_ns, now_ns; /* of the stack that is being named, and when that began; 0 unknown */
	uint32_t *next_id;	   /* shared by all books of a worker */
};

/* Before the frames of a stack. */
void python_codes_begin(struct python_codes *codes, uint64_t taken_ns, uint64_t now_ns);
/* False: not to be named. *code is valid until the next call; *line is 0 where the code has none. */
bool python_code_find(struct python_codes *codes, const struct python_space *p,
		      const struct raw_python_frame *frame, struct python_code *code, uint32_t *line);
void python_codes_clear(struct python_codes *codes);

#endif
