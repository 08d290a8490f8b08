/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From registers and stack bytes to named frames, asynchronously.
 *
 * The resolver runs in the monitor and owns two processes: a worker in which alone ELF and call-frame
 * information, all hostile input, are parsed, and an opener that opens the files of processes and may hang on
 * them. The monitor passes descriptors from one to the other. Either is killed when it hangs, crashes or eats
 * memory, and started again; the stack it had in hand comes back as broken, counted.
 */
#ifndef LOOPSTALL_SYMBOL_RESOLVER_H
#define LOOPSTALL_SYMBOL_RESOLVER_H

#include "base/diag.h"
#include "model/fact.h"
#include "symbol/lockdown.h"
#include "symbol/python_offsets.h"

struct resolver;

#define RAW_REGS   33
#define RAW_KERNEL 24
#define RAW_PAGE   4096
#define RAW_PAGES  16
#define RAW_PYTHON 96

/* A Python frame as the kernel copied it; bpf/wire.h says what the marks in the code's address mean. */
#define RAW_PYTHON_CODE	       0x0000fffffffffff8ull
#define RAW_PYTHON_ENTRY_SHIFT 48
#define RAW_PYTHON_OWNER_SHIFT 56
struct raw_python_frame {
	uint64_t code;
	uint32_t instr, mark;
};

/*
 * A stack as the kernel saw it. Registers in DWARF numbering (x86-64: 3 rbx, 6 rbp, 7 rsp; arm64: x0…x30,
 * 31 sp).
 */
struct raw_stack {
	uint32_t pid;	   /* process, initial namespace */
	uint64_t taken_ns; /* CLOCK_MONOTONIC; 0 unknown */
	uint64_t regs[RAW_REGS], pc;
	uint32_t regs_valid; /* bit n: regs[n] is known */
	uint64_t base;	     /* user address of pages[0], page aligned */
	uint32_t n_pages;    /* 0: no user stack (kernel frames only) */
	uint64_t pages_present;
	const void *pages; /* n_pages * RAW_PAGE bytes */
	uint32_t n_kernel;
	uint64_t kernel[RAW_KERNEL]; /* innermost first */
	uint32_t n_python;
	bool python_cut;			    /* there were more */
	struct raw_python_frame python[RAW_PYTHON]; /* innermost first */
};

/*
 * Frames innermost first, kernel frames before user frames; ids are 0, strings live as long as the resolver.
 */
struct resolved_stack {
	enum stack_state state;
	uint32_t n;
	const struct fact_frame *frames; /* valid during the call */
};

typedef void resolver_done(void *context, uint64_t cookie, const struct resolved_stack *stack);

struct resolver_counts {
	uint64_t submitted, resolved;
	uint64_t lost;	       /* stacks: too many were waiting, or there was no worker */
	uint64_t lost_worker;  /* stacks: they killed a worker, hung it, or were in hand at the end */
	uint64_t lost_opening; /* files that could not be opened in time */
	uint64_t worker_restarts;
	uint64_t jit_full; /* times that the map of a process' compiled code was too large to be kept */
	uint32_t waiting;
	uint64_t bytes; /* memory of the worker, best known */
};

/*
 * Starts the worker. NULL with the diag filled. Call it first of all: worker processes inherit what is open
 * and mapped now, and nothing that comes later. The program's own name in argv[0] is changed in them.
 */
struct resolver *resolver_start(struct diag *d);
/*
 * Hands a stack over and returns at once; done() is called from resolver_receive(), or from here if
 * it cannot be queued or has no user stack. 0 or -EINVAL (then not called).
 */
int resolver_submit(struct resolver *r, const struct raw_stack *raw, uint64_t cookie, resolver_done *done,
		    void *context);
/* What the worker found out about a process that may be Python's. */
struct resolver_python {
	uint32_t pid;
	const struct python_offsets *offsets; /* NULL: not to be walked */
	uint64_t runtime, gil;		      /* addresses; gil 0: unknown */
	uint64_t oldest_thread;		      /* 0 unknown */
	uint64_t tasks; /* asyncio's dict of running tasks, 0: not loaded (yet), or not needed */
	uint64_t string_type, int_type, code_type; /* addresses of the types */
	uint32_t v8_version;			   /* major * 100 + minor, 0: it is not V8 */
	const char *v8_refused; /* why this version cannot be read, NULL: it can, or it is none */
	const char *refused;	/* why an interpreter cannot be read, NULL: it can, or there is none */
};
typedef void resolver_python_found(void *context, const struct resolver_python *found);
/*
 * Looks for an interpreter in a process; the answer comes from resolver_receive(). 0, or a negative errno
 * (then there is no answer: -ENOENT, nothing in it can be one). */
int resolver_python_find(struct resolver *r, uint32_t pid, resolver_python_found *found, void *context);
/* How many asyncio tasks a process has that are not done; at_least: there are more than are looked at. */
typedef void resolver_tasks(void *context, uint32_t pid, uint64_t n, bool at_least);
/*
 * Asks for that, of a process whose interpreter was found. The answer comes from resolver_receive(), if it can be told: it is read
 * while the process runs. Asked again meanwhile it is not looked twice.
 */
void resolver_count_tasks(struct resolver *r, uint32_t pid, resolver_tasks *counted, void *context);
/* The text of a source line as it is in the file, "" if it cannot be had. Valid during the call. */
typedef void resolver_line(void *context, uint32_t pid, const char *file, uint32_t line, const char *text);
/* Asks for one, of a file in the file tree of the process; the answer comes from resolver_receive(). 0 or -ENOENT (then there is none). */
int resolver_read_line(struct resolver *r, uint32_t pid, const char *file, uint32_t line, resolver_line *read,
		       void *context);
/* A descriptor that becomes readable when resolver_receive() has something to do. Changes never. */
int resolver_fd(const struct resolver *r);
/* Takes the answers that are there, up to a bound, and watches deadlines; call it also about every 100 ms. */
void resolver_receive(struct resolver *r, uint64_t now_ns);
/* Reads what it needs of a process while it lives, so that a stack from its last moments can still be named. */
void resolver_prepare(struct resolver *r, uint32_t pid, uint64_t now_ns);
/* The process exec'd or is gone: its maps are read anew the next time. */
void resolver_forget(struct resolver *r, uint32_t pid);
void resolver_counts(const struct resolver *r, struct resolver_counts *counts);
/* What came of the lockdown of the worker, or of the opener; NULL until it has said so. */
const struct lockdown *resolver_lockdown(const struct resolver *r, bool opener);
/* 0 if stacks are never swapped to disk, else -errno. */
int resolver_memory_lock(const struct resolver *r);
/* Ends the worker. Waiting stacks are answered as broken first. */
void resolver_stop(struct resolver *r);

#endif
