/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a name: cleaned they are harmless and stay as they are when cleaned again; written as JSON, with numbers beside
 * them, another parser reads them back.
 */
#include "must.h"

#include "base/clean.h"
#include "base/json.h"

#include <jansson.h>

static bool is_harmless(uint32_t point)
{
	return point >= 0x20 && (point < 0x7f || point > 0x9f) && (point < 0x2028 || point > 0x202e) &&
	       (point < 0x2066 || point > 0x2069) && point != 0xfeff && (point >> 7) != 0xe0000 >> 7;
}

static void check_harmless(const char *text, size_t len)
{
	uint32_t point = 0;
	for (size_t n, at = 0; at < len; at += n) {
		n = clean_character(text + at, len - at, &point);
		must(n && n <= len - at && is_harmless(point));
	}
}

static void check_fit(const struct bytes *clean, size_t bytes)
{
	char place[64];
	memset(place, 'x', sizeof place);
	clean_fit(place, bytes, bytes_text(clean));
	size_t len = strnlen(place, bytes);
	must(len < bytes && (bytes == sizeof place || place[bytes] == 'x'));
	check_harmless(place, len);
	must(clean->len < bytes ? !strcmp(place, bytes_text(clean)) : len + 4 >= bytes - 3);
}

static void clean(const char *text, size_t len)
{
	struct bytes once = {0}, again = {0};

	clean_text(&once, text, len);
	must(bytes_ok(&once) && once.len <= CLEAN_MAX_BYTES && strlen(bytes_text(&once)) == once.len);
	check_harmless(bytes_text(&once), once.len);
	clean_text(&again, bytes_text(&once), once.len);
	must(again.len == once.len && !memcmp(bytes_text(&again), bytes_text(&once), once.len));
	for (size_t bytes = 8; bytes <= 64; bytes += 7)
		check_fit(&once, bytes);
	bytes_free(&once);
	bytes_free(&again);
}

/* What JSON may hold: every malformed byte is U+FFFD. */
static void put_well_formed(struct bytes *out, const char *text, size_t len)
{
	uint32_t point;
	for (size_t n, at = 0; at < len; at += n ? n : 1) {
		n = clean_character(text + at, len - at, &point);
		bytes_put(out, n ? text + at : "\xef\xbf\xbd", n ? n : 3);
	}
}

static void put_numbers(struct json *j, const uint8_t *data, size_t size)
{
	uint64_t word = 0;
	double number = 0;
	memcpy(&word, data, size < sizeof word ? size : sizeof word);
	memcpy(&number, &word, sizeof number);
	json_int(j, "int", (int64_t)word);
	json_uint(j, "uint", word >> 1);
	json_double(j, "double", number, word & 15);
	json_begin_array(j, "list");
	for (size_t i = 0; i < size % 5; i++)
		json_bool(j, NULL, data[i] & 1);
	json_end(j);
}

static void check_numbers(const json_t *object, const uint8_t *data, size_t size)
{
	uint64_t word = 0;
	double number = 0;
	memcpy(&word, data, size < sizeof word ? size : sizeof word);
	memcpy(&number, &word, sizeof number);
	must(json_integer_value(json_object_get(object, "int")) == (json_int_t)word);
	must(json_integer_value(json_object_get(object, "uint")) == (json_int_t)(word >> 1));
	must(json_array_size(json_object_get(object, "list")) == size % 5);
	const json_t *read = json_object_get(object, "double");
	must(read);
	if (json_is_null(read))
		return; /* too large, or no number */
	unsigned decimals = (word & 15) < 9 ? word & 15 : 9;
	double step = 1;
	while (decimals--)
		step /= 10;
	double off = json_number_value(read) - number, size_of = number < 0 ? -number : number;
	must((off < 0 ? -off : off) <= step * 0.50001 + size_of * 1e-9);
}

static void write_json(const uint8_t *data, const char *text, size_t size)
{
	struct bytes line = {0}, wanted = {0};
	struct json j = json_into(&line);
	json_error_t error;

	json_begin_object(&j, NULL);
	json_text_n(&j, "text", text, size);
	put_numbers(&j, data, size);
	json_end(&j);
	put_well_formed(&wanted, text, size);
	must(!memchr(bytes_text(&line), '\n', line.len));
	json_t *object =
		json_loadb(bytes_text(&line), line.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	must(object);
	const json_t *read = json_object_get(object, "text");
	must(json_string_length(read) == wanted.len &&
	     !memcmp(json_string_value(read), bytes_text(&wanted), wanted.len));
	check_numbers(object, data, size);
	json_decref(object);
	bytes_free(&line);
	bytes_free(&wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	clean(text, size);
	write_json(data, text, size);
	free(text);
	return 0;
}
