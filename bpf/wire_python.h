/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* The part of wire.h that is about CPython: where an interpreter keeps what the walk reads, and what the walk found. */
#ifndef LOOPSTALL_WIRE_PYTHON_H
#define LOOPSTALL_WIRE_PYTHON_H

#define LST_PYTHON_FRAMES                                                                                    \
	96 /* Python frames kept with a stack, the interpreter's own entry marks among them */
#define LST_PYTHON_FRAME_BYTES                                                                               \
	112 /* of an interpreter's frame are looked at; all members we know lie in them */
#define LST_PYTHON_TASK_BYTES	   32 /* of an asyncio task's name */
#define LST_PYTHON_COROUTINE_BYTES 64 /* of the function it runs */
#define LST_PYTHON_TASKS	   5 /* the running one, and up to four that wait for it, one for the other */

#define LST_PYTHON_NO_MEMBER 0xffffu

/* Where one process' interpreter keeps what the walk reads; members are offsets in bytes, from a table by version. */
struct lst_python_process {
	lst_u64 runtime;	      /* address of _PyRuntime; 0: not Python */
	lst_u16 runtime_interpreters; /* first interpreter */
	lst_u16 interp_next, interp_threads, interp_gc;
	lst_u16 thread_next, thread_id, thread_interp;
	lst_u16 thread_frame; /* the innermost frame, or a structure that holds it … */
	lst_u16 cframe_frame; /* … at this offset; LST_PYTHON_NO_MEMBER: thread_frame is the frame */
	lst_u16 frame_bytes;  /* up to the last member below, at most LST_PYTHON_FRAME_BYTES */
	lst_u16 frame_previous, frame_code, frame_instr, frame_locals, frame_owner, frame_entry;
	lst_u16 code_mark; /* of a code object: what another one in its place has not … */
	lst_u16 code_mark_too; /* … or only by chance, unless this is the same too; LST_PYTHON_NO_MEMBER: it is a number */
	lst_u16 minor;	     /* 3.minor */
	lst_u16 runtime_gc;  /* 3.8 keeps it there; else LST_PYTHON_NO_MEMBER */
	lst_u16 thread_task; /* the running asyncio task; LST_PYTHON_NO_MEMBER: in the dict `tasks` */
	lst_u16 task_coro;   /* its coroutine, and behind that its name */
	lst_u16 coro_frame; /* frame in a coroutine object; LST_PYTHON_NO_MEMBER: the frame knows its coroutine */
	lst_u16 object_bytes; /* header of every object */
	lst_u16 string_state, ascii_data, ascii_shift;
	lst_u16 runtime_gil, interp_gil; /* gil: a pointer; both LST_PYTHON_NO_MEMBER: none can be told */
	lst_u16 gil_switch; /* not 0: the lock begins with a word that says whether it is in use at all (free-threaded) */
	lst_u16 code_name; /* of a code object, the one that is shown */
	lst_u16 task_awaited; /* who awaits a task or future: one of them or a set; LST_PYTHON_NO_MEMBER: it does not know (3.13) */
	lst_u16 awaited_is_task, awaited_is_set; /* bytes behind task_awaited's word */
	lst_u16 set_used;			 /* and behind it mask and table */
	/*
	 * The number of the copy of its code that a frame runs, of which threads have their own in free-threaded builds from 3.14 on, 0 being
	 * the one in the code object, at code_instructions; and in a code object the table of those copies. frame_copy 0: there are none.
	 */
	lst_u16 frame_copy, code_copies, code_instructions;
	lst_u16 thread_state; /* is it stopped? 0: not known */
	lst_u16 pad;
	lst_u64 oldest_thread; /* state of the thread that began the interpreter, which mostly runs the loop; 0 unknown */
	lst_u64 tasks; /* {event loop: running task}; 0: there is none */
	lst_u64 string_type, int_type, code_type;
};

/* The code object's address with marks in the bits that no user address has. */
#define LST_PYTHON_CODE_MASK   0x0000fffffffffff8ULL
#define LST_PYTHON_ENTRY_SHIFT 48 /* 1: the evaluator was called with this frame (3.11) */
#define LST_PYTHON_OWNER_SHIFT 56 /* who owns the frame, as the interpreter numbers it (from 3.11 on) */

struct lst_python_frame {
	lst_u64 code;
	lst_u32 instr; /* address of the instruction minus that of the code object; up to 3.10 its index */
	/*
	 * Of code that runs once (a module, a class body, exec), which is freed and used again before its name is read: its number (from
	 * 3.12 on), or both of the low halves of the addresses of its line table and of its file's name: a free list gives out one of them
	 * again soon. 0 for functions, which live longer; the read would cost half as much again as the walk.
	 */
	lst_u32 mark;
};

#define LST_PYTHON_MARK_BOTH(lines, file) ((lines) ^ ((file) << 13 | (file) >> 19))

enum lst_python_state {
	LST_PYTHON_COMPLETE,
	LST_PYTHON_TRUNCATED, /* deeper than what is kept */
	LST_PYTHON_BROKEN,    /* memory that could not be read */
	LST_PYTHON_NO_THREAD, /* not a thread of the interpreter */
	LST_PYTHON_STATES
};

/*
 * Only the holder computes in Python; C code that takes its time often lets go of it. Where it is not in use the interpreter stops threads
 * instead, all at once, when it collects or changes what they share.
 */
enum lst_python_gil { LST_GIL_UNKNOWN, LST_GIL_RELEASED, LST_GIL_HELD, LST_GIL_STOPPED };

/* A name that is not of ASCII characters alone is left out. */
struct lst_python_task {
	char name[LST_PYTHON_TASK_BYTES]; /* "" unknown */
	lst_u64 number;			  /* a task that nobody has named: "Task-N"; 0 none */
	lst_u32 awaiters, pad;		  /* how many await it; the next in the row is one of them */
	char coroutine
		[LST_PYTHON_COROUTINE_BYTES]; /* the function it runs, "" unknown, or the stack shows it */
};

struct lst_python_stack {
	lst_u32 n;
	lst_u32 state;	    /* enum lst_python_state */
	lst_u32 collecting; /* the garbage collector runs */
	lst_u32 walk_ns;    /* what taking it cost the thread */
	lst_u32 gil;	    /* enum lst_python_gil */
	lst_u32 n_tasks;
	lst_u64 thread; /* address of the thread's state, 0 unknown */
	struct lst_python_task
		tasks[LST_PYTHON_TASKS]; /* the running one, then each one that awaits the one before */
	struct lst_python_frame frames[LST_PYTHON_FRAMES]; /* innermost first */
};

#endif
