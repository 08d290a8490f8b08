/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to give up rights of the calling process, each for good. Knows how, not who gives up what.
 *
 * All return 0 or -errno, and leave things as they were if the host refuses: what that means is for the caller
 * to say aloud.
 */
#ifndef LOOPSTALL_BASE_CONFINE_H
#define LOOPSTALL_BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONFINE_CAP(cap) (1ull << (cap))

/* Has it this capability (CAP_…) in force? */
bool confine_has(int cap);
/* Keeps at most these, in force; inheritable and ambient ones go altogether. */
int confine_capabilities(uint64_t keep);
/* Becomes a user, without other groups. keep: capabilities that survive it. */
int confine_user(uid_t uid, gid_t gid, uint64_t keep);
/* A user that nobody else is, not even another process of ours: what two share could be used by one against the other. */
uid_t confine_nobody(void);
/* Root and working directory become a directory that is empty and in which nothing can be made. Needs /proc. */
int confine_root(void);
struct confine_limits {
	uint64_t more_bytes;	/* of private memory than now */
	uint64_t written_bytes; /* the longest file */
	unsigned files;
};
/* Besides: no core files. */
int confine_limits(const struct confine_limits *limits);
/* It makes no processes, no program that it runs gains rights, and nobody of its own user can look into it. */
int confine_privileges(void);

enum confine_verdict { CALL_ALLOW, CALL_REFUSE /* EPERM */, CALL_KILL };

/* A system call, by SCMP_SYS(name); with a mask, only if the argument's masked bits are this value. */
struct confine_call {
	int call;
	enum confine_verdict verdict;
	unsigned argument;
	uint64_t mask, value; /* mask 0: whatever the arguments are */
};

#define CONFINE_ALLOW(name)                                                                                  \
	{                                                                                                    \
		SCMP_SYS(name), CALL_ALLOW                                                                   \
	}
#define CONFINE_ALLOW_IF(name, argument, mask, value)                                                        \
	{                                                                                                    \
		SCMP_SYS(name), CALL_ALLOW, argument, mask, value                                            \
	}

#define CONFINE_REFUSE(name)                                                                                 \
	{                                                                                                    \
		SCMP_SYS(name), CALL_REFUSE                                                                  \
	}
#define CONFINE_REFUSE_IF(name, argument, mask, value)                                                       \
	{                                                                                                    \
		SCMP_SYS(name), CALL_REFUSE, argument, mask, value                                           \
	}
#define CONFINE_KILL(name)                                                                                   \
	{                                                                                                    \
		SCMP_SYS(name), CALL_KILL                                                                    \
	}

/* Memory, time, descriptors that are there already and the end: what libc does on its own. */
extern const struct confine_call confine_libc[];
extern const size_t confine_n_libc;
/* What no part of this program ever does once it is set up: run programs, look into others, change the system. */
extern const struct confine_call confine_never[];
extern const size_t confine_n_never;

struct confine_calls {
	const struct confine_call *calls;
	size_t n;
};
/* Judges all system calls from now on: by the first row that fits, and otherwise thus. Allocates nothing. */
int confine_calls(enum confine_verdict otherwise, const struct confine_calls *lists, size_t n_lists);

#endif
