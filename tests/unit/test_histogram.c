/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms against the raw values they were made of. */
#include "model/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define VALUES 4000

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Spread over all magnitudes from 1 ns to 200 s. */
static uint64_t random_ns(void)
{
	unsigned bits = 1 + (unsigned)(next_random() % 37);
	uint64_t ns = next_random() & (((uint64_t)1 << bits) - 1);
	return ns % 200000000000u;
}

static void test_known_buckets(void **unused)
{
	(void)unused;
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(953), 0); /* 2^10 units are 953.67 ns */
	assert_int_equal(histogram_bucket(955), 1);
	assert_int_equal(histogram_bucket(1000000000), 160); /* one second is an upper edge, inclusive */
	assert_int_equal(histogram_bucket(1000000002), 161);
	assert_int_equal(histogram_bucket(2000000000), 168);
	assert_int_equal(histogram_bucket(64000000000), 208);
	assert_int_equal(histogram_bucket(128000000000),
			 216); /* past 58 s, where the product would overflow */
	assert_int_equal(histogram_bucket(128000000020), 217);
	assert_int_equal(histogram_bucket(UINT64_MAX), 217);
	assert_true(histogram_upper_ns(160) == 1e9);
	assert_true(histogram_upper_ns(216) == 128e9);
	assert_true(isinf(histogram_upper_ns(217)));
	assert_true(histogram_lower_ns(0) == 0);
}

static void test_value_lies_between_edges(void **unused)
{
	(void)unused;
	for (int i = 0; i < 1000000; i++) {
		uint64_t ns = random_ns();
		unsigned b = histogram_bucket(ns);
		assert_true(b < HISTOGRAM_BUCKETS);
		assert_true((double)ns > histogram_lower_ns(b) * (1 - 5e-10) - 2 || b == 0);
		assert_true((double)ns < histogram_upper_ns(b) * (1 + 5e-10) + 2);
	}
}

/* Around every edge: inclusive, and past it within the rounding stated. */
static void test_edges(void **unused)
{
	(void)unused;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS - 1; b++) {
		double edge = histogram_upper_ns(b);
		uint64_t below = (uint64_t)(edge * (1 - 5e-10)), above = (uint64_t)(edge * (1 + 5e-10)) + 3;
		assert_true(edge > histogram_lower_ns(b));
		assert_int_equal(histogram_bucket(below), b);
		assert_int_equal(histogram_bucket(above), b + 1);
	}
}

struct observed {
	struct histogram h;
	uint64_t values[VALUES], total;
};

static void observe(struct observed *o)
{
	memset(o, 0, sizeof *o);
	for (int i = 0; i < VALUES; i++) {
		o->values[i] = random_ns();
		o->total += o->values[i];
		histogram_add(&o->h, o->values[i], 1);
	}
}

static double true_tail(const struct observed *o, double x, uint64_t elapsed_ns)
{
	double sum = 0;
	for (int i = 0; i < VALUES; i++)
		if ((double)o->values[i] > x)
			sum += (double)o->values[i] - x;
	return sum / (double)elapsed_ns;
}

static void test_arrival_tail(void **unused)
{
	(void)unused;
	static struct observed o;
	observe(&o);
	uint64_t elapsed = o.total + o.total / 2;
	assert_true(fabs(histogram_arrival_tail(&o.h, 0, elapsed) - true_tail(&o, 0, elapsed)) < 1e-12);
	for (unsigned b = 8; b < HISTOGRAM_BUCKETS - 1;
	     b += 8) { /* edges that are whole nanoseconds from 1 s on */
		uint64_t edge = (uint64_t)histogram_upper_ns(b);
		double got = histogram_arrival_tail(&o.h, edge, elapsed),
		       want = true_tail(&o, (double)edge, elapsed);
		assert_true(fabs(got - want) < 1e-9);
	}
	for (int i = 0; i < 2000; i++) { /* inside buckets: within what the bucket's width allows */
		uint64_t x = random_ns();
		double got = histogram_arrival_tail(&o.h, x, elapsed),
		       want = true_tail(&o, (double)x, elapsed);
		unsigned b = histogram_bucket(x);
		double width = fmin(histogram_upper_ns(b), 2e11) - histogram_lower_ns(b);
		assert_true(fabs(got - want) <= (double)o.h.count[b] * width / 4 / (double)elapsed + 1e-9);
	}
}

static void test_arrival_quantile(void **unused)
{
	(void)unused;
	static struct observed o;
	observe(&o);
	uint64_t elapsed = o.total * 2;
	static const double quantiles[] = {0.55, 0.9, 0.99, 0.999};
	for (size_t i = 0; i < 4; i++) {
		uint64_t x = histogram_arrival_quantile_ns(&o.h, quantiles[i], elapsed);
		assert_true(true_tail(&o, (double)x * 0.95, elapsed) > 1 - quantiles[i]);
		assert_true(true_tail(&o, (double)x * 1.05, elapsed) < 1 - quantiles[i]);
	}
	assert_int_equal(histogram_arrival_quantile_ns(&o.h, 0.4, elapsed), 0); /* idle half of the time */
}

/* A thousand quick iterations a second and one freeze of 2 s a minute: the example the weighting exists for.
 */
