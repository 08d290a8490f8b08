/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a program of the benchmark is told what to do and how it answers. It knows nothing of who traces it.
 *
 *	in   ITERATIONS LAP\n			do so many, and read the clock every LAP iterations
 *	out  {"iterations": N, "laps": [ns, ...]}	N as a tracer must have counted them; the time of each lap
 *
 * A lap is short against a scheduler's tick, so that most laps run undisturbed however busy the machine is.
 */
#ifndef LOOPSTALL_BENCH_H
#define LOOPSTALL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

struct laps {
	uint64_t iterations; /* asked for; a whole number of laps */
	uint64_t lap;	     /* iterations in one */
	uint64_t *ns;
	uint64_t count, room;
	uint64_t began_ns;
};

/* Ends the program with a message if what failed; else returns value. */
int must(int value, const char *what);
uint64_t clock_ns(void);
/* Reads the next order from standard input, waiting for it. False at the end of the input. */
bool laps_ordered(struct laps *l);
void laps_begin(struct laps *l);
void lap_end(struct laps *l);
void laps_report(const struct laps *l, uint64_t iterations);

#endif
