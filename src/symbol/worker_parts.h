/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the worker share: its state, and how a frame becomes a number. */
#ifndef LOOPSTALL_SYMBOL_WORKER_PARTS_H
#define LOOPSTALL_SYMBOL_WORKER_PARTS_H

#include "base/idmap.h"
#include "base/intern.h"
#include "symbol/module.h"
#include "symbol/worker.h"
#include "symbol/worker_jit.h"
#include "symbol/worker_python.h"
#include "symbol/worker_v8.h"

struct process {
	struct unwind_map *maps;
	size_t n, cap;
	struct worker_python *python; /* NULL: none that we can read */
	struct worker_v8 *v8;	      /* the same */
	struct worker_jit jit;
};

struct worker {
	struct worker_link link;
	struct idmap processes; /* pid: struct process */
	struct idmap modules;	/* id: struct module */
	struct intern *frames;	/* struct frame_key: the frame's number */
	struct intern *jit_names;
	struct unwound unwound;
	uint32_t next_code; /* number of the next Python code object */
	unsigned char *
		depths; /* by frame number: how many frames from it on are one of the stack's, with the calls inlined there */
	size_t cap_depths;
	uint64_t lines_bytes; /* of debug sections that are open */
};

/* Without the monitor there is nothing to live for. */
void worker_say(struct worker *w, const void *data, size_t bytes);
/*
 * A file that takes more memory than there may be: half a table of names would name wrongly. The next worker does without the file,
 * for the monitor sees what this one was at.
 */
void worker_end_if_starved(const struct module *m);
enum frame_place worker_place_of(const struct unwind_frame *f);

/* Every frame is sent once, by these; from then on it is a number. False without memory. */

/* Those at one address follow each other: *n from *first on. */
bool worker_number_native(struct worker *w, const struct unwind_frame *f, uint32_t *first, uint32_t *n);
bool worker_number_python(struct worker *w, const struct joined_frame *f, uint32_t *number);
/* By its name, not by its address: in one place there may be other code later. */
bool worker_number_jit(struct worker *w, const struct unwind_frame *f, const char *text, size_t len,
		       uint32_t *number);
/* By the function and its line, for the same reason. */
bool worker_number_v8(struct worker *w, const struct unwind_frame *f, const struct v8_level *level,
		      uint32_t *number);

#endif
