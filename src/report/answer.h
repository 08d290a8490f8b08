/* SPDX-License-Identifier: Apache-2.0 */
/* The summary in one sentence: is it the loop? */
#ifndef LOOPSTALL_REPORT_ANSWER_H
#define LOOPSTALL_REPORT_ANSWER_H

#include "model/summary.h"
#include "report/pen.h"

#define ANSWER_QUIET_NS 10000000 /* with a lag p99 below it a loop is not what to look at */

/* No loop that is judged has stalled, was saturated, or had workers that blocked. */
bool answer_is_well(const struct summary *s);
void answer_line(struct pen *p, const struct summary *s);

#endif
