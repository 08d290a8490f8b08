/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of stalls went, all of it: by process, by stack and by what it waited for there. For formats that show the whole
 * (flame graphs), where a summary names the worst. Of each stall the parts add up to its lag, so that of all places they add up to all
 * stall time; a stall is counted once, at the place that most of it was spent at.
 */
#ifndef LOOPSTALL_MODEL_PLACES_H
#define LOOPSTALL_MODEL_PLACES_H

#include "model/summary.h"

#define PLACES_MAX 65536 /* told apart; what comes later is one place */

enum place_kind {
	PLACE_CPU,
	PLACE_BLOCKED,
	PLACE_THROTTLED,
	PLACE_NO_CPU, /* ready, and others ran; what a hypervisor or interrupts took, too */
	PLACE_STOPPED,
	PLACE_UNACCOUNTED,
	PLACE_BEYOND, /* of those over the bound, whatever they were */
	PLACE_KINDS
};

struct place {
	enum place_kind kind;
	uint32_t pid;
	const char *process;
	uint32_t stack; /* 0: none is known, or it has none */
	/* PLACE_BLOCKED: in which call and on what, as the longest had it; call "" where that is not known */
	const char *call, *target;
	enum target_kind target_kind;
	uint64_t object;      /* of a sleep: what was asked for */
	bool several;	      /* more than one of them */
	enum verdict verdict; /* of the stall, as its cause; that "" unclassified */
	const char *cause;
	uint64_t ns, longest_ns; /* of all, of one stall */
	uint64_t stalls;	 /* that spent most of their time here */
	size_t order;		 /* of first sight: places of equal time keep it */
};

struct places;

/* threshold_ns 0: that of the header. The dictionary has taken a fact before this sees it, and outlives it. NULL without memory. */
struct places *places_new(const struct dictionary *d, uint64_t threshold_ns);
void places_free(struct places *p);
/* take(): 0 or -ENOMEM. Takes stalls that are over, and of loops that are not hidden, as a summary does. */
struct sink *places_sink(struct places *p);
/* At the end: adds the stalls that are still open, puts most time first, and makes it part of the summary. 0 or -ENOMEM. */
int places_close(struct places *p, struct summary *s);
size_t places_count(const struct places *p);
/* After places_close(). */
const struct place *places_at(const struct places *p, size_t i);

#endif
