/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process in which alone ELF and call-frame information are parsed. It opens nothing, resolves no path
 * and talks to nobody but the monitor: files come as descriptors, stacks in shared memory, names go back as
 * bytes.
 */
#ifndef LOOPSTALL_SYMBOL_WORKER_H
#define LOOPSTALL_SYMBOL_WORKER_H

#include "symbol/lockdown.h"
#include "symbol/protocol.h"

struct worker_link {
	int socket;			/* the worker's end */
	const struct stack_slot *slots; /* PROTOCOL_SLOTS, shared */
	struct worker_state *state;	/* shared */
	struct lockdown lockdown;	/* what came of it: the first thing it says */
};

/* In a process of its own: serves until the monitor closes its end. */
_Noreturn void worker_main(const struct worker_link *link);

#endif
