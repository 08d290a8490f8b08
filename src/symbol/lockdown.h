/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nursery, worker and opener give up before they touch anything. Hosts differ in what they let a process
 * give up (a container may forbid namespaces, a user other than root has no users to choose from), so each
 * step is tried by itself and its outcome kept, for people to see.
 *
 *	          network, IPC   root    user           capabilities            system calls
 *	nursery   none           -       -              to raise the others     all but the worst
 *	worker    none           empty   nobody's       none                    to read what it is given, and to answer
 *	opener    none           -       nobody's       to look into processes  to open and read
 */
#ifndef LOOPSTALL_SYMBOL_LOCKDOWN_H
#define LOOPSTALL_SYMBOL_LOCKDOWN_H

#include <stdint.h>

enum lockdown_step {
	LOCKDOWN_NAMESPACES,
	LOCKDOWN_ROOT,
	LOCKDOWN_USER,
	LOCKDOWN_CAPABILITIES,
	LOCKDOWN_LIMITS,
	LOCKDOWN_PRIVILEGES,
	LOCKDOWN_CALLS,
	LOCKDOWN_STEPS
};

#define LOCKDOWN_NOT_DONE 1 /* not part of this process' lockdown */

/* 0, -errno, LOCKDOWN_NOT_DONE. */
struct lockdown {
	int32_t err[LOCKDOWN_STEPS];
};

struct lockdown lockdown_nursery(void);
/* Needs a namespace of users of its own for what the nursery had no right to. Both die with their parent. */
struct lockdown lockdown_worker(const struct lockdown *nursery);
struct lockdown lockdown_opener(const struct lockdown *nursery);

#endif
