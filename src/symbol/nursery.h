/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where workers come from: a small process forked before anything was opened or read, which forks a worker
 * whenever the monitor asks. So no worker, the tenth as little as the first, inherits what the monitor has
 * gathered meanwhile: mapped kernel buffers, descriptors, stacks of other processes. Whoever can crash a
 * worker gains nothing by it.
 */
#ifndef LOOPSTALL_SYMBOL_NURSERY_H
#define LOOPSTALL_SYMBOL_NURSERY_H

#include "symbol/worker.h"

#include <sys/types.h>

struct nursery {
	int socket; /* -1: none */
	pid_t pid;
};

/* What every worker shall share is in link; its socket is filled in later. 0 or -errno. */
int nursery_start(struct nursery *n, const struct worker_link *link);
/*
 * A new worker that serves the given end of a socket pair, which stays the caller's. *pid names it for
 * people, the returned pidfd is what it is ended by; or -errno.
 */
int nursery_worker(const struct nursery *n, int socket, pid_t *pid);
/* Its workers die with it. */
void nursery_stop(struct nursery *n);

#endif
