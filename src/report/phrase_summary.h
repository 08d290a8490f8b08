/* SPDX-License-Identifier: Apache-2.0 */
/* How what a summary has is chosen and put into words, the same in the text and on the page. */
#ifndef LOOPSTALL_REPORT_PHRASE_SUMMARY_H
#define LOOPSTALL_REPORT_PHRASE_SUMMARY_H

#include "base/bytes.h"
#include "model/summary.h"

#define SUMMARY_LEAST_SHARE   0.005 /* of all stall time, for a culprit to be listed */
#define SUMMARY_LEAST_ABSENCE 50    /* less than 1/50 of all stall time is not worth a line */

/* Nothing to tell: folded into one line when there are many. */
bool summary_is_quiet(const struct summary_loop *l);
/* How many of the loops, from the first on, have something to tell; most is what there is room for. */
size_t summary_loops_told(const struct summary *s, size_t most);
/* How many of the culprits. */
size_t summary_causes_told(const struct summary *s, size_t most);
/* Its stall was not over when the run ended, and is more than one that was just cut off. */
bool summary_is_open(const struct summary_loop *l);
/* Of the samples of its last saturation: the heaviest stack through their culprit, NULL none. */
const struct fact_stack *summary_saturated_stack(const struct summary *s, const struct summary_loop *l,
						 uint32_t *culprit_frame);

/* "+ 4 more loops, all quiet" */
void phrase_more_loops(struct bytes *out, const struct summary *s, size_t told, size_t of);
/* "+ 2 not judged: slave, sleep-poll or single-client" */
void phrase_not_judged(struct bytes *out, const struct summary *s);
/* "saturated for 7.9 s, and still is" */
void phrase_saturated(struct bytes *out, const struct summary_loop *l);
/* "workers blocked 3 times, ≥ 210 ms" */
void phrase_workers(struct bytes *out, const struct blocked_workers *w);
/* "poll_vram app/gpu.py:41", "no CPU: others ran" */
void phrase_cause(struct bytes *out, const struct summary_cause *c);
/* Its name, and of which stall its evidence is: "subprocess, the longest"; empty: unclassified. */
void phrase_told(struct bytes *out, const struct summary_cause *c);
/* "in 6 stalls, up to 640 ms" */
void phrase_in_stalls(struct bytes *out, uint64_t stalls, uint64_t longest_ns);
/* "its own thread cache-loader[2011]" */
void phrase_runner(struct bytes *out, const struct absence_runner *r);
/* What it takes to have the line and not only what it called; empty where all have one. */
void phrase_naming(struct bytes *out, const struct summary *s);

#endif
