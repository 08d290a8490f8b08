/* SPDX-License-Identifier: Apache-2.0 */
/* The status lines of the live view: what each loop did since the last ones, the worst loops first. */
#ifndef LOOPSTALL_REPORT_STATUS_H
#define LOOPSTALL_REPORT_STATUS_H

#include "model/dictionary.h"
#include "report/pen.h"

#define STATUS_LOOPS 3 /* lines; the other loops share one */

struct live_loop {
	uint32_t id;
	/* since the last status lines */
	struct histogram lag;
	uint64_t elapsed_ns, busy_ns, new_stalls; /* busy: of gaps that ended since then, whole */
	uint64_t before_ns; /* age that the gap that was open then, or at the attach, had */
	/* now */
	uint64_t open_gap_ns, counted_at_ns; /* age of the open gap when it was counted last, 0 none */
	/* since the start */
	uint64_t stalls, longest_ns;
	bool saturated, was_saturated;
	bool open;
	struct fact_stall last_open; /* kept after its end, to know its reports again */
	uint64_t open_at_ns;	     /* of its last report */
	uint64_t told_start_ns,
		told_start_us; /* of the last stall that was told: capture time, and what was said */
};

struct status_line {
	const struct dictionary *dictionary;
	uint64_t threshold_ns;
	uint64_t since_ns, at_ns, wall_us; /* since: the last status lines; wall: of at_ns */
	bool is_first;
	bool some_ended; /* loops have been seen that are gone and forgotten */
};

/* Age of the gap that is open at that time, 0 none. */
uint64_t status_open_gap_ns(const struct live_loop *loop, uint64_t at_ns);
/* 0 or -ENOMEM */
int status_lines(struct pen *p, const struct status_line *of, const struct live_loop *const *loops, size_t n);

#endif
