/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user behind sudo: whom a command runs as. Reads SUDO_UID and SUDO_GID, believed only by root,
 * and plain files; never asks name services, which a static binary cannot load safely.
 */
#ifndef LOOPSTALL_CLI_USER_H
#define LOOPSTALL_CLI_USER_H

#include "base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

struct user {
	uid_t uid;
	gid_t gid;
};

/* False when there is none: not root, no sudo, root behind sudo, or variables that are no numbers. */
bool user_behind_sudo(struct user *u);
/*
 * Becomes that user for good, with the groups of the session sudo was called from, and HOME, USER and LOGNAME set. For a forked
 * child only. 0 or a negative errno; after an error nothing more may be run.
 */
int user_become(const struct user *u);

#endif
