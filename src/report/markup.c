/* SPDX-License-Identifier: Apache-2.0 */
#include "report/markup.h"

#include "base/clean.h"

#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd", ellipsis[] = "…";

static const char *entity(uint32_t point)
{
	switch (point) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* The program's own signs and clean names are all within it. */
static bool is_allowed(uint32_t point)
{
	return point >= 0x20 && (point < 0x7f || point > 0x9f) && (point & 0xfffe) != 0xfffe &&
	       (point < 0xfdd0 || point > 0xfdef);
}

void markup_text(struct bytes *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point = 0;
		size_t n = clean_character(text + at, len - at, &point);
		const char *instead = n && is_allowed(point) ? entity(point) : replacement;
		if (instead)
			bytes_puts(out, instead);
		else
			bytes_put(out, text + at, n);
		at += n ? n : 1;
	}
}

/* Where to cut a text that is longer than that. */
static size_t cut_at(const char *text, size_t most)
{
	while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

static void put_string(struct bytes *out, const char *text, size_t most)
{
	size_t len = strlen(text);
	markup_text(out, text, len > most ? cut_at(text, most) : len);
	if (len > most)
		bytes_puts(out, ellipsis);
}

/* fmt: behind the sign. Returns what is behind the conversion. */
static const char *put_argument(struct bytes *out, const char *fmt, va_list *args)
{
	size_t most = SIZE_MAX;
	if (*fmt == '.')
		most = strtoul(fmt + 1, (char **)&fmt, 10);
	if (*fmt == 's')
		put_string(out, va_arg(*args, const char *), most);
	else if (*fmt == 'u')
		bytes_printf(out, "%u", va_arg(*args, unsigned));
	else
		bytes_putc(out, '%');
	return fmt + 1;
}

void markup_put(struct bytes *out, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	while (*fmt) {
		size_t plain = strcspn(fmt, "%");
		bytes_put(out, fmt, plain);
		fmt += plain;
		if (*fmt)
			fmt = put_argument(out, fmt + 1, &args);
	}
	va_end(args);
}
