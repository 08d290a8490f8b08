/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounds-checked reader over bytes from outside (a ring record, a file, ELF, interpreter memory).
 *
 * A read past the end returns 0, moves nothing and sets failed, which stays set: check once when done. Host byte order.
 */
#ifndef LOOPSTALL_BASE_CURSOR_H
#define LOOPSTALL_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const unsigned char *at, *start, *end;
	bool failed;
};

struct cursor cursor_over(const void *data, size_t len);
size_t cursor_left(const struct cursor *c);
/* The next len bytes, NULL if there are fewer. */
const void *cursor_take(struct cursor *c, size_t len);
bool cursor_skip(struct cursor *c, size_t len);
/* Moves to an offset from the start. */
bool cursor_seek(struct cursor *c, size_t offset);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* So many bits a byte, the lowest first; the bit above them says that more follow. What is beyond 64 bits is dropped. */
uint64_t cursor_packed(struct cursor *c, unsigned bits);
/* LEB128; more than 64 bits fail. */
uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);
/* A NUL-terminated string inside the range, NULL if the NUL is missing. */
const char *cursor_text(struct cursor *c);

#endif
