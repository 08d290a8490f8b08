/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>

static void commas_and_nesting(void **state)
{
	(void)state;
	struct bytes out = {0};
	struct json j = json_into(&out);
	json_begin_object(&j, NULL);
	json_begin_array(&j, "a");
	json_end(&j);
	json_begin_array(&j, "b");
	json_uint(&j, NULL, UINT64_MAX);
	json_int(&j, NULL, INT64_MIN);
	json_begin_object(&j, NULL);
	json_bool(&j, "c", true);
	json_put_null(&j, "d");
	json_end(&j);
	json_end(&j);
	json_bool(&j, "e", false);
	json_end(&j);
	assert_string_equal(bytes_text(&out), "{\"a\":[],\"b\":[9223372036854775807,-9223372036854775808,"
					      "{\"c\":true,\"d\":null}],\"e\":false}");
	bytes_free(&out);
}

static void texts_are_escaped(void **state)
{
	(void)state;
	struct bytes out = {0};
	struct json j = json_into(&out);
	json_begin_array(&j, NULL);
	json_text(&j, NULL, "a\"b\\c\nd\te\rf\x01\x7f");
	json_text(&j, NULL, "\xc3\xa9\xf0\x9f\x98\x80");
	json_text(&j, NULL, "x\xff\xc3");
	json_text(&j, NULL, "\xed\xa0\x80"); /* a surrogate */
	json_text_n(&j, NULL, "\0z", 2);
	json_end(&j);
	assert_string_equal(
		bytes_text(&out),
		"[\"a\\\"b\\\\c\\nd\\te\\rf\\u0001\\u007f\",\"\xc3\xa9\xf0\x9f\x98\x80\","
		"\"x\xef\xbf\xbd\xef\xbf\xbd\",\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"\\u0000z\"]");
	bytes_free(&out);
}

static void doubles_have_fixed_decimals(void **state)
{
	(void)state;
	static const struct {
		double value;
		unsigned decimals;
		const char *text;
	} cases[] = {{0.99, 2, "0.99"},	     {1, 3, "1.000"},		{-0.5, 1, "-0.5"},
		     {-0.0004, 3, "0.000"},  {1e18, 0, "null"},		{NAN, 2, "null"},
		     {-INFINITY, 2, "null"}, {123456.789, 0, "123457"}, {2.0005, 3, "2.001"},
		     {1e300, 0, "null"},     {0.007, 9, "0.007000000"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bytes out = {0};
		struct json j = json_into(&out);
		json_double(&j, NULL, cases[i].value, cases[i].decimals);
		assert_string_equal(bytes_text(&out), cases[i].text);
		bytes_free(&out);
	}
}

static void too_deep_fails(void **state)
{
	(void)state;
	struct bytes out = {0};
	struct json j = json_into(&out);
	for (unsigned i = 0; i < JSON_MAX_DEPTH; i++)
		json_begin_array(&j, NULL);
	assert_true(bytes_ok(&out));
	json_begin_object(&j, NULL);
	assert_false(bytes_ok(&out));
	bytes_free(&out);
}

/* Whatever the bytes, a strict parser takes the line, and the text has no raw control character. */
static void any_bytes_make_valid_json(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		char text[40];
		size_t len = (size_t)rand() % sizeof text;
		for (size_t i = 0; i < len; i++)
			text[i] = (char)(rand() % 3 ? rand() : "\"\\/\n\xe2\x80\xae"[rand() % 7]);
		struct bytes out = {0};
		struct json j = json_into(&out);
		json_begin_object(&j, NULL);
		json_text_n(&j, "k", text, len);
		json_end(&j);
		for (size_t i = 0; i < out.len; i++)
			assert_true((unsigned char)out.data[i] >= 0x20);
		json_t *parsed = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(parsed);
		json_decref(parsed);
		bytes_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_nesting),	       cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(doubles_have_fixed_decimals), cmocka_unit_test(too_deep_fails),
		cmocka_unit_test(any_bytes_make_valid_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
