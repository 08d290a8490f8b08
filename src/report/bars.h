/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms and the timeline drawn with bars. */
#ifndef LOOPSTALL_REPORT_BARS_H
#define LOOPSTALL_REPORT_BARS_H

#include "model/summary.h"
#include "report/pen.h"

/*
 * One line per power of two of a second that has values: from, to, iterations, and a bar for the share of
 * time spent in them (that is what an arrival meets). Lines from the threshold on are marked.
 */
void bars_histogram(struct pen *p, const struct histogram *h, uint64_t threshold_ns, uint64_t elapsed_ns);
/* The longest stall running at each moment, as high as it was long, on one line with its scale. */
void bars_timeline(struct pen *p, const struct tally_cell *cells, size_t n, uint64_t cell_ns);

#endif
