/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a stall was the pause of a runtime that stops its threads: V8's collector by the functions in the stacks, the JVM's by
 * who ended the wait and by what its collector's threads did meanwhile, free-threaded Python's by what it says of its threads.
 */
#ifndef LOOPSTALL_MODEL_COLLECTOR_H
#define LOOPSTALL_MODEL_COLLECTOR_H

#include "model/dictionary.h"

enum pause {
	PAUSE_NONE,
	PAUSE_SAFEPOINT, /* all threads stopped, for something else or for nobody knows what */
	PAUSE_COLLECTION
};

/* What a block of the stall was waiting for. The loop may be NULL, then it is not of a JVM. */
enum pause collector_pause(const struct fact_stall *s, const struct block *b, const struct fact_loop *l,
			   const struct dictionary *d);
/* Fills s->collecting_ns and s->paused_ns from its samples and blocks, whose stacks must be in place. */
void collector_measure(struct fact_stall *s, const struct fact_loop *l, const struct dictionary *d);
/* Does a thread of this name collect while all others are stopped? */
bool collector_is_thread(const char *comm);

#endif
