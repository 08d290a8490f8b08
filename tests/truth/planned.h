/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a loop of planned.c can be stalled. */
#ifndef LOOPSTALL_TESTS_PLANNED_H
#define LOOPSTALL_TESTS_PLANNED_H

#include "../progs/truth.h"

#define MAX_LOOPS 16

struct stall_kind {
	const char *name;
	void (*make)(unsigned loop, unsigned length_us);
	const char *verdict;  /* NULL: depends on the disk */
	const char *call;     /* of the longest block, a regular expression; NULL none */
	const char *function; /* innermost of the program; NULL: not one */
};

/* NULL if there is none of that name. */
const struct stall_kind *stall_kind_find(const char *name);
/* Starts what a loop's stalls need: called for each loop before any thread is there. */
void stall_prepare(unsigned loop);
/* Set by a stall that had to wait for its partner first: when it began in earnest. */
extern _Thread_local uint64_t stall_began_ns;
/* Set by a stall that waits: the line of the call. */
extern _Thread_local int stall_line;
void stall_start_threads(unsigned loop);

#endif
