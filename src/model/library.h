/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which library a thread was in, told by the files, objects and functions of its stack: what the application
 * called, not what that is built on (boto3 rather than urllib3, SQLAlchemy rather than psycopg2).
 */
#ifndef LOOPSTALL_MODEL_LIBRARY_H
#define LOOPSTALL_MODEL_LIBRARY_H

#include "model/dictionary.h"

enum library_kind {
	LIBRARY_OTHER,
	LIBRARY_PROCESS, /* runs a program and waits for it */
	LIBRARY_HTTP,
	LIBRARY_DB,
	LIBRARY_SQLITE,
	LIBRARY_DNS,
	LIBRARY_FILE,
	LIBRARY_GC,
	LIBRARY_SAFEPOINT, /* stopped with all other threads of its virtual machine */
	LIBRARY_SLEEP,
	LIBRARY_CPU,	  /* computes */
	LIBRARY_RELEASES, /* computes, and mostly lets other threads of the interpreter run meanwhile */
	LIBRARY_KINDS
};

struct library {
	const char *name;
	enum library_kind kind;
	/* IN_FILE: of a language's frame; IN_STDLIB: the same, and not of an installed package that has such a file, too. */
	enum { IN_FILE, IN_STDLIB, IN_OBJECT, IN_FUNCTION } where;
	const char *pattern; /* fnmatch() */
	const char *remedy;  /* in its own language's loop; NULL: that of the cause */
};

/* The libraries of a stack below the application's innermost frame. */
struct library_trace {
	const struct library *called; /* the outermost: what the application called; NULL none */
	unsigned kinds;		      /* a bit of each kind met */
};

/* Nothing for an unknown stack or 0. */
struct library_trace library_of_stack(const struct dictionary *d, uint32_t stack);

/* Whether any frame of the stack is in a function like this (fnmatch()). */
bool library_has_function(const struct dictionary *d, uint32_t stack, const char *pattern);
/* How far out, from 0, the innermost frame of a file like this is; UINT32_MAX if there is none. */
uint32_t library_depth_of_file(const struct dictionary *d, uint32_t stack, const char *pattern);

/* Whether the thread was in the C library's call of a system call on files, and so in the kernel. */
bool library_calls_file(const struct dictionary *d, uint32_t stack);

/* Whether any frame is Python's or the interpreter's own. */
bool library_has_cpython(const struct dictionary *d, uint32_t stack);

/* A futex waited for to get CPython's interpreter lock, not a lock of the program. */
bool library_takes_gil(const struct dictionary *d, uint32_t stack);

/* Ends with a NULL name. */
extern const struct library libraries[];

#endif
