/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions under which `loopstall check` fails, such as "stall>10ms, lag.p99>200ms, stalls>3, utilisation>80%, verdict=GIL". Pure: reads a
 * tally and its summary.
 *
 *	stall OP TIME          any stall so long           stalls OP N            that many stalls
 *	lag.p50 .p90 .p99 .max OP TIME, as an arrival sees it                    utilisation OP N%
 *	verdict = WORD         any stall of that verdict
 *
 * OP is > or >=; conditions are joined by commas, and each is judged for every loop that is not hidden.
 */
#ifndef LOOPSTALL_MODEL_GATE_H
#define LOOPSTALL_MODEL_GATE_H

#include "base/bytes.h"
#include "base/diag.h"
#include "model/summary.h"

#define GATE_CONDITIONS 16

enum gate_metric {
	GATE_STALL,
	GATE_STALLS,
	GATE_LAG_P50,
	GATE_LAG_P90,
	GATE_LAG_P99,
	GATE_LAG_MAX,
	GATE_UTILISATION,
	GATE_VERDICT,
	GATE_METRICS
};

struct gate_condition {
	enum gate_metric metric;
	bool or_equal;
	uint64_t value; /* ns, a count, per mille, or enum verdict */
};

struct gate {
	struct gate_condition conditions[GATE_CONDITIONS];
	size_t n;
	const char *
		ignore; /* comma-separated patterns of functions whose stalls do not count (* and ?), NULL none */
};

/* 0, or -EINVAL with the diag filled. ignore is kept, not copied. */
int gate_parse(struct gate *g, const char *text, const char *ignore, struct diag *d);
/* The shortest lag that a condition asks for: what has to be recorded; UINT64_MAX if none does. */
uint64_t gate_threshold_ns(const struct gate *g);
/* Appends one line per breach; returns how many there are. */
size_t gate_judge(const struct gate *g, const struct tally *t, const struct summary *s, struct bytes *out);

#endif
