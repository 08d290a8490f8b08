/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this module of a process a CPython interpreter, which one, and where is its state? By symbols, which
 * stripped interpreters export too, never by the file's name (but 3.8 to 3.10 tell their version nowhere else).
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_FIND_H
#define LOOPSTALL_SYMBOL_PYTHON_FIND_H

#include "symbol/elf_file.h"
#include "symbol/python_space.h"

enum python_find {
	PYTHON_FOUND,
	PYTHON_ABSENT,	   /* the module is no interpreter */
	PYTHON_UNKNOWN,	   /* a version without a row in our table */
	PYTHON_UNREADABLE, /* its memory cannot be read */
	PYTHON_UNLIKE,	   /* its layout is not that of its version */
	PYTHON_FINDS
};

/*
 * bias: run-time address minus file address. named_minor: 3.minor by the name of the file, 0 unknown. Fills p,
 * whose memory is set.
 */
enum python_find python_find(struct python_space *p, const struct elf_file *f, uint64_t bias,
			     unsigned named_minor);

#endif
