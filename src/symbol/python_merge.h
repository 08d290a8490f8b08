/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack out of two: Python's frames take the place of the interpreter's, and what they called in C stays
 * below them. Pure; both stacks are innermost first.
 *
 *	native            Python         merged
 *	poll              recv           poll
 *	python+0x5d64b4   main           recv
 *	EvalFrame    ←────────┘          main
 *	python+0x1234
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_MERGE_H
#define LOOPSTALL_SYMBOL_PYTHON_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a native frame is to the merge. */
enum native_part {
	NATIVE_OTHER,	    /* of another module */
	NATIVE_INTERPRETER, /* of the interpreter, left out */
	NATIVE_EVALUATOR,   /* of the interpreter: runs Python frames up to the next one that enters */
	NATIVE_SWITCHER, /* switches C stacks (greenlet): the stack begins here, what lies beyond is another one's */
};

struct merge_item {
	bool is_python;
	uint32_t index; /* in its own stack */
};

/*
 * enters[i]: Python frame i is the outermost that its evaluator runs. complete: the native stack reaches its
 * end; then evaluators and Python frames are paired from there, which holds also in an evaluator that has no
 * frame yet. Writes at most cap items and returns their number.
 */
size_t python_merge(const enum native_part *native, size_t n_native, bool complete, const bool *enters,
		    size_t n_python, struct merge_item *to, size_t cap);

#endif
