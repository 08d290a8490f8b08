/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in /proc/PID/cgroup and cgroup.procs. Opens nothing. */
#ifndef LOOPSTALL_CLI_CGROUP_TEXT_H
#define LOOPSTALL_CLI_CGROUP_TEXT_H

#include "cli/cgroup.h"

/* One line of /proc/PID/cgroup. */
struct cgroup_line {
	const char *controllers, *path;
	int rank; /* better hierarchies have higher ranks: v2, systemd's own, any other */
};
/* Cuts the line up. False if it is none. */
bool cgroup_text_line(char *line, struct cgroup_line *l);
/* Length of path up to and with the part that fits, 0 if none does. */
size_t cgroup_text_prefix(const char *path, enum cgroup_named as, const char *wanted);
/* Appends the processes of cgroup.procs. 0 or -ENOMEM. */
int cgroup_text_members(const char *text, struct cgroup_members *m);

#endif
