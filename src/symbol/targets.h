/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor knows of the processes whose stacks it has resolved: their executable mappings, and the
 * files behind them as modules. A module is a file in one state (device, inode, time of change, size), so
 * that all processes share it.
 */
#ifndef LOOPSTALL_SYMBOL_TARGETS_H
#define LOOPSTALL_SYMBOL_TARGETS_H

#include "base/idmap.h"
#include "base/intern.h"
#include "symbol/maps.h"
#include "symbol/opener.h"

#define TARGETS_MAX	 1024 /* processes; beyond, the least recently used one is forgotten */
#define TARGET_REREAD_NS 1000000000ull
#define TARGET_STALE_NS                                                                                      \
	10000000000ull /* a library that took the place of another is named by that for so long at most */
#define TARGET_MAX_HUNG	   3 /* openings; each may leave an opener behind that cannot be killed */
#define MODULE_MAX_CRASHES 2 /* after that the worker does not get it any more */

struct target_module {
	const char *object; /* cleaned base name */
	bool application;
	bool is_program; /* of some process, and no library */
	bool asked;	 /* the opener has been asked for it */
	bool sent;	 /* the worker in life has it */
	bool memory; /* no file but memory: its code has no name unless it is a program's, or a JIT map tells */
	bool missing; /* the worker in life was told that it could not be opened: a process that is gone, or its program's successor */
	unsigned crashes;
};

enum target_state { TARGET_UNREAD, TARGET_READING, TARGET_READ };

struct target {
	uint32_t pid;
	enum target_state state; /* READING: the maps are those of the last time */
	uint64_t reading;	 /* number of the request under way */
	struct maps maps;
	uint32_t *modules; /* per row of maps, MODULE_NONE for none */
	size_t cap_modules;
	uint64_t read_ns; /* 0: may be read again at once */
	unsigned reads;
	uint64_t seen_ns;    /* when it was read last */
	bool is_looked_over; /* READING: whether anything has changed, for nobody but us */
	uint64_t used;	     /* counts up, for eviction */
	bool sent;	     /* the worker in life has these rows */
	bool runs_js;
	bool wants_python;		 /* somebody wants to know its interpreter */
	unsigned pythons;		 /* asked of the worker, and not answered */
	uint64_t memory;		 /* number of the request for its memory, 0 none */
	bool jit_refused;		 /* a worker died of its JIT map */
	bool tasks_asked, tasks_refused; /* the number of its tasks; refused: a worker died of it */
	unsigned hung;			 /* requests for it that were given up */
};

struct targets {
	struct idmap by_pid;
	struct intern *keys;	       /* struct module_key → module id - MODULE_FIRST */
	struct intern *names;	       /* everything that is shown; lives as long as the resolver */
	struct target_module *modules; /* by id - MODULE_FIRST */
	size_t n_modules, cap_modules;
	struct bytes text; /* scratch */
	uint64_t uses;
};

/* 0 or -ENOMEM. */
int targets_init(struct targets *t);
void targets_free(struct targets *t);
/* A new one is UNREAD. NULL without memory. */
struct target *targets_get(struct targets *t, uint32_t pid);
/* The process to be forgotten before there can be a new one, 0 none. */
uint32_t targets_surplus(const struct targets *t);
/* NULL for a process that is not known. */
struct target *targets_find(const struct targets *t, uint32_t pid);
/*
 * What the opener saw of it, a struct opened_target; NULL: nothing. It is READ then, in any case. The worker in life still has its rows if
 * they are what they were, or if it was only looked over and is gone.
 */
void targets_take(struct targets *t, struct target *target, const void *seen, size_t bytes, uint64_t now_ns);
/*
 * Once a second at most, and before that after ever longer pauses: what a process maps when it begins, or runs another program, it maps
 * piece by piece, and its first stacks may be of any moment of that.
 */
bool targets_may_reread(const struct target *target, uint64_t now_ns);
/* Something may have been unmapped, and something else mapped in its place, which no address tells. */
bool targets_are_stale(const struct target *target, uint64_t now_ns);
void targets_forget(struct targets *t, uint32_t pid);
/* NULL for a number that is not a file of ours. */
struct target_module *targets_module(struct targets *t, uint32_t id);
/* The request for the module's file as this process maps it. False: there is none, or it is not to be had. */
bool targets_opening(struct targets *t, const struct target *target, uint32_t id, struct opening *o);
/*
 * Modules that may be the interpreter, or V8, the program itself last, and the 3.minor that their names tell (0
 * none). Returns their number.
 */
uint32_t targets_pythons(struct targets *t, const struct target *target, uint32_t *modules, uint32_t *minors,
			 uint32_t max);
/* The module that has asyncio's tasks; MODULE_NONE: not loaded, or part of the interpreter. */
uint32_t targets_asyncio(struct targets *t, const struct target *target);
/* A new worker knows nothing. */
void targets_mark_unsent(struct targets *t);
/* The cleaned, kept copy of a text from outside. */
const char *targets_name(struct targets *t, const char *text, size_t len);

#endif