static void test_freeze_is_not_hidden(void **unused)
{
	(void)unused;
	static struct histogram h;
	histogram_add(&h, 300000, 58000);
	histogram_add(&h, 2000000000, 1);
	assert_true(histogram_quantile_ns(&h, 0.999) == 300000);
	uint64_t p99 = histogram_arrival_quantile_ns(&h, 0.99, 60000000000);
	assert_int_equal(p99, 1400000000); /* (2 s - x) / 60 s = 1 % */
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void test_iteration_quantile(void **unused)
{
	(void)unused;
	static struct observed o;
	observe(&o);
	qsort(o.values, VALUES, sizeof *o.values, by_value);
	for (int permille = 1; permille < 1000; permille++) {
		double q = permille / 1000.0;
		unsigned want = histogram_bucket(o.values[(size_t)ceil(q * VALUES) - 1]);
		unsigned got = histogram_bucket(histogram_quantile_ns(&o.h, q));
		assert_true(got + 1 >= want && got <= want + 1);
	}
	assert_true(histogram_quantile_ns(&o.h, 0.0001) >= o.values[0]);
	assert_true(histogram_quantile_ns(&o.h, 0.9999) <= o.values[VALUES - 1]);
}

/* 4,000,000,001 ns lie a nanosecond above the edge of the bucket that rounding puts them in. */
static void test_quantiles_are_in_order_at_an_edge(void **unused)
{
	(void)unused;
	struct histogram h = {{0}};
	histogram_add(&h, 4000000001, 1);
	histogram_add(&h, 4095758336, 2);
	histogram_add(&h, 1000000, 3);
	histogram_add(&h, 8589934592, 2);
	assert_true(histogram_quantile_ns(&h, 0.5) <= histogram_quantile_ns(&h, 0.5 + 1e-12));
}

static void test_merge_equals_adding_all(void **unused)
{
	(void)unused;
	static struct histogram all, parts[3], merged;
	for (int i = 0; i < VALUES; i++) {
		uint64_t ns = random_ns(), times = next_random() % 3;
		histogram_add(&all, ns, times);
		histogram_add(&parts[i % 3], ns, times);
	}
	static const struct histogram empty;
	histogram_merge(&merged, &empty);
	for (int i = 0; i < 3; i++)
		histogram_merge(&merged, &parts[i]);
	histogram_merge(&merged, &empty);
	assert_memory_equal(&merged, &all, sizeof all);
}

static void test_move(void **unused)
{
	(void)unused;
	static struct histogram h, want;
	histogram_add(&h, 500000000, 2);
	assert_false(histogram_move(&h, 700000000, 1));
	assert_true(histogram_move(&h, 500000000, 20000000));
	histogram_add(&want, 500000000, 1);
	histogram_add(&want, 20000000, 1);
	assert_memory_equal(h.count, want.count, sizeof h.count);
	assert_memory_equal(h.sum_ns, want.sum_ns, sizeof h.sum_ns);
	assert_int_equal(h.total_ns, want.total_ns);
	assert_int_equal(h.n, 2);
}

static void test_empty(void **unused)
{
	(void)unused;
	static const struct histogram h;
	assert_int_equal(histogram_quantile_ns(&h, 0.5), 0);
	assert_int_equal(histogram_arrival_quantile_ns(&h, 0.99, 1000), 0);
	assert_true(histogram_arrival_tail(&h, 0, 1000) == 0);
	assert_true(histogram_arrival_tail(&h, 0, 0) == 0);
}

/* Bounds instead of exact min and max, as the capture sends for a delta. */
static void test_loose_bounds_stay_inside_the_bucket(void **unused)
{
	(void)unused;
	static struct histogram h;
	histogram_add(&h, 300000000, 10);
	unsigned b = histogram_bucket(300000000);
	h.min_ns = (uint64_t)histogram_lower_ns(b);
	h.max_ns = (uint64_t)histogram_upper_ns(b) + 1;
	uint64_t p50 = histogram_quantile_ns(&h, 0.5);
	assert_int_equal(histogram_bucket(p50), b);
	assert_true(fabs((double)p50 - 3e8) < 1);
}

/* As a recording may claim: the search must end though no double lies between two of its bounds. */
static void test_beyond_doubles(void **unused)
{
	struct histogram h = {.n = 1, .min_ns = INT64_MAX - 511, .max_ns = INT64_MAX};
	(void)unused;
	h.count[HISTOGRAM_BUCKETS - 1] = 1;
	h.sum_ns[HISTOGRAM_BUCKETS - 1] = h.total_ns = INT64_MAX - 255;
	assert_in_range(histogram_arrival_quantile_ns(&h, 0.99, INT64_MAX / 4 * 5ull), 1, h.max_ns);
	assert_in_range(histogram_quantile_ns(&h, 0.01), h.min_ns, h.max_ns);
	assert_in_range(histogram_quantile_ns(&h, 0.99), h.min_ns, h.max_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_buckets),
		cmocka_unit_test(test_value_lies_between_edges),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_arrival_tail),
		cmocka_unit_test(test_arrival_quantile),
		cmocka_unit_test(test_freeze_is_not_hidden),
		cmocka_unit_test(test_iteration_quantile),
		cmocka_unit_test(test_quantiles_are_in_order_at_an_edge),
		cmocka_unit_test(test_merge_equals_adding_all),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_beyond_doubles),
		cmocka_unit_test(test_loose_bounds_stay_inside_the_bucket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
