/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int values[4096];

static void empty_map_has_nothing(void **state)
{
	struct idmap m = {0};
	size_t at = 0;
	(void)state;
	assert_null(idmap_get(&m, 0));
	assert_null(idmap_take(&m, 7));
	assert_null(idmap_next(&m, &at, NULL));
	idmap_free(&m);
}

static void put_get_replace_take(void **state)
{
	struct idmap m = {0};
	(void)state;
	assert_true(idmap_put(&m, 0, &values[0]));
	assert_true(idmap_put(&m, UINT64_MAX, &values[1]));
	assert_ptr_equal(idmap_get(&m, 0), &values[0]);
	assert_ptr_equal(idmap_get(&m, UINT64_MAX), &values[1]);
	assert_true(idmap_put(&m, 0, &values[2]));
	assert_int_equal(m.n, 2);
	assert_ptr_equal(idmap_take(&m, 0), &values[2]);
	assert_null(idmap_get(&m, 0));
	assert_int_equal(m.n, 1);
	idmap_free(&m);
}

/* Against a plain array as the model; keys that collide (multiples of a power of two) and a fixed pseudo-random order. */
static void agrees_with_a_plain_array(void **state)
{
	struct idmap m = {0};
	void *model[512] = {0};
	uint32_t random = 1;
	size_t n = 0;
	(void)state;
	for (int i = 0; i < 100000; i++) {
		random = random * 1664525 + 1013904223;
		unsigned k = random >> 8 & 511;
		uint64_t key = (uint64_t)k << 32;
		if (random >> 30) {
			n += !model[k];
			model[k] = &values[random >> 20];
			assert_true(idmap_put(&m, key, model[k]));
		} else {
			n -= model[k] != NULL;
			assert_ptr_equal(idmap_take(&m, key), model[k]);
			model[k] = NULL;
		}
		k = random >> 16 & 511;
		assert_ptr_equal(idmap_get(&m, (uint64_t)k << 32), model[k]);
		assert_int_equal(m.n, n);
	}
	for (unsigned k = 0; k < 512; k++)
		assert_ptr_equal(idmap_get(&m, (uint64_t)k << 32), model[k]);
	idmap_free(&m);
}

static void walk_meets_each_once(void **state)
{
	struct idmap m = {0};
	int met[300] = {0};
	uint64_t key;
	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		assert_true(idmap_put(&m, i * 4096, &values[i]));
	int *value;
	for (size_t at = 0; (value = idmap_next(&m, &at, &key));) {
		assert_ptr_equal(value, &values[key / 4096]);
		met[key / 4096]++;
	}
	for (int i = 0; i < 300; i++)
		assert_int_equal(met[i], 1);
	idmap_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_map_has_nothing),
		cmocka_unit_test(put_get_replace_take),
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(walk_meets_each_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
