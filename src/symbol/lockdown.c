/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/lockdown.h"

#include "base/array.h"
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534u /* where no other is mapped, in a container without privileges */

static const struct confine_limits worker_limits = {
	.more_bytes = 640ull << 20, /* above what the monitor allows, which sees it first */
	.files = 1200,		    /* the memory of each process known that runs Python, and some */
};
static const struct confine_limits opener_limits = {
	.more_bytes = 128ull << 20, /* 65,536 mappings, twice */
	.written_bytes = 32ull << 20,
	.files = 64,
};

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

#define OPENER_CAPS                                                                                          \
	(CONFINE_CAP(CAP_SYS_PTRACE) | CONFINE_CAP(CAP_DAC_READ_SEARCH) | CONFINE_CAP(CAP_CHECKPOINT_RESTORE))
#define NURSERY_CAPS                                                                                         \
	(OPENER_CAPS | CONFINE_CAP(CAP_SETUID) | CONFINE_CAP(CAP_SETGID) | CONFINE_CAP(CAP_SYS_CHROOT) |     \
	 CONFINE_CAP(CAP_KILL))

/* Before Linux 5.9 there was no CAP_CHECKPOINT_RESTORE, and mapped files were CAP_SYS_ADMIN's. */
static uint64_t look_into_files(uint64_t caps)
{
	return confine_has(CAP_CHECKPOINT_RESTORE) ? caps : caps | CONFINE_CAP(CAP_SYS_ADMIN);
}

static const struct confine_call worker_calls[] = {
	CONFINE_ALLOW(recvmsg), CONFINE_ALLOW(sendmsg), CONFINE_ALLOW(pread64),
	CONFINE_ALLOW(write), /* of last words, to /dev/null */
};

/* What is opened is opened for reading; of what openat2() opens, the user's rights have to take care. */
static const struct confine_call opener_calls[] = {
	CONFINE_ALLOW(recvmsg),
	CONFINE_ALLOW(sendmsg),
	CONFINE_ALLOW_IF(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
#ifdef __NR_open
	CONFINE_ALLOW_IF(open, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
#endif
	CONFINE_ALLOW(openat2),
	CONFINE_ALLOW(read),
	CONFINE_ALLOW(readlinkat),
#ifdef __NR_readlink
	CONFINE_ALLOW(readlink),
#endif
	CONFINE_ALLOW(statx),
	CONFINE_ALLOW(getxattr), /* of access lists */
	CONFINE_ALLOW(memfd_create),
	CONFINE_ALLOW(write),
};

/* Nothing of the kind is ever done by a library on its own. */
static const struct confine_call taken_over[] = {
	CONFINE_KILL(clone),	CONFINE_KILL(clone3),	       CONFINE_KILL(fork),   CONFINE_KILL(vfork),
	CONFINE_KILL(socket),	CONFINE_KILL(connect),	       CONFINE_KILL(bind),   CONFINE_KILL(kill),
	CONFINE_KILL(bpf),	CONFINE_KILL(perf_event_open), CONFINE_KILL(chroot), CONFINE_KILL(unshare),
	CONFINE_KILL(unlinkat), CONFINE_KILL(renameat2),
};

static int become_somebody(uint64_t keep)
{
	int err = confine_user(confine_nobody(), confine_nobody(), keep);
	return err == -EINVAL ? confine_user(NOBODY, NOBODY, keep) : err;
}

static int allow_only(const struct confine_call *own, size_t n)
{
	const struct confine_calls lists[] = {{confine_never, confine_n_never},
					      {taken_over, ARRAY_LEN(taken_over)},
					      {confine_libc, confine_n_libc},
					      {own, n}};
	return confine_calls(CALL_REFUSE, lists, ARRAY_LEN(lists));
}

struct lockdown lockdown_nursery(void)
{
	const struct confine_calls never = {confine_never, confine_n_never};
	struct lockdown l;

	for (int i = 0; i < LOCKDOWN_STEPS; i++)
		l.err[i] = LOCKDOWN_NOT_DONE;
	if (confine_has(CAP_SYS_ADMIN))
		l.err[LOCKDOWN_NAMESPACES] = unshare(NAMESPACES) ? -errno : 0;
	l.err[LOCKDOWN_CAPABILITIES] = confine_capabilities(look_into_files(NURSERY_CAPS));
	l.err[LOCKDOWN_CALLS] = confine_calls(CALL_ALLOW, &never, 1);
	return l;
}

static struct lockdown lockdown_begin(const struct lockdown *nursery, uint64_t keep,
				      const struct confine_limits *limits)
{
	struct lockdown l = {.err = {[LOCKDOWN_NAMESPACES] = nursery->err[LOCKDOWN_NAMESPACES],
				     [LOCKDOWN_ROOT] = LOCKDOWN_NOT_DONE}};

	l.err[LOCKDOWN_LIMITS] = confine_limits(limits);
	l.err[LOCKDOWN_USER] = confine_has(CAP_SETUID) ? become_somebody(keep) : -EPERM;
	return l;
}

static void lockdown_finish(struct lockdown *l, uint64_t keep, const struct confine_call *calls, size_t n)
{
	l->err[LOCKDOWN_CAPABILITIES] = confine_capabilities(keep);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* again: a change of user undoes it */
	l->err[LOCKDOWN_PRIVILEGES] = confine_privileges();
	l->err[LOCKDOWN_CALLS] = allow_only(calls, n);
}

struct lockdown lockdown_worker(const struct lockdown *nursery)
{
	struct lockdown l = lockdown_begin(nursery, CONFINE_CAP(CAP_SYS_CHROOT), &worker_limits);

	/* In a namespace of users of its own it has the rights to give up the rest. */
	if (nursery->err[LOCKDOWN_NAMESPACES])
		l.err[LOCKDOWN_NAMESPACES] = unshare(CLONE_NEWUSER | NAMESPACES) ? -errno : 0;
	l.err[LOCKDOWN_ROOT] = confine_root();
	lockdown_finish(&l, 0, worker_calls, ARRAY_LEN(worker_calls));
	return l;
}

struct lockdown lockdown_opener(const struct lockdown *nursery)
{
	const uint64_t caps = look_into_files(OPENER_CAPS);
	struct lockdown l = lockdown_begin(nursery, caps, &opener_limits);

	lockdown_finish(&l, caps, opener_calls, ARRAY_LEN(opener_calls));
	return l;
}
