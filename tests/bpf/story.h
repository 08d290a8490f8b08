/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random story: what a few threads do with one or two loops, as a list of actions that is told to the programs (machine.h) and written
 * to a log (reference.h) at the same time. An action that makes no sense where it comes is passed over, so that any part of a
 * story is a story, and a failing one can be made short.
 */
#ifndef LOOPSTALL_TESTS_BPF_STORY_H
#define LOOPSTALL_TESTS_BPF_STORY_H

#include "reference.h"

#define STORY_THREADS	   3
#define STORY_LOOPS	   2
#define STORY_ACTIONS	   400
#define STORY_TGID	   100
#define STORY_TID(n)	   (101 + (n))
#define STORY_OBJECT(loop) (0x10000ull * ((loop) + 1))

struct story_shape {
	uint32_t threads, loops;
	uint64_t record_ns;
	bool deaths, fixed_loops; /* fixed: a thread waits on one loop only */
	bool hides;		  /* one switch event is not shown to the programs */
};

struct action {
	uint32_t what, thread, loop, choice;
	uint64_t pass_ns;
	bool hidden;
};

struct story {
	struct story_shape shape;
	struct action actions[STORY_ACTIONS];
	size_t n;
};

void story_make(struct story *s, const struct story_shape *shape, uint64_t seed);
/* Tells it to a new machine. */
void story_tell(const struct story *s, struct log *log);
void story_print(const struct log *log);

#endif
