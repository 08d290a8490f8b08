/* SPDX-License-Identifier: Apache-2.0 */
/* Which runtime, container and unit a process is of, by the texts of its /proc files. Opens nothing. */
#ifndef LOOPSTALL_CLI_PROCESS_TEXT_H
#define LOOPSTALL_CLI_PROCESS_TEXT_H

#include <stdbool.h>

#define PROCESS_RUNTIME_BYTES	48
#define PROCESS_CONTAINER_BYTES 16
#define PROCESS_UNIT_BYTES	128

/*
 * By maps. Only executable mappings of files count; a data file may be called anything. A literal or text, NULL if nothing
 * is known.
 */
const char *process_text_runtime(const char *maps, char text[PROCESS_RUNTIME_BYTES]);
/* By the base name of its program, with or without a version: whether it serves one client at a time, and waits for that one as it likes. */
bool process_text_single_client(const char *program);
/* By cgroup: the innermost 64-digit id in the paths; its first 12 digits, as the tools show it, else "". */
void process_text_container(const char *cgroups, char id[PROCESS_CONTAINER_BYTES]);
/* By cgroup: the last path component that is a service, else "". */
void process_text_unit(const char *cgroups, char unit[PROCESS_UNIT_BYTES]);

#define PROCESS_CGROUP_BYTES 256
/*
 * By cgroup: the path of the process's cgroup or of the one above it that is `level` below the root and has this name, in the hierarchy
 * that limits CPU time; without one of that name ".../name", the name alone being known. Returns the version of that hierarchy, 1 or 2, or 0.
 */
unsigned process_text_limit(const char *cgroups, unsigned level, const char *name,
			    char path[PROCESS_CGROUP_BYTES]);

#endif
