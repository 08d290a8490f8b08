/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker needs besides stacks, on its way from the opener to the worker: maps, modules, debug files,
 * the memory of interpreters.
 *
 * Each thing asked of the opener has a number; they come in the order of their numbers. So whoever lacks
 * something waits until all that has been asked for so far is there, and tries again.
 */
#ifndef LOOPSTALL_SYMBOL_SUPPLY_H
#define LOOPSTALL_SYMBOL_SUPPLY_H

#include "symbol/channel.h"
#include "symbol/opener_process.h"
#include "symbol/protocol.h"
#include "symbol/targets.h"

struct supply {
	struct targets targets;
	struct opener_process opener;
	struct outbox outbox;
	int worker; /* the socket of the worker in life, -1 none */
	resolver_python_found *python_found;
	void *python_context;
	resolver_line *line_read;
	void *line_context;
	uint64_t now_ns;
	resolver_tasks *tasks_counted;
	void *tasks_context;
	unsigned pythons; /* what the worker has been asked of interpreters and not answered */
};

/* 0 or -ENOMEM. Until there is an opener, what is asked for waits. */
int supply_init(struct supply *s);
void supply_free(struct supply *s);
/* A worker that knows nothing yet; -1: there is none for now. */
void supply_worker(struct supply *s, int socket);

/* A message to the worker, behind those before it. */
void supply_order(struct supply *s, const void *order, size_t bytes, int fd);
/* Makes its maps and its interpreter known to the worker; false: that has to wait. */
bool supply_process(struct supply *s, uint32_t pid);
/* The maps again; they are as they are if they were read only just now. */
void supply_maps(struct supply *s, uint32_t pid);
void supply_module(struct supply *s, uint32_t pid, uint32_t module);
void supply_debug(struct supply *s, uint32_t pid, const struct wanted_debug *wanted);
/* The map of what it compiles, if there is one. */
void supply_jit(struct supply *s, uint32_t pid);
/* 0, -ENOENT if nothing in the process can be an interpreter, -ENOMEM. */
int supply_python(struct supply *s, uint32_t pid);
/* Asks how many tasks its interpreter has, unless that has been asked and not answered. */
void supply_tasks(struct supply *s, uint32_t pid);
/* False: it cannot be asked for. */
bool supply_line(struct supply *s, uint32_t pid, const char *file, uint32_t line);
void supply_forget(struct supply *s, uint32_t pid);

/* Takes what the opener has opened. */
void supply_hear(struct supply *s, const struct nursery *nursery, uint64_t now_ns);
/* What the worker found out. 0, or -EPROTO if nobody asked. */
int supply_take_python(struct supply *s, const struct report_python *report);
int supply_take_tasks(struct supply *s, const struct report_tasks *report);

/* Whoever has to wait waits until this is done; 0: there is nothing to wait for. */
uint64_t supply_last(const struct supply *s);
bool supply_is_done(const struct supply *s, uint64_t number);

#endif
