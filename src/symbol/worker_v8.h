/* SPDX-License-Identifier: Apache-2.0 */
/* V8 in the worker: one process' V8 once it is found, and the functions in a frame of its stack. */
#ifndef LOOPSTALL_SYMBOL_WORKER_V8_H
#define LOOPSTALL_SYMBOL_WORKER_V8_H

#include "symbol/unwind.h"
#include "symbol/v8_find.h"
#include "symbol/v8_frame.h"

struct worker_v8 {
	struct v8_names names;
	uint32_t module;			 /* V8's */
	uint64_t interpreter, interpreter_bytes; /* where it is in the module's file */
};

struct worker_v8 *worker_v8_new(int memory, uint32_t *next_id);
void worker_v8_free(struct worker_v8 *v);
/* Looks for V8 in a module; see v8_find(). */
enum v8_find worker_v8_open(struct worker_v8 *v, uint32_t module, const struct elf_file *f,
			    uint32_t *version);
/* Before the frames of a stack. */
void worker_v8_begin(struct worker_v8 *v, const struct raw_stack *raw);
/* As v8_frame_name(), of the frame with this index. */
uint32_t worker_v8_name(struct worker_v8 *v, const struct raw_stack *raw, const struct unwound *unwound,
			uint32_t index, struct v8_level levels[V8_LEVELS_MAX]);

#endif
