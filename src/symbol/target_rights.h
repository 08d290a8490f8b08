/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a process read a file by itself? A target says by its own memory which source files its code comes from, and the
 * opener may read them all: without this question a target could have any file of the host read out by naming it.
 *
 * Judged by mode, owner, groups and POSIX access list of the file and of each directory above it. Other lists (NFSv4's) and security modules
 * are not asked.
 */
#ifndef LOOPSTALL_SYMBOL_TARGET_RIGHTS_H
#define LOOPSTALL_SYMBOL_TARGET_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum target_right { TARGET_SEARCHES = 1, TARGET_READS = 4 }; /* as the bits of a mode */

struct target_rights {
	uint32_t uid, gid;  /* with which it opens files */
	const char *groups; /* the others, as text */
	bool all;	    /* it reads what it likes */
	bool lent; /* by its program's file, for a user who has not got them: they count for nothing */
};

/*
 * From /proc/PID/status, which has to stay. Capabilities in another user namespace than ours say nothing about files outside of
 * it. False if it is none.
 */
bool target_rights_parse(struct target_rights *r, const char *status, bool same_namespace);
/* list: the access list as its extended attribute has it, 0 bytes if there is none. One that is not understood allows nothing. */
bool target_rights_allow(const struct target_rights *r, const struct stat *st, const void *list, size_t bytes,
			 enum target_right wanted);

/* root: descriptor of the root of the process; file: of a file below it that was looked up, not opened. 0 or -errno. */
int target_may_read(uint32_t pid, int root, int file);

#endif
