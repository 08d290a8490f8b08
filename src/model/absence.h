/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who had the CPU over all stalls while a loop was ready for it, and which cgroups' limits held loops back. Bounded: what comes when it
 * is full is only summed. A plain value, copied as it is.
 */
#ifndef LOOPSTALL_MODEL_ABSENCE_H
#define LOOPSTALL_MODEL_ABSENCE_H

#include "model/fact.h"

#define ABSENCE_RUNNERS 64
#define ABSENCE_LIMITS	16

/* Processes are told apart by name: short-lived ones of one name are one neighbour. */
struct absence_runner {
	const char *comm;
	uint32_t pid; /* the last one seen */
	bool own;     /* a thread of the loop's process */
	bool several; /* more than one number had this name */
	uint64_t ns, longest_ns, stalls;
};

struct absence_limit {
	struct limit limit; /* as it was last */
	uint64_t ns, longest_ns, stalls;
};

struct absence {
	struct absence_runner runners[ABSENCE_RUNNERS];
	struct absence_limit limits[ABSENCE_LIMITS];
	size_t n_runners, n_limits;
	uint64_t beyond_ns; /* of runners and limits that found no place */
};

void absence_add(struct absence *a, const struct fact_stall *s);
/* Most time first. */
void absence_sort(struct absence *a);

#endif
