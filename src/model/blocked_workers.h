/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers of a shared loop that blocked while others served: how often, and what the longest was. No lag of the loop knows of them, and yet
 * what they had in hand waited.
 */
#ifndef LOOPSTALL_MODEL_BLOCKED_WORKERS_H
#define LOOPSTALL_MODEL_BLOCKED_WORKERS_H

#include "model/fact.h"

#define BLOCKED_WORKERS_KEPT 16

/* Zeroed: none. A worker that stays blocked is told again and again, and is one time. */
struct blocked_workers {
	uint64_t times, longest_ns;
	enum verdict verdict; /* of the longest, as all below */
	uint32_t stack, culprit_frame;
	const char *remedy; /* as long as the facts' strings; NULL none */
	struct {
		uint32_t tid;
		uint64_t start_ns;
	} last[BLOCKED_WORKERS_KEPT];
	uint32_t next;
};

void blocked_workers_add(struct blocked_workers *w, const struct fact_stall *s);
void blocked_workers_merge(struct blocked_workers *into, const struct blocked_workers *from);

#endif
