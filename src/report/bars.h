/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms and the timeline drawn with bars, and the rows that others draw in their way. */
#ifndef LOOPSTALL_REPORT_BARS_H
#define LOOPSTALL_REPORT_BARS_H

#include "model/summary.h"
#include "report/pen.h"

#define BARS_PER_OCTAVE 8
#define BARS_ROWS	(HISTOGRAM_BUCKETS / BARS_PER_OCTAVE + 2)
#define BARS_EMPTY	2 /* more empty rows than that are one sign */

/* Buckets between two whole-octave edges. */
struct bars_row {
	double low_ns, high_ns; /* high is infinite in the last */
	uint64_t n, sum_ns;
};

/* From the first with values up to the last: none if first is not below end. */
struct bars_rows {
	struct bars_row rows[BARS_ROWS];
	size_t first, end;
	uint64_t longest_ns; /* highest sum of a row */
};

struct bars_rows bars_rows(const struct histogram *h);
/* Rows without values from that one on, which is below end. */
size_t bars_empty(const struct bars_rows *r, size_t at);
/* It has values over the threshold, or may have. */
bool bars_is_stall(const struct bars_row *r, uint64_t threshold_ns);

/*
 * One line per power of two of a second that has values: from, to, iterations, and a bar for the share of
 * time spent in them (that is what an arrival meets). Lines from the threshold on are marked.
 */
void bars_histogram(struct pen *p, const struct histogram *h, uint64_t threshold_ns, uint64_t elapsed_ns);
/* The longest stall running at each moment, as high as it was long, on one line with its scale. */
void bars_timeline(struct pen *p, const struct tally_cell *cells, size_t n, uint64_t cell_ns);

#endif
