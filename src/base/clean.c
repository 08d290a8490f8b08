/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clean.h"

#include "base/array.h"

#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6";

/* Characters that are well-formed and still not harmless on a terminal or in a line of text. */
static const struct {
	uint32_t first, last;
} unsafe[] = {
	{0x00, 0x1f},	    /* C0 */
	{0x7f, 0x9f},	    /* DEL, C1 */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x200e, 0x200f},   /* left-to-right, right-to-left mark */
	{0x2028, 0x202e},   /* line and paragraph separator, bidirectional embeddings and overrides */
	{0x2066, 0x2069},   /* bidirectional isolates */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xe0000, 0xe007f}, /* invisible tags */
};

static bool is_unsafe(uint32_t point)
{
	if (point >= 0x20 && point < 0x7f)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
		if (point >= unsafe[i].first && point <= unsafe[i].last)
			return true;
	return false;
}

size_t clean_character(const char *text, size_t len, uint32_t *point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least; /* smaller ones are overlong */
	} shapes[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const unsigned char *p = (const unsigned char *)text;
	for (size_t n = 1; n <= ARRAY_LEN(shapes) && n <= len; n++) {
		if ((p[0] & shapes[n - 1].mask) != shapes[n - 1].lead)
			continue;
		uint32_t value = p[0] & (unsigned char)~shapes[n - 1].mask;
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (p[i] & 0x3f);
		}
		if (value < shapes[n - 1].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return 0;
		*point = value;
		return n;
	}
	return 0;
}

/* Appends one character, or what stands for it, and tells how many bytes of the text it took. */
static size_t clean_one(struct bytes *out, const char *text, size_t len)
{
	uint32_t point;
	size_t n = clean_character(text, len, &point);
	if (n && !is_unsafe(point)) {
		bytes_put(out, text, n);
		return n;
	}
	if (n > 1)
		bytes_printf(out, "\\u%04x", (unsigned)point);
	else
		bytes_printf(out, "\\x%02x", (unsigned char)*text);
	return n ? n : 1;
}

void clean_text(struct bytes *out, const char *text, size_t len)
{
	size_t start = out->len, cut = start;
	for (size_t at = 0; at < len && bytes_ok(out);) {
		if (out->len - start <= CLEAN_MAX_BYTES - (sizeof ellipsis - 1))
			cut = out->len;
		at += clean_one(out, text + at, len - at);
		if (out->len - start <= CLEAN_MAX_BYTES)
			continue;
		out->len = cut;
		bytes_puts(out, ellipsis);
		return;
	}
}

void clean_fit(char *to, size_t bytes, const char *text)
{
	size_t len = strlen(text), cut = len;
	memset(to, 0, bytes);
	if (len >= bytes) {
		cut = bytes - sizeof ellipsis;
		while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--;
	}
	memcpy(to, text, cut);
	if (cut < len)
		memcpy(to + cut, ellipsis, sizeof ellipsis);
}
