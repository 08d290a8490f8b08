/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells about a process that has a loop: its name for people, runtime, container and unit. */
#ifndef LOOPSTALL_CLI_PROCESS_INFO_H
#define LOOPSTALL_CLI_PROCESS_INFO_H

#include "base/intern.h"

#include <stdbool.h>
#include <stdint.h>

struct process_info {
	uint32_t ns_pid;
	const char *name, *runtime, *container, *unit; /* interned and cleaned; "" unknown */
	bool single_client; /* serves one client a process: its long gaps are that client's queries */
};

/* For a process that is gone already everything is "" and name is the comm given. */
void process_info_read(struct process_info *info, uint32_t pid, const char *comm, struct intern *texts);

#endif
