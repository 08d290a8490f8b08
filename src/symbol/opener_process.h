/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opener as the monitor sees it: a queue of which the first request is at work. One that is not answered in
 * time is given up, the opener killed for it, and the next one served by another.
 *
 * Each request has a number, counting up, and they are done in this order.
 */
#ifndef LOOPSTALL_SYMBOL_OPENER_PROCESS_H
#define LOOPSTALL_SYMBOL_OPENER_PROCESS_H

#include "symbol/nursery.h"
#include "symbol/opener.h"

/* fd is the receiver's from here on, or -errno: -ETIMEDOUT if it was given up. */
typedef void opener_done(void *context, uint64_t number, const struct opening *o, int fd);

struct opener_request;
struct opener_process {
	pid_t pid;  /* 0: none is running */
	int socket; /* -1: none */
	opener_done *done;
	void *context;
	struct opener_request *first, **last;
	bool sent; /* the first one */
	uint64_t last_number;
	uint64_t sent_ns, now_ns, pause_until_ns;
	unsigned restarts_in_a_row;
	uint64_t hung; /* requests given up */
	bool told;     /* it has said what came of its lockdown */
	struct lockdown lockdown;
};

void opener_process_init(struct opener_process *p, opener_done *done, void *context);
/* A new opener, in place of the old one. 0 or -errno. */
int opener_process_start(struct opener_process *p, const struct nursery *nursery);
/* Queues a copy; its number, or 0 without memory. done() is called from opener_process_hear(). */
uint64_t opener_process_ask(struct opener_process *p, const struct opening *o);
/* Takes what has been opened and watches the deadline; the socket may be another one afterwards. */
void opener_process_hear(struct opener_process *p, const struct nursery *nursery, uint64_t now_ns);
/* The number of the request at work; when there is none, that of the next one. */
uint64_t opener_process_next(const struct opener_process *p);
/* What waits is dropped. */
void opener_process_free(struct opener_process *p);

#endif
