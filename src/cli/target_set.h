/* SPDX-License-Identifier: Apache-2.0 */
/* The set as a container: what cli/target.c fills. */
#ifndef LOOPSTALL_CLI_TARGET_SET_H
#define LOOPSTALL_CLI_TARGET_SET_H

#include "cli/target.h"

/* Adds a process in order of PID unless it is there. False without memory. */
bool target_set_put(struct target_set *set, uint32_t pid, uint32_t ns_pid, const char *name);
/* What was asked for, as typed; to be freed. NULL without memory. */
char *target_set_text(const struct target_request *asked, size_t n, bool all);

#endif
