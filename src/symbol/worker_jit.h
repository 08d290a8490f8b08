/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The perf map of one process in the worker: read through a descriptor that the monitor opened, as far as it has grown since, so
 * that a name is as old as the stack it is looked up for.
 */
#ifndef LOOPSTALL_SYMBOL_WORKER_JIT_H
#define LOOPSTALL_SYMBOL_WORKER_JIT_H

#include "symbol/jit_map.h"

#include <sys/types.h>

#define WORKER_JIT_MAX_BYTES (64u << 20) /* of a file; a large Node service writes 10 MB */
#define WORKER_JIT_TAIL	     64

struct worker_jit {
	int fd_plus_1;		    /* 0: none */
	uint64_t asked_ns;	    /* for a descriptor, the last time */
	off_t offset;		    /* read up to here: behind a complete line */
	char tail[WORKER_JIT_TAIL]; /* what lies before it, as long as nobody writes the file anew */
	size_t n_tail;
	struct jit_map map;
};

/* Whether a descriptor is missing, and it is time to ask for one again. */
bool worker_jit_asks(struct worker_jit *j);
/* Takes the descriptor; -1: there is no map. */
void worker_jit_take(struct worker_jit *j, int fd);
/* Reads what is new. True if the map has become too large by that. */
bool worker_jit_read(struct worker_jit *j);
void worker_jit_free(struct worker_jit *j);

#endif
