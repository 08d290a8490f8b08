/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where workers and openers come from: a small process forked before anything was opened or read, which forks
 * one of them whenever the monitor asks. So none, the tenth as little as the first, inherits what the monitor
 * has gathered meanwhile: mapped kernel buffers, descriptors, stacks of other processes. Whoever can crash a
 * worker gains nothing by it.
 *
 * It also ends them, for the monitor may have given up the right to.
 */
#ifndef LOOPSTALL_SYMBOL_NURSERY_H
#define LOOPSTALL_SYMBOL_NURSERY_H

#include "symbol/worker.h"

#include <stdbool.h>
#include <sys/types.h>

enum nursling { NURSLING_WORKER, NURSLING_OPENER, NURSLINGS };

struct nursery {
	int socket; /* -1: none */
	pid_t pid;
};

/* What every worker shall share is in link; its socket is filled in later. 0 or -errno. */
int nursery_start(struct nursery *n, const struct worker_link *link);
/*
 * A new one in place of the one of its kind, which is killed. It serves the other end of *socket, which is the
 * caller's. *pid is for people. 0, or -errno: then there is none.
 */
int nursery_raise(const struct nursery *n, enum nursling kind, int *socket, pid_t *pid);
/* Kills it, and does not wait: a read from a dead network file system cannot be ended at once. */
void nursery_end(const struct nursery *n, enum nursling kind);
/* All die with it. */
void nursery_stop(struct nursery *n);

#endif
