/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process' interpreter as the worker sees it: its memory behind a descriptor, where members lie, and
 * objects read with their type checked first. Everything read here may be garbage or malice; a reader says
 * false and nobody guesses.
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_SPACE_H
#define LOOPSTALL_SYMBOL_PYTHON_SPACE_H

#include "base/bytes.h"
#include "symbol/python_offsets.h"

#define PYTHON_TEXT_BYTES 510 /* of a name or path; a longer path keeps its end */

struct python_space {
	int memory; /* of /proc/PID/mem; -1: none */
	struct python_offsets offsets;
	uint64_t runtime, code_type, string_type, bytes_type, dict_type, int_type, set_type;
};

bool python_read(const struct python_space *p, uint64_t address, void *to, size_t bytes);
bool python_read_word(const struct python_space *p, uint64_t address, uint64_t *word);
/* False once the process has ended or exec'd: nothing of it can be read any more. */
bool python_is_alive(const struct python_space *p);
bool python_is_a(const struct python_space *p, uint64_t object, uint64_t type);
/* UTF-8; false if it is not a str that is laid out as every name is. Its beginning, or its end if keep_end. */
bool python_read_string(const struct python_space *p, uint64_t object, bool keep_end, struct bytes *text);
/* The contents of a bytes object of at most max bytes. */
bool python_read_bytes(const struct python_space *p, uint64_t object, size_t max, struct bytes *to);

/* The interpreter that the process began with, which is the last of their list; 0 if there is none. */
uint64_t python_main_interpreter(const struct python_space *p);

/*
 * The value of a str key in a dict of at most a few thousand entries that is not being changed; 0 if there is
 * none.
 */
uint64_t python_dict_get(const struct python_space *p, uint64_t dict, const char *key);
/* An attribute of an object of a class that is written in Python, has no slots and no base but object; 0 if there is none. */
uint64_t python_attribute_get(const struct python_space *p, uint64_t object, const char *name);
/* What a module that the main interpreter has loaded has under a name; 0 if there is none. */
uint64_t python_module_get(const struct python_space *p, const char *module, const char *name);

#endif
