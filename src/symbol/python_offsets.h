/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where CPython keeps what we read, by minor version: data, no code. All offsets are bytes and those of 64-bit
 * builds; each row was measured on a running interpreter and from 3.13 on is compared with what the
 * interpreter says of itself. A version without a row is refused, never guessed.
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_OFFSETS_H
#define LOOPSTALL_SYMBOL_PYTHON_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYTHON_NO_MEMBER 0xffffu
/* From here on the interpreter publishes its offsets at the start of _PyRuntime. */
#define PYTHON_DEBUG_MINOR 13
#define PYTHON_DEBUG_BYTES 1024

struct python_offsets {
	uint16_t minor;
	bool free_threaded;		  /* the lock is there, begins with a switch, and is mostly off */
	uint8_t owner_hidden;		  /* frames of this owner and above are the interpreter's own marks */
	uint16_t runtime_interpreters;	  /* in _PyRuntime */
	uint16_t runtime_gc, runtime_gil; /* PYTHON_NO_MEMBER: the interpreter has them */
	uint16_t interp_next, interp_threads, interp_gc, interp_gil, interp_modules; /* gil: a pointer */
	uint16_t thread_next, thread_id, thread_interp, thread_native_id;
	uint16_t thread_state;		     /* an int, free-threaded only; 0: not known */
	uint16_t thread_frame, cframe_frame; /* cframe: thread_frame holds a structure that has the frame */
	uint16_t thread_task;		     /* running asyncio task; PYTHON_NO_MEMBER: in a dict */
	uint16_t frame_previous, frame_code, frame_instr, frame_owner, frame_entry, frame_locals, frame_bytes;
	uint16_t frame_copy, code_copies; /* a thread's own copy of the code; 0: there are none */
	uint16_t code_file, code_name, code_qualname, code_lines, code_first_line;
	uint16_t code_number;		   /* never used again for another; PYTHON_NO_MEMBER: there is none */
	uint16_t code_instructions;	   /* in the object from 3.11 on; before, a pointer to bytes */
	uint16_t object_type, object_size; /* ob_type, ob_size */
	uint16_t string_state, ascii_data, compact_data;
	uint8_t kind_shift, compact_shift, ascii_shift; /* in a string's state */
	uint16_t bytes_data;
	uint16_t task_coro;  /* task_name lies behind it */
	uint16_t coro_frame; /* PYTHON_NO_MEMBER: the frame tells the coroutine */
	/* Who awaits a task, and two flags: is it a task or a future, and is that one or a set. PYTHON_NO_MEMBER: not kept, or not known. */
	uint16_t task_awaited, task_is_task, task_awaited_is_set;
	uint16_t set_used, set_mask, set_table;
	uint16_t task_state; /* 0 while it is not done */
	/*
	 * Where an object of a Python class has its attributes: in a dict that the object points to; or as values in the order of the
	 * keys that its type has, inside of the object or behind a pointer (which is too small by a tag) before it.
	 */
	uint16_t attributes, type_keys, values_inside, values_before;
	uint8_t values_tag;
	uint16_t type_base;
	/* From 3.14 on: rings of tasks, by the thread that made them, and of threads that ended. PYTHON_NO_MEMBER: a set has them, or not known. */
	uint16_t thread_tasks, interp_tasks, task_node;
};

/* NULL for a version that is not known. */
const struct python_offsets *python_offsets_of(unsigned minor);

enum python_check {
	PYTHON_CHECKED,
	PYTHON_NO_COOKIE,     /* the bytes are not a runtime's that publishes its offsets */
	PYTHON_OTHER_VERSION, /* the runtime is of another version than expected */
	PYTHON_DIFFERS,	      /* an offset is not that of the table */
};

/*
 * Compares the table with the start of a runtime from 3.13 on. *differs names the member. A free-threaded
 * build has its own layout, which is taken over from there instead.
 */
enum python_check python_offsets_check(struct python_offsets *o, const void *runtime, size_t bytes,
				       const char **differs);

/*
 * Compares what concerns tasks with what the interpreter's asyncio publishes from 3.14 on: its section .AsyncioDebug. Without it, or if
 * it differs, who awaits a task is not known, nor how many tasks there are. For a free-threaded build it is taken over from there; without it
 * no task is known.
 */
void python_offsets_check_asyncio(struct python_offsets *o, const void *section, size_t bytes);

#endif
