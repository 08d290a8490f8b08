/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor and its worker say to each other over a SOCK_SEQPACKET pair, one struct a datagram.
 *
 *	monitor                      worker
 *	                         ←   LOCKDOWN: what it could give up
 *	  MAPS pid, rows         →   which addresses of a process are code, of which module
 *	  STACK slot             →   registers and pages lie in the shared slot
 *	                         ←   WANT slot: a module, debug files, fresh maps or the JIT's map are missing
 *	  MODULE id (+fd), DEBUG →
 *	  STACK slot             →   the same again
 *	  JIT pid (+fd)          →   the map of what the process compiled
 *	  PYTHON pid +fd, modules →  is one of them an interpreter? its memory is behind the descriptor
 *	                         ←   PYTHON: where it is and how it is laid out, or whether it is V8 instead
 *	  TASKS pid              →   how many asyncio tasks has it?
 *	                         ←   TASKS: so many, or it cannot be told
 *	                         ←   FRAME: each frame once in a worker's life, numbered from 0
 *	                         ←   ANSWER slot: state and frame numbers
 *
 * The worker keeps nothing between two STACKs of a slot, so it can be killed at any point. It parses hostile
 * bytes and counts as hostile itself: the monitor checks every length and number it sends.
 */
#ifndef LOOPSTALL_SYMBOL_PROTOCOL_H
#define LOOPSTALL_SYMBOL_PROTOCOL_H

#include "model/fact.h"
#include "symbol/debug_link.h"
#include "symbol/elf_file.h"
#include "symbol/jit_name.h"
#include "symbol/lockdown.h"
#include "symbol/python_find.h"
#include "symbol/resolver.h"
#include "symbol/unwind.h"
#include "symbol/v8_find.h"

#define PROTOCOL_SLOTS	    64 /* stacks in flight; 4 MB of shared memory, of which only used pages count */
#define PROTOCOL_NAME_BYTES 512
#define PROTOCOL_ROWS	    1024 /* a datagram: 32 KB */
#define PROTOCOL_WANTS	    16

#define MODULE_NONE  0
#define MODULE_VDSO  1 /* the worker has it already */
#define MODULE_FIRST 2

/*
 * In shared memory: written by the monitor, read by the worker, wiped by the monitor as soon as the answer is
 * there.
 */
struct stack_slot {
	struct raw_stack raw; /* pages is set by the reader */
	unsigned char pages[RAW_PAGES * RAW_PAGE];
};

/* In shared memory, written by the worker: what it was at when it died. Hints only. */
struct worker_state {
	uint32_t slot_plus_1, module, jit_pid, tasks_pid;
};

enum order_kind {
	ORDER_MAPS = 1,
	ORDER_FORGET,
	ORDER_STACK,
	ORDER_MODULE,
	ORDER_DEBUG,
	ORDER_PYTHON,
	ORDER_JIT,
	ORDER_TASKS,
	ORDERS
};

struct order {
	uint32_t kind;
	uint32_t number; /* pid, slot or module */
	uint32_t
		flag; /* MAPS: first piece; STACK: maps are final; MODULE: its lines are wanted; DEBUG, JIT: 0 */
	uint32_t n_rows; /* MAPS */
};

struct order_maps {
	struct order order;
	struct unwind_map rows[PROTOCOL_ROWS];
};

/* Modules of a process that may hold its interpreter, likeliest first. */
#define PROTOCOL_PYTHONS 4
struct order_python {
	struct order order;
	uint32_t modules[PROTOCOL_PYTHONS]; /* MODULE_NONE ends */
	uint32_t minors[PROTOCOL_PYTHONS];  /* 3.minor by the file's name, 0 unknown */
	uint32_t asyncio; /* the module with its tasks; MODULE_NONE: not loaded, or part of the interpreter */
};

enum report_kind {
	REPORT_FRAME = 1,
	REPORT_WANT,
	REPORT_ANSWER,
	REPORT_PYTHON,
	REPORT_LOCKDOWN,
	REPORT_TASKS
};

/* What a frame's address lies in. */
enum frame_place { PLACE_MODULE, PLACE_ANONYMOUS, PLACE_OUTSIDE, PLACE_PYTHON, PLACE_JIT, PLACES };

struct report_frame {
	uint32_t kind;
	uint32_t frame; /* its number: the next one */
	uint32_t module, place, method;
	uint32_t jit;	 /* PLACE_JIT: enum jit_kind */
	uint32_t line;	 /* 0 none */
	uint32_t begins; /* of a language's function, in its file: 0 unknown */
	uint64_t offset;
	char name[PROTOCOL_NAME_BYTES]; /* "" none */
	char file[PROTOCOL_NAME_BYTES]; /* of the source, "" none */
};
_Static_assert(PROTOCOL_NAME_BYTES == JIT_NAME_BYTES, "a name that was parsed fits");

struct wanted_debug {
	uint32_t module, build_id_bytes;
	unsigned char build_id[ELF_BUILD_ID_BYTES];
	char link[DEBUG_LINK_BYTES]; /* the name that the module has for it, "" none */
};

struct report_want {
	uint32_t kind;
	uint32_t slot;
	uint32_t maps;	 /* 1: read them again */
	uint32_t jit;	 /* 1: the process' JIT map */
	uint32_t module; /* MODULE_NONE: no */
	uint32_t n_debug;
	struct wanted_debug debug[PROTOCOL_WANTS];
};

struct report_answer {
	uint32_t kind;
	uint32_t slot, state, n;
	uint32_t jit_full; /* the JIT's map became too large just now */
	uint32_t frames[FACT_MAX_FRAMES];
};

struct report_python {
	uint32_t kind;
	uint32_t pid, state; /* enum python_find */
	uint32_t minor;	     /* also of a version that is refused, 0 unknown */
	uint64_t runtime, gil, oldest_thread, tasks;
	uint64_t string_type, int_type, code_type; /* addresses of the types */
	uint32_t v8_state;			   /* enum v8_find */
	uint32_t v8_version;			   /* major * 100 + minor, also of one that is refused */
	struct python_offsets offsets;
};

struct report_tasks {
	uint32_t kind;
	uint32_t pid, known, at_least; /* known: 0 if the number is not; at_least: there are more */
	uint64_t n;
};

struct report_lockdown {
	uint32_t kind;
	struct lockdown lockdown;
};

union report {
	uint32_t kind;
	struct report_frame frame;
	struct report_want want;
	struct report_answer answer;
	struct report_python python;
	struct report_tasks tasks;
	struct report_lockdown lockdown;
};

#endif
