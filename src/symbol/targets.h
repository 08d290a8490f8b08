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

#define TARGETS_MAX	   1024 /* processes; beyond, the least recently used one is forgotten */
#define TARGET_REREAD_NS   1000000000ull
#define MODULE_MAX_CRASHES 2 /* after that the worker does not get it any more */

struct target_module {
	const char *object; /* cleaned base name */
	bool application;
	bool sent;    /* the worker in life has it */
	bool missing; /* the worker in life was told that it could not be opened: a process that is gone, or its program's successor */
	unsigned crashes;
};

struct target {
	uint32_t pid;
	struct maps maps;
	uint32_t *modules; /* per row of maps, MODULE_NONE for none */
	size_t cap_modules;
	uint64_t read_ns, used; /* used: counts up, for eviction */
	bool sent;		/* the worker in life has these rows */
	bool runs_js;
	bool runs_python; /* the worker has been asked for its interpreter, and will be again if it dies */
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
/*
 * Its maps are read when it is new; a process that is gone has none. *dropped is the process forgotten to
 * make room, 0 none. NULL without memory.
 */
struct target *targets_get(struct targets *t, uint32_t pid, uint64_t now_ns, uint32_t *dropped);
/* Reads the maps anew, at most once a second: false if it did not. */
bool targets_reread(struct targets *t, struct target *target, uint64_t now_ns);
void targets_forget(struct targets *t, uint32_t pid);
/* NULL for a number that is not a file of ours. */
struct target_module *targets_module(struct targets *t, uint32_t id);
/* A descriptor of the module's file as this process maps it, or -errno. */
int targets_open_module(struct targets *t, const struct target *target, uint32_t id);
/*
 * Modules that may be the interpreter, the program itself last, and the 3.minor that their names tell (0
 * none). Returns their number.
 */
uint32_t targets_pythons(struct targets *t, const struct target *target, uint32_t *modules, uint32_t *minors,
			 uint32_t max);
/* A new worker knows nothing. */
void targets_mark_unsent(struct targets *t);
/* The cleaned, kept copy of a text from outside. */
const char *targets_name(struct targets *t, const char *text, size_t len);

#endif
