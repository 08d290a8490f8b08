/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's list of tracepoints, for the numbers of those that are traced. Where nobody has mounted it, it is looked at through a mount
 * that is in nobody's tree, not even our own, and gone when its descriptor is closed.
 */
#ifndef LOOPSTALL_CAPTURE_TRACEFS_H
#define LOOPSTALL_CAPTURE_TRACEFS_H

#include <stddef.h>

/*
 * A descriptor of its top folder, to be closed by the caller, and in `where` its path, or what else it is. Negative errno: -EACCES where it
 * is mounted and may not be read, -ENOENT where it is not and may not be by us (needs CAP_SYS_ADMIN and Linux 5.2).
 */
int tracefs_open(char *where, size_t bytes);

/* The number of a system call's tracepoint, as "sys_enter_epoll_wait"; negative errno, -ENOENT if this kernel has none. */
long tracefs_call_id(int tracefs, const char *event);

#endif
