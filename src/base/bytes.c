/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for extra bytes and the NUL. */
static bool bytes_reserve(struct bytes *b, size_t extra)
{
	if (b->failed)
		return false;
	if (extra < b->cap - b->len && b->data)
		return true;
	if (extra > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
		b->failed = true;
		return false;
	}
	size_t cap = b->cap ? b->cap : 64;
	while (cap - b->len <= extra)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = 0;
	return true;
}

void bytes_put(struct bytes *b, const void *src, size_t len)
{
	if (!bytes_reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, src, len);
	b->len += len;
	b->data[b->len] = 0;
}

void bytes_puts(struct bytes *b, const char *text)
{
	bytes_put(b, text, strlen(text));
}

void bytes_putc(struct bytes *b, char c)
{
	bytes_put(b, &c, 1);
}

void bytes_put_utf8(struct bytes *b, uint32_t c)
{
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	unsigned more = (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
	uint32_t first = c >> 6 * more;

	bytes_putc(b, (char)(lead[more] | (more == 3 ? first & 7 : first)));
	while (more-- > 0)
		bytes_putc(b, (char)(0x80 | (c >> 6 * more & 63)));
}

void bytes_fill(struct bytes *b, char c, size_t n)
{
	if (!bytes_reserve(b, n))
		return;
	memset(b->data + b->len, c, n);
	b->len += n;
	b->data[b->len] = 0;
}

void bytes_vprintf(struct bytes *b, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int need = vsnprintf(NULL, 0, fmt, args);
	if (need < 0)
		b->failed = true;
	else if (bytes_reserve(b, (size_t)need)) {
		vsnprintf(b->data + b->len, (size_t)need + 1, fmt, again);
		b->len += (size_t)need;
	}
	va_end(again);
}

void bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	bytes_vprintf(b, fmt, args);
	va_end(args);
}

const char *bytes_text(const struct bytes *b)
{
	return b->data && !b->failed ? b->data : "";
}

bool bytes_ok(const struct bytes *b)
{
	return !b->failed;
}

void bytes_clear(struct bytes *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = 0;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){0};
}
