/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many iterations of a loop show together and no stall by itself: connections or tasks that pile up, a peer that is polled, bursts of connects,
 * gaps that grow from one to the next. Habits are sums over facts; patterns are judged from them by rules, rows of a table in order.
 *
 * A pattern always has a line of evidence. It has a name only where the rule asks for more than the line shows; else it says what was
 * seen and accuses nobody.
 */
#ifndef LOOPSTALL_MODEL_PATTERN_H
#define LOOPSTALL_MODEL_PATTERN_H

#include "model/dictionary.h"
#include "model/fact.h"

#define HABIT_PEERS   12 /* told apart per loop; a quiet one gives way */
#define HABIT_BLAMED  4	 /* culprits told apart; the one of fewest iterations gives way */
#define HABIT_MOMENTS 16 /* of a course; when full every second one is kept */
#define PATTERN_MOST  6
#define PATTERN_BYTES FACT_EVIDENCE_BYTES

/* A level over time. */
struct course {
	uint64_t values[HABIT_MOMENTS];
	uint32_t n, every, skipped; /* every: facts per value; 0 is 1 */
	uint64_t from_ns, to_ns;    /* observed time at its first and last value */
};

/* How many a second: mean and variance over seconds, without a list of them. */
struct pace {
	uint64_t n;
	double mean, squares;
};

struct habit_peer {
	const char *peer; /* NULL: free */
	uint64_t connects, timed_connects, waits, waited_ns, reads, work_ns, open, most_connects, most_open;
	struct course connections;
	struct pace pace, read_pace; /* of connects and reads */
};

/* A culprit of iterations of one shape. */
struct blamed {
	uint32_t frame, times; /* frame 0: free */
	uint64_t cpu_ns;
};

struct habits {
	uint64_t elapsed_ns, busy_ns, connects, bursts, most_connects, timed_chains, timed_ns;
	struct course files, tasks;
	bool tasks_at_least;  /* more than the last value */
	uint64_t tasks_loops; /* that they may belong to */
	struct habit_peer peers[HABIT_PEERS];
	uint64_t floods, cascades; /* recorded iterations of their shape that cost something */
	struct chain growth;	   /* of the chain that grew to most; zero: none did */
	struct blamed flood[HABIT_BLAMED], cascade[HABIT_BLAMED];
};

/* In order of time. */
void habits_count(struct habits *h, const struct fact_counts *c);
/* Every recorded iteration, whether or not it is over the threshold. */
void habits_stall(struct habits *h, const struct fact_stall *s);
/* The frame that most of the iterations have, of as many the one with most CPU time: other work may be in some of them. 0: none. */
uint32_t habits_blame(const struct blamed blamed[HABIT_BLAMED]);

struct pattern {
	const char *name;   /* a word of model/cause.h or "pile_up", "polling"; "": not named */
	const char *remedy; /* "" without a name */
	char evidence[PATTERN_BYTES];
};

/* At most PATTERN_MOST; how many. */
size_t patterns_of(const struct habits *h, const struct fact_loop *l, const struct dictionary *d,
		   struct pattern *patterns);

#endif
