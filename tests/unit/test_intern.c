/* SPDX-License-Identifier: Apache-2.0 */
#include "base/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void equal_keys_have_one_id_and_address(void **state)
{
	struct intern *in = intern_new();
	char copy[] = "poll_vram";
	(void)state;
	assert_non_null(in);
	const char *first = intern_text(in, "poll_vram");
	assert_ptr_equal(first, intern_text(in, copy));
	assert_ptr_not_equal(first, copy);
	assert_int_equal(intern_id(in, "poll_vram", 9), 0);
	assert_int_equal(intern_id(in, "tick", 4), 1);
	assert_int_equal(intern_count(in), 2);
	intern_free(in);
}

static void keys_are_bytes_not_strings(void **state)
{
	struct intern *in = intern_new();
	size_t len;
	(void)state;
	assert_int_equal(intern_id(in, "a\0b", 3), 0);
	assert_int_equal(intern_id(in, "a\0c", 3), 1);
	assert_int_equal(intern_id(in, "a", 1), 2);
	assert_int_equal(intern_id(in, "", 0), 3);
	assert_memory_equal(intern_key(in, 1, &len), "a\0c", 4);
	assert_int_equal(len, 3);
	assert_string_equal(intern_key(in, 3, &len), "");
	assert_int_equal(len, 0);
	intern_free(in);
}

static void unknown_is_told(void **state)
{
	struct intern *in = intern_new();
	(void)state;
	assert_int_equal(intern_find(in, "x", 1), INTERN_NONE);
	intern_id(in, "y", 1);
	assert_int_equal(intern_find(in, "x", 1), INTERN_NONE);
	assert_int_equal(intern_find(in, "y", 1), 0);
	assert_null(intern_key(in, 1, NULL));
	assert_int_equal(intern_count(in), 1);
	intern_free(in);
	intern_free(NULL);
}

static void ids_survive_growth(void **state)
{
	struct intern *in = intern_new();
	const char *kept[5000];
	char key[24];
	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "frame %d", i);
		kept[i] = intern_text(in, key);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "frame %d", i);
		assert_int_equal(intern_id(in, key, strlen(key)), i);
		assert_ptr_equal(intern_text(in, key), kept[i]);
		assert_string_equal(kept[i], key);
	}
	assert_int_equal(intern_count(in), 5000);
	intern_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_have_one_id_and_address),
		cmocka_unit_test(keys_are_bytes_not_strings),
		cmocka_unit_test(unknown_is_told),
		cmocka_unit_test(ids_survive_growth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
