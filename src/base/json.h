/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON straight into a buffer: no tree, no allocation but the buffer's own, commas placed by themselves. Function names
 * keep clear of jansson's, which is linked into the same program.
 *
 *	struct json j = json_into(&out);
 *	json_begin_object(&j, NULL);
 *	json_text(&j, "comm", comm);
 *	json_begin_array(&j, "stack");
 *	json_uint(&j, NULL, 17);
 *	json_end(&j);
 *	json_end(&j);
 *
 * Every value takes its key; inside an array and at the top the key is NULL. Keys are written as they are
 *(literals of the program); texts are escaped, and bytes that are not UTF-8 become U+FFFD. Nothing depends on
 * the locale.
 */
#ifndef LOOPSTALL_BASE_JSON_H
#define LOOPSTALL_BASE_JSON_H

#include "base/bytes.h"

#define JSON_MAX_DEPTH 32

struct json {
	struct bytes *out;
	unsigned depth;
	char close[JSON_MAX_DEPTH];	 /* '}' or ']' of each open level */
	bool filled[JSON_MAX_DEPTH + 1]; /* the level has a member, so the next needs a comma */
};

struct json json_into(struct bytes *out);
/* Open a level; json_end() closes the innermost one. Past JSON_MAX_DEPTH the buffer fails. */
void json_begin_object(struct json *j, const char *key);
void json_begin_array(struct json *j, const char *key);
void json_end(struct json *j);

void json_text(struct json *j, const char *key, const char *text);
void json_text_n(struct json *j, const char *key, const char *text, size_t len);
/* At most INT64_MAX: one beyond it would make the document unreadable to most parsers, and no real count gets there. */
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
/*
 * Fixed decimals (at most 9), rounded to nearest; null for what JSON has no number for (NaN, infinities) and from
 * 1e18 / 10^decimals on.
 */
void json_double(struct json *j, const char *key, double value, unsigned decimals);
void json_bool(struct json *j, const char *key, bool value);
void json_put_null(struct json *j, const char *key);

#endif
