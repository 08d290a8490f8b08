/* SPDX-License-Identifier: Apache-2.0 */
/* Python in the worker: one process' interpreter once it is found, and its frames joined with the native ones. */
#ifndef LOOPSTALL_SYMBOL_WORKER_PYTHON_H
#define LOOPSTALL_SYMBOL_WORKER_PYTHON_H

#include "symbol/python_code.h"
#include "symbol/python_merge.h"
#include "symbol/python_find.h"
#include "symbol/python_tasks.h"
#include "symbol/unwind.h"

struct worker_python {
	struct python_space space;
	struct python_codes codes;
	struct python_tasks tasks;
	uint32_t module; /* the interpreter's */
};

/* A frame of the joined stack: a native one, or a Python one with its code (id PYTHON_NO_CODE: unreadable). */
#define PYTHON_NO_CODE 0
struct joined_frame {
	const struct unwind_frame *native; /* NULL: Python */
	struct python_code code;
	uint32_t line;
};

/* What a native frame is to the merge; is_interpreter: it is of the interpreter's own module. */
typedef enum native_part worker_part_of(void *context, const struct unwind_frame *frame, bool is_interpreter);

struct worker_python *worker_python_new(int memory, uint32_t *next_id);
void worker_python_free(struct worker_python *p);
/* Where the lock of the main interpreter is; 0 unknown. */
uint64_t worker_python_gil(const struct worker_python *p);
/* State of the main interpreter's oldest thread; 0 unknown. */
uint64_t worker_python_oldest_thread(const struct worker_python *p);
/*
 * Calls put() for every frame of the joined stack, innermost first, until it says false. The strings of a
 * code are valid during the call.
 */
void worker_python_join(struct worker_python *p, const struct raw_stack *raw, const struct unwound *unwound,
			worker_part_of *part_of, bool (*put)(void *context, const struct joined_frame *frame),
			void *context);

#endif
