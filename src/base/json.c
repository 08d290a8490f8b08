/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/clean.h"

#include <string.h>

struct json json_into(struct bytes *out)
{
	return (struct json){.out = out};
}

/* What stands before every value: the comma and the key. */
static void json_lead(struct json *j, const char *key)
{
	if (j->filled[j->depth])
		bytes_putc(j->out, ',');
	j->filled[j->depth] = true;
	if (!key)
		return;
	bytes_putc(j->out, '"');
	bytes_puts(j->out, key);
	bytes_put(j->out, "\":", 2);
}

static void json_open(struct json *j, const char *key, char open, char close)
{
	if (j->depth == JSON_MAX_DEPTH) {
		j->out->failed = true;
		return;
	}
	json_lead(j, key);
	bytes_putc(j->out, open);
	j->close[j->depth++] = close;
	j->filled[j->depth] = false;
}

void json_begin_object(struct json *j, const char *key)
{
	json_open(j, key, '{', '}');
}

void json_begin_array(struct json *j, const char *key)
{
	json_open(j, key, '[', ']');
}

void json_end(struct json *j)
{
	if (!j->depth) {
		j->out->failed = true;
		return;
	}
	bytes_putc(j->out, j->close[--j->depth]);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void json_escape(struct bytes *out, unsigned char c)
{
	static const unsigned char shorts[][2] = {
		{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}};
	for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) {
		if (shorts[i][0] != c)
			continue;
		bytes_putc(out, '\\');
		bytes_putc(out, (char)shorts[i][1]);
		return;
	}
	bytes_printf(out, "\\u%04x", c);
}

void json_text_n(struct json *j, const char *key, const char *text, size_t len)
{
	json_lead(j, key);
	bytes_putc(j->out, '"');
	for (size_t at = 0; at < len;) {
		size_t plain = 0;
		while (at + plain < len && is_plain((unsigned char)text[at + plain]))
			plain++;
		bytes_put(j->out, text + at, plain);
		at += plain;
		if (at == len)
			break;
		uint32_t point;
		size_t n = clean_character(text + at, len - at, &point);
		if (n == 1)
			json_escape(j->out, (unsigned char)text[at]);
		else if (n)
			bytes_put(j->out, text + at, n);
		else
			bytes_puts(j->out, "\xef\xbf\xbd");
		at += n ? n : 1;
	}
	bytes_putc(j->out, '"');
}

void json_text(struct json *j, const char *key, const char *text)
{
	json_text_n(j, key, text, strlen(text));
}

static void put_uint(struct bytes *out, uint64_t value, unsigned digits)
{
	char text[20];
	size_t at = sizeof text;
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value || sizeof text - at < digits);
	bytes_put(out, text + at, sizeof text - at);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	json_lead(j, key);
	put_uint(j->out, value > INT64_MAX ? INT64_MAX : value, 1);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	json_lead(j, key);
	if (value < 0)
		bytes_putc(j->out, '-');
	put_uint(j->out, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

void json_double(struct json *j, const char *key, double value, unsigned decimals)
{
	uint64_t scale = 1;
	for (unsigned i = 0; i < decimals && i < 9; i++)
		scale *= 10;
	double scaled = (value < 0 ? -value : value) * (double)scale + 0.5;
	if (!(scaled < 1e18)) {
		json_put_null(j, key);
		return;
	}
	uint64_t whole = (uint64_t)scaled;
	json_lead(j, key);
	if (value < 0 && whole)
		bytes_putc(j->out, '-');
	put_uint(j->out, whole / scale, 1);
	if (scale == 1)
		return;
	bytes_putc(j->out, '.');
	put_uint(j->out, whole % scale, decimals < 9 ? decimals : 9);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_lead(j, key);
	bytes_puts(j->out, value ? "true" : "false");
}

void json_put_null(struct json *j, const char *key)
{
	json_lead(j, key);
	bytes_puts(j->out, "null");
}
