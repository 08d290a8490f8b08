/* SPDX-License-Identifier: Apache-2.0 */
/* One stall on a few lines. */
#ifndef LOOPSTALL_REPORT_STALL_LINES_H
#define LOOPSTALL_REPORT_STALL_LINES_H

#include "model/dictionary.h"
#include "report/pen.h"

#define STALL_INDENT 14 /* of the lines below the first: behind the time of day */

/* wall_us: of the stall's start. brief: the first line only, for an open stall that grows. */
void stall_lines(struct pen *p, const struct fact_stall *s, const struct dictionary *d, uint64_t wall_us,
		 bool brief);
/* A worker of a shared loop that is blocked while the others serve. */
void worker_lines(struct pen *p, const struct fact_stall *s, const struct dictionary *d, uint64_t wall_us);

#endif
