/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base-2 exponential histogram, scale 3: bucket i >= 1 holds values in (2^((i-1)/8), 2^(i/8)] * 2^10 units of
 * 2^-30 s; bucket 0 holds everything up to 2^10 units (0.954 us), the last one everything above 128 s. It is
 * a Prometheus native histogram of schema 3 and an OpenTelemetry exponential histogram of scale 3. Every
 * bucket keeps count and sum, so merging is exact addition and the arrival-weighted tail is exact at bucket
 * edges.
 */
#ifndef LOOPSTALL_MODEL_HISTOGRAM_H
#define LOOPSTALL_MODEL_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 218 /* as LST_HIST_BUCKETS in bpf/wire.h; the capture asserts it */

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t sum_ns[HISTOGRAM_BUCKETS];
	uint64_t n, total_ns;
	uint64_t min_ns, max_ns; /* exact; 0 when n == 0 */
};

unsigned histogram_bucket(uint64_t value_ns);
/*
 * Upper edge (inclusive) in ns; +infinity for the last bucket. edge(-1 + i) is bucket i's lower edge, 0 for
 * bucket 0.
 */
double histogram_upper_ns(unsigned bucket);
double histogram_lower_ns(unsigned bucket);
void histogram_add(struct histogram *h, uint64_t value_ns, uint64_t times);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* One value becomes another; false (unchanged) if there is none such. min and max are bounds from then on. */
bool histogram_move(struct histogram *h, uint64_t from_ns, uint64_t to_ns);

/* The longest value becomes shorter by that much; unchanged if there is none as long. min and max are bounds from then on. */
void histogram_shorten_longest(struct histogram *h, uint64_t by_ns);

/* Per-iteration quantile, 0 < q < 1: interpolated in its bucket, never outside [min, max]; 0 when empty. */
uint64_t histogram_quantile_ns(const struct histogram *h, double q);

/*
 * P(lag > x) for an arrival at a random moment of an observation of length elapsed_ns: sum over iterations of
 * (lag - x)+ / elapsed. Exact at bucket edges, interpolated inside one.
 */
double histogram_arrival_tail(const struct histogram *h, uint64_t x_ns, uint64_t elapsed_ns);
/*
 * The x at which the tail falls to 1 - q: the lag that a share q of arrivals stays below. 0 if the loop was
 * less busy than that.
 */
uint64_t histogram_arrival_quantile_ns(const struct histogram *h, double q, uint64_t elapsed_ns);

#endif
