/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets, their edges, and what can be said about values of which only bucket, count and sum are known.
 *
 * Inside a bucket values are taken to be spread evenly around their known mean, as wide as the bucket allows.
 * That keeps count and sum, so everything is exact at bucket edges, and for a bucket that holds one value
 * only.
 */
#include "model/histogram.h"

#include "base/array.h"

#include <math.h>

#define LOW_BIT	   10 /* bucket 0 ends at 2^LOW_BIT units */
#define PER_OCTAVE 8

/* 2^31 * 2^(j/8), j = 1…7, rounded down: what the top 32 bits of a value are compared with, as in the BPF programs. */
static const uint32_t eighth[PER_OCTAVE - 1] = {
	0x8b95c1e3, 0x9837f051, 0xa5fed6a9, 0xb504f333, 0xc5672a11, 0xd744fcca, 0xeac0c6e7,
};

/* 2^(j/8), j = 0…7 */
static const double eighth_power[PER_OCTAVE] = {
	1.0,
	1.0905077326652577,
	1.1892071150027210,
	1.2968395546510096,
	1.4142135623730951,
	1.5422108254079407,
	1.6817928305074290,
	1.8340080864093424,
};

/*
 * ns * 2^30 / 10^9 rounded down, by a 32-bit fraction (0.073741824 * 2^32); split because the product passes
 * 64 bits at 58 s. The fraction is short by 1e-10: one nanosecond in ten seconds.
 */
static uint64_t units_of(uint64_t ns)
{
	const uint64_t fraction = 316718722;
	return ns + (ns >> 32) * fraction + ((ns & 0xffffffff) * fraction >> 32);
}

/*
 * The BPF programs do the same in integers. Bucketing v - 1 makes whole-octave edges (every power of two of a second
 * among them) inclusive. From rounding, a value nearer to an edge than 2 ns and 5e-10 of itself may land on its other
 * side.
 */
unsigned histogram_bucket(uint64_t value_ns)
{
	if (value_ns >> 40) /* 18 min; no overflow below it */
		return HISTOGRAM_BUCKETS - 1;
	uint64_t units = units_of(value_ns);
	if (units <= 1u << LOW_BIT)
		return 0;
	unsigned octave = 63 - (unsigned)__builtin_clzll(units - 1), j = 0;
	uint32_t mantissa = (uint32_t)((units - 1) << (63 - octave) >> 32);
	while (j < ARRAY_LEN(eighth) && mantissa >= eighth[j])
		j++;
	unsigned bucket = 1 + (octave - LOW_BIT) * PER_OCTAVE + j;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

double histogram_upper_ns(unsigned bucket)
{
	if (bucket >= HISTOGRAM_BUCKETS - 1)
		return INFINITY;
	double units = (double)(1ull << (LOW_BIT + bucket / PER_OCTAVE)) * eighth_power[bucket % PER_OCTAVE];
	return units * 1e9 / (1u << 30);
}

double histogram_lower_ns(unsigned bucket)
{
	return bucket ? histogram_upper_ns(bucket - 1) : 0;
}

static void widen(struct histogram *h, uint64_t min_ns, uint64_t max_ns)
{
	if (!h->n || min_ns < h->min_ns)
		h->min_ns = min_ns;
	if (!h->n || max_ns > h->max_ns)
		h->max_ns = max_ns;
}

void histogram_add(struct histogram *h, uint64_t value_ns, uint64_t times)
{
	if (!times)
		return;
	unsigned b = histogram_bucket(value_ns);
	widen(h, value_ns, value_ns);
	h->count[b] += times;
	h->sum_ns[b] += value_ns * times;
	h->n += times;
	h->total_ns += value_ns * times;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (!from->n)
		return;
	widen(into, from->min_ns, from->max_ns);
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		into->count[b] += from->count[b];
		into->sum_ns[b] += from->sum_ns[b];
	}
	into->n += from->n;
	into->total_ns += from->total_ns;
}

bool histogram_move(struct histogram *h, uint64_t from_ns, uint64_t to_ns)
{
	unsigned b = histogram_bucket(from_ns);
	if (!h->count[b] || h->sum_ns[b] < from_ns || h->total_ns < from_ns)
		return false;
	h->count[b]--;
	h->sum_ns[b] -= from_ns;
	h->n--;
	h->total_ns -= from_ns;
	histogram_add(h, to_ns, 1);
	return true;
}

