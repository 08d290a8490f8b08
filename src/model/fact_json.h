/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts as JSON lines, one a fact, in two styles that share their names (docs/recording.md).
 *
 * A recording is exact and small: stacks and frames by number, defined by lines of their own; capture times
 * in nanoseconds; whatever a _us member cuts off in "ns". Read back it gives an equal fact. A stream is for
 * people's programs: every line stands alone, stacks are arrays of frames, and lines that only define
 * numbers, or only mark time, are left out.
 */
#ifndef LOOPSTALL_MODEL_FACT_JSON_H
#define LOOPSTALL_MODEL_FACT_JSON_H

#include "base/bytes.h"
#include "model/dictionary.h"

enum fact_style { FACT_RECORDING, FACT_STREAM };

struct loss_total {
	const char *reason;
	uint64_t count;
};

struct fact_json {
	enum fact_style style;
	const struct dictionary *dictionary; /* of a stream: has taken the fact's loop, frames and stacks */
	uint64_t wall_us;		     /* learned from the header fact */
	const struct loss_total *losses;     /* totals for the end line, may be NULL */
	size_t n_losses;
};

/* Appends the line with its newline, or nothing for a kind that the style leaves out. */
void fact_json_line(struct fact_json *how, const struct fact *f, struct bytes *out);

#define FACT_TIME_BYTES 40
/* "2026-11-20T14:03:22.118493Z" from Unix microseconds. Returns text. */
const char *fact_time_text(uint64_t wall_us, char text[FACT_TIME_BYTES]);

#endif
