/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many asyncio tasks a process has that are not done, counted in its memory while it runs.
 *
 * Up to 3.13 a WeakSet has all tasks: a hash table of weak references. From 3.14 on tasks are linked to rings, one for each thread that
 * made some and one for threads that are gone. Either has tasks that are done and that somebody keeps. Of the set, whose size is known,
 * at most 256 tasks are asked, and where some of them are done the number is an estimate; rings are walked, each task is asked, and the
 * walk has an end. What changed while it was read is not counted at all rather than wrong.
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_TASKS_H
#define LOOPSTALL_SYMBOL_PYTHON_TASKS_H

#include "symbol/python_space.h"

#define PYTHON_TASKS_MAX       65536	  /* linked tasks that a walk visits */
#define PYTHON_TASKS_READS_MAX 4096	  /* reads of at most a page in a walk: 2 to 10 ms */
#define PYTHON_TASKS_SLOTS_MAX (1u << 24) /* of a table that is one */

/* Where they are. All 0: not known, linked, or asyncio has not been loaded (yet). */
struct python_tasks {
	uint64_t set, type; /* up to 3.13: the set in the WeakSet, and the type of tasks */
};

struct python_task_count {
	uint64_t n;    /* of the main interpreter, not done */
	bool at_least; /* there are more than a walk visits */
};

void python_tasks_find(const struct python_space *p, struct python_tasks *tasks);
/* False: not to be counted, or it changed meanwhile. */
bool python_tasks_count(const struct python_space *p, const struct python_tasks *tasks,
			struct python_task_count *count);

#endif
