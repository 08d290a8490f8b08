/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capabilities that tracing takes: which are missing, what is lost by each, and the line that mends it. Knows
 * the three ways to have them: as root, from the program's file, or handed down by who started it.
 */
#ifndef LOOPSTALL_CAPTURE_CAPABILITIES_H
#define LOOPSTALL_CAPTURE_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>

enum capabilities_use {
	CAPABILITIES_TO_LOAD, /* BPF programs: nothing goes without */
	CAPABILITIES_TO_LOOK, /* into processes of others, and at the kernel's symbols */
};

/* "cap_bpf, cap_perfmon" into text; false: none is missing. */
bool capabilities_missing(enum capabilities_use which, char *text, size_t bytes);
/* What is lost for want of those to look, as "without cap_syslog kernel frames have no names"; false: nothing. */
bool capabilities_lost(char *text, size_t bytes);
/* The line to type, or what to write where. */
void capabilities_fix(char *line, size_t bytes);
/*
 * A program file that hands rights to whoever executes it, and that everybody may execute: any user could look into
 * any process with it. Its path into path; false if it is not so.
 */
bool capabilities_are_everybodys(char *path, size_t bytes);

#endif