void histogram_shorten_longest(struct histogram *h, uint64_t by_ns)
{
	unsigned b = HISTOGRAM_BUCKETS - 1;
	while (b && !h->count[b])
		b--;
	uint64_t longest_ns = h->count[b] ? h->sum_ns[b] / h->count[b] : 0;
	if (by_ns && longest_ns >= by_ns)
		histogram_move(h, longest_ns, longest_ns - by_ns);
}

/* fmin() and fmax() would need the mathematics library. */
static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* The values of one bucket: n of them, evenly between low and high. */
struct spread {
	double n, low, high;
};

static struct spread spread_of(const struct histogram *h, unsigned b)
{
	double n = (double)h->count[b], mean = (double)h->sum_ns[b] / n;
	double low = larger(histogram_lower_ns(b), (double)h->min_ns);
	double high = smaller(histogram_upper_ns(b), (double)h->max_ns);
	double reach = larger(0, smaller(mean - low, high - mean));
	return (struct spread){n, mean - reach, mean + reach};
}

/* Sum of (value - x)+ */
static double spread_excess(const struct spread *s, double x)
{
	if (x >= s->high)
		return 0;
	if (x <= s->low)
		return s->n * ((s->low + s->high) / 2 - x);
	double part = s->high - x;
	return s->n * part * part / (2 * (s->high - s->low));
}

static double clamp(double value, double low, double high)
{
	return larger(low, smaller(high, value));
}

/* The nearest double to a large minimum or maximum may lie hundreds beyond it. */
static uint64_t nearest_ns(double value, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t ns = (uint64_t)(value + 0.5);
	return ns < min_ns ? min_ns : ns > max_ns ? max_ns : ns;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double q)
{
	double rank = q * (double)h->n, before = 0;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		if (!h->count[b] || before + (double)h->count[b] < rank) {
			before += (double)h->count[b];
			continue;
		}
		struct spread s = spread_of(h, b);
		double value = s.low + (s.high - s.low) * (rank - before) / s.n;
		/* A value that rounding put on the wrong side of an edge must not overtake those of the next bucket. */
		value = clamp(value, histogram_lower_ns(b), histogram_upper_ns(b));
		value = clamp(value, (double)h->min_ns, (double)h->max_ns);
		return nearest_ns(value, h->min_ns, h->max_ns);
	}
	return h->max_ns;
}

/* Sum of (value - x)+ over all values. Buckets wholly above x count exactly. */
static double excess(const struct histogram *h, double x, unsigned from_bucket)
{
	double sum = 0;
	for (unsigned b = from_bucket; b < HISTOGRAM_BUCKETS; b++) {
		if (!h->count[b])
			continue;
		struct spread s = spread_of(h, b);
		sum += spread_excess(&s, x);
	}
	return sum;
}

double histogram_arrival_tail(const struct histogram *h, uint64_t x_ns, uint64_t elapsed_ns)
{
	if (!h->n || !elapsed_ns)
		return 0;
	/* A value near an edge may sit one bucket too low: look there too, it adds nothing if it is all below
	 * x. */
	unsigned b = histogram_bucket(x_ns);
	return clamp(excess(h, (double)x_ns, b ? b - 1 : 0) / (double)elapsed_ns, 0, 1);
}

uint64_t histogram_arrival_quantile_ns(const struct histogram *h, double q, uint64_t elapsed_ns)
{
	double wanted = (1 - q) * (double)elapsed_ns;
	if (!h->n || excess(h, 0, 0) <= wanted)
		return 0;
	double low = 0, high = (double)h->max_ns;
	while (high - low > 0.5) {
		double middle = (low + high) / 2;
		if (middle <= low || middle >= high)
			break; /* beyond 2^53 there is nothing between two numbers half a nanosecond apart */
		unsigned b = histogram_bucket((uint64_t)middle);
		if (excess(h, middle, b ? b - 1 : 0) > wanted)
			low = middle;
		else
			high = middle;
	}
	return nearest_ns(high, 0, h->max_ns);
}
