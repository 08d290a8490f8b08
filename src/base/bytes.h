/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer, always NUL-terminated so that text in it can be used as a C string.
 *
 * Allocation failure is sticky: later puts do nothing and bytes_ok() answers false, so that a writer
 * checks once at the end and not after each put. A zeroed struct is an empty buffer.
 */
#ifndef LOOPSTALL_BASE_BYTES_H
#define LOOPSTALL_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	char *data; /* NULL until the first put; then data[len] == 0 */
	size_t len, cap;
	bool failed;
};

void bytes_put(struct bytes *b, const void *src, size_t len);
void bytes_puts(struct bytes *b, const char *text);
void bytes_putc(struct bytes *b, char c);
/* A code point in UTF-8, half a surrogate pair too; of more than 21 bits only those. */
void bytes_put_utf8(struct bytes *b, uint32_t c);
void bytes_printf(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bytes_vprintf(struct bytes *b, const char *fmt, va_list args);
/* Appends c n times. */
void bytes_fill(struct bytes *b, char c, size_t n);
/* The text, "" when empty or failed; valid until the next put. */
const char *bytes_text(const struct bytes *b);
bool bytes_ok(const struct bytes *b);
/* Keeps the memory. */
void bytes_clear(struct bytes *b);
void bytes_free(struct bytes *b);

#endif
