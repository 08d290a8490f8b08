/* SPDX-License-Identifier: Apache-2.0 */
/* The worker as the monitor sees it: memory shared with it, its socket, its start and its end. */
#ifndef LOOPSTALL_SYMBOL_WORKER_PROCESS_H
#define LOOPSTALL_SYMBOL_WORKER_PROCESS_H

#include "symbol/nursery.h"
#include "symbol/protocol.h"

struct worker_process {
	pid_t pid;  /* 0: none is running */
	int socket; /* -1: none */
	struct stack_slot *slots;
	int lock_err; /* 0: the slots are never swapped out, else -errno */
	struct worker_state *state;
};

/* The shared memory; no worker yet. 0 or -ENOMEM. */
int worker_process_init(struct worker_process *w);
/* What a nursery needs to know to raise workers. */
struct worker_link worker_process_link(const struct worker_process *w);
/* A new worker, in place of the old one. 0 or -errno. */
int worker_process_start(struct worker_process *w, const struct nursery *nursery);
void worker_process_kill(struct worker_process *w, const struct nursery *nursery);
/* Resident memory, and the part of it that is not pages of files; 0 unknown. */
uint64_t worker_process_bytes(const struct worker_process *w, uint64_t *own_bytes);
void worker_process_free(struct worker_process *w);

#endif
