/* SPDX-License-Identifier: Apache-2.0 */
#include "model/library.h"

#include "base/array.h"

#include <fnmatch.h>
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_in(const struct library *l, const struct fact_frame *f)
{
	const char *text = l->where == IN_OBJECT     ? f->object
			   : l->where == IN_FUNCTION ? f->function
						     : f->file;
	return *text && !fnmatch(l->pattern, text, 0) &&
	       !(l->where == IN_STDLIB && strstr(text, "-packages/"));
}

static const struct library *library_of_frame(const struct fact_frame *f)
{
	for (const struct library *l = libraries; l->name; l++)
		if (is_in(l, f))
			return l;
	return NULL;
}

/*
 * Code in a language began here: what is further out called it and is not what it called. A merged stack has
 * Python's own frames instead of the evaluator. JavaScript with names goes on up to the application's, through Node's own and
 * through packages.
 */
static bool begins_code(const struct fact_frame *f)
{
	return f->application || (f->kind == FRAME_JS && !f->file[0]) || !strcmp(f->object, "[JIT]") ||
	       starts_with(f->function, "_PyEval_EvalFrameDefault") ||
	       starts_with(f->function, "Builtins_InterpreterEntryTrampoline") ||
	       starts_with(f->function, "Builtins_JSEntry") ||
	       starts_with(f->function, "Builtins_JSRunMicrotasksEntry");
}

/* A compiled pattern is code without a name, too; the one that runs it is not JavaScript's. */
static bool is_pattern(const struct dictionary *d, const struct fact_stack *s, uint32_t i)
{
	const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
	const struct fact_frame *by = i + 1 < s->n ? dictionary_frame(d, s->frames[i + 1]) : NULL;
	return f && !f->application && !f->file[0] && by && starts_with(by->function, "Builtins_RegExp");
}

struct library_trace library_of_stack(const struct dictionary *d, uint32_t stack)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	struct library_trace trace = {0};
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		const struct library *l = f ? library_of_frame(f) : NULL;
		if (l)
			trace = (struct library_trace){l, trace.kinds | 1u << l->kind};
		else if (f && begins_code(f) && !is_pattern(d, s, i))
			break;
	}
	return trace;
}

uint32_t library_depth_of_file(const struct dictionary *d, uint32_t stack, const char *pattern)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (f && *f->file && !fnmatch(pattern, f->file, 0))
			return i;
	}
	return UINT32_MAX;
}

bool library_has_function(const struct dictionary *d, uint32_t stack, const char *pattern)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (f && *f->function && !fnmatch(pattern, f->function, 0))
			return true;
	}
	return false;
}

static bool is_libc(const struct fact_frame *f)
{
	static const char *const objects[] = {"libc.so", "libc-", "libpthread"};
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (starts_with(f->object, objects[i]))
			return true;
	return false;
}

bool library_calls_file(const struct dictionary *d, uint32_t stack)
{
	static const char *const calls[] = {"write",	  "writev",	     "pwrite64",    "pwritev64",
					    "read",	  "readv",	     "pread64",	    "preadv64",
					    "fsync",	  "fdatasync",	     "open64",	    "openat64",
					    "sendfile64", "copy_file_range", "fallocate64", "ftruncate64",
					    "getdents64", "unlink",	     "rename"};
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	const struct fact_frame *f = NULL;
	for (uint32_t i = 0; s && i < s->n; i++)
		if ((f = dictionary_frame(d, s->frames[i])) && f->kind != FRAME_IN_KERNEL)
			break;
	for (size_t i = 0; f && is_libc(f) && i < ARRAY_LEN(calls); i++)
		if (!strcmp(f->function, calls[i]))
			return true;
	return false;
}

static bool is_cpython(const struct fact_frame *f)
{
	return f->kind == FRAME_PYTHON || starts_with(f->object, "libpython3") ||
	       starts_with(f->object, "python3");
}

bool library_has_cpython(const struct dictionary *d, uint32_t stack)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (f && is_cpython(f))
			return true;
	}
	return false;
}

/*
 * The GIL is waited for with a timeout on a condition variable, every other lock of CPython on a semaphore.
 * That holds where the interpreter's own functions have no names or have made place for Python's frames.
 */
bool library_takes_gil(const struct dictionary *d, uint32_t stack)
{
	const struct fact_stack *s = stack ? dictionary_stack(d, stack) : NULL;
	bool timed_condition = false;
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (!f || f->kind == FRAME_IN_KERNEL)
			continue;
		if (!is_libc(f))
			return !strcmp(f->function, "take_gil") ||
			       (timed_condition && is_cpython(f) && !starts_with(f->function, "PyThread_"));
		timed_condition |= strstr(f->function, "pthread_cond_timedwait") ||
				   strstr(f->function, "pthread_cond_clockwait");
	}
	return false;
}
