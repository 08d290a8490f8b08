/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include "base/array.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_NOBODY 0x70000000u /* above what hosts and containers give out */

/* --- capabilities */

bool confine_has(int cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();
	bool has = caps && !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
	cap_free(caps);
	return has;
}

int confine_capabilities(uint64_t keep)
{
	cap_t now = cap_get_proc(), then = cap_init();
	int err = now && then ? 0 : -ENOMEM;

	for (cap_value_t cap = 0; cap < cap_max_bits() && !err; cap++) {
		cap_flag_value_t has = CAP_CLEAR;
		if (!(keep >> cap & 1) || cap_get_flag(now, cap, CAP_PERMITTED, &has) || has != CAP_SET)
			continue;
		if (cap_set_flag(then, CAP_PERMITTED, 1, &cap, CAP_SET) ||
		    cap_set_flag(then, CAP_EFFECTIVE, 1, &cap, CAP_SET))
			err = -errno;
	}
	if (!err && cap_set_proc(then)) /* what is not inheritable cannot stay ambient */
		err = -errno;
	cap_free(now);
	cap_free(then);
	return err;
}

uid_t confine_nobody(void)
{
	return FIRST_NOBODY + (uid_t)getpid();
}

int confine_user(uid_t uid, gid_t gid, uint64_t keep)
{
	if (prctl(PR_SET_KEEPCAPS, keep != 0))
		return -errno;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return keep ? confine_capabilities(keep) : 0; /* to have them in force again */
}

/* --- files */

/*
 * The root becomes the directory of a process that is gone then: nothing is in it, nothing can be made in it,
 * and unlike one in /tmp it needs no place that can be written to. The dying process shares its root with us.
 */
int confine_root(void)
{
	int status = 0;
	void (*before)(int) = signal(SIGCHLD, SIG_DFL); /* else there is no status */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(chroot("/proc/self/fdinfo") || chdir("/") ? errno : 0);
	int err = pid < 0 || waitpid(pid, &status, 0) != pid ? -errno : 0;
	if (!err && (!WIFEXITED(status) || WEXITSTATUS(status)))
		err = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	signal(SIGCHLD, before);
	if (!err && !access("/self", F_OK))
		err = -ENOTEMPTY;
	return err;
}

/* --- limits */

/* As the kernel counts for RLIMIT_DATA. 0 unknown. */
static uint64_t private_bytes(void)
{
	unsigned long data = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%*u %*u %*u %*u %*u %lu", &data) != 1)
		data = 0;
	if (f)
		fclose(f);
	return (uint64_t)data * (uint64_t)sysconf(_SC_PAGESIZE);
}

int confine_limits(const struct confine_limits *l)
{
	const uint64_t now_bytes = private_bytes();
	const struct {
		int resource;
		rlim_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_FSIZE, l->written_bytes},
		{RLIMIT_NOFILE, l->files},
		{RLIMIT_DATA, now_bytes ? now_bytes + l->more_bytes : RLIM_INFINITY},
	};
	int err = now_bytes ? 0 : -ENODATA;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit old, most = {limits[i].most, limits[i].most};
		if (!getrlimit(limits[i].resource, &old) && old.rlim_max < most.rlim_max)
			most.rlim_cur = most.rlim_max = old.rlim_max;
		if (setrlimit(limits[i].resource, &most))
			err = -errno;
	}
	return err;
}

/* --- what it may do */

int confine_privileges(void)
{
	const struct rlimit none = {0, 0};
	if (setrlimit(RLIMIT_NPROC, &none) || prctl(PR_SET_DUMPABLE, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

/* Killed is what no library does by itself, so that only a hijacked process comes to it. */
const struct confine_call confine_never[] = {
	CONFINE_KILL(execve),
	CONFINE_KILL(execveat),
	CONFINE_KILL(ptrace),
	CONFINE_KILL(process_vm_writev),
	CONFINE_KILL(mount),
	CONFINE_KILL(umount2),
	CONFINE_KILL(pivot_root),
	CONFINE_KILL(open_tree),
	CONFINE_KILL(move_mount),
	CONFINE_KILL(fsopen),
	CONFINE_KILL(fsconfig),
	CONFINE_KILL(fsmount),
	CONFINE_KILL(fspick),
	CONFINE_KILL(mount_setattr),
	CONFINE_KILL(setns),
	CONFINE_KILL(init_module),
	CONFINE_KILL(finit_module),
	CONFINE_KILL(delete_module),
	CONFINE_KILL(kexec_load),
	CONFINE_KILL(kexec_file_load),
	CONFINE_KILL(reboot),
	CONFINE_KILL(swapon),
	CONFINE_KILL(swapoff),
	CONFINE_KILL(settimeofday),
	CONFINE_KILL(clock_settime),
	CONFINE_KILL(adjtimex),
	CONFINE_KILL(clock_adjtime),
	CONFINE_KILL(sethostname),
	CONFINE_KILL(setdomainname),
	CONFINE_KILL(acct),
	CONFINE_KILL(quotactl),
	CONFINE_KILL(mknod),
	CONFINE_KILL(mknodat),
	CONFINE_KILL(userfaultfd),
	CONFINE_KILL(add_key),
	CONFINE_KILL(request_key),
	CONFINE_KILL(keyctl),
	CONFINE_KILL(open_by_handle_at),
	CONFINE_KILL(pidfd_getfd),
	CONFINE_KILL(kcmp),
	CONFINE_REFUSE(io_uring_setup), /* whose requests no filter sees */
	CONFINE_REFUSE(personality),
	CONFINE_REFUSE(syslog),
#ifdef __x86_64__
	CONFINE_KILL(iopl),
	CONFINE_KILL(ioperm),
	CONFINE_KILL(modify_ldt),
#endif
};
const size_t confine_n_never = ARRAY_LEN(confine_never);

const struct confine_call confine_libc[] = {
	CONFINE_ALLOW(close),
	CONFINE_ALLOW(lseek),
	CONFINE_ALLOW(fstat),
	CONFINE_ALLOW_IF(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH),
	CONFINE_ALLOW(brk),
	CONFINE_ALLOW(munmap),
	CONFINE_ALLOW(mremap),
	CONFINE_ALLOW(madvise),
	CONFINE_ALLOW_IF(mmap, 2, PROT_EXEC, 0),
	CONFINE_ALLOW_IF(mprotect, 2, PROT_EXEC, 0),
	CONFINE_ALLOW(futex),
	CONFINE_ALLOW(sched_yield),
	CONFINE_ALLOW(getpid),
	CONFINE_ALLOW(gettid),
	CONFINE_ALLOW(getrandom),
	CONFINE_ALLOW(clock_gettime),
	CONFINE_ALLOW(sysinfo), /* qsort() wants to know how much memory there is */
	CONFINE_ALLOW(rt_sigaction),
	CONFINE_ALLOW(rt_sigprocmask),
	CONFINE_ALLOW(rt_sigreturn),
	CONFINE_ALLOW(sigaltstack),
	CONFINE_ALLOW(restart_syscall),
	CONFINE_ALLOW(exit),
	CONFINE_ALLOW(exit_group),
};

const size_t confine_n_libc = ARRAY_LEN(confine_libc);

/* --- the filter: a program of our own making, for libseccomp, of which only the numbers are used, loops or crashes without memory */

#define FILTER_MAX     1024 /* six for a call with an argument, of some hundred and twenty calls */
#define X32_CALLS      0x40000000u
#define OFFSET(member) offsetof(struct seccomp_data, member)

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
	bool full;
};

static void put(struct filter *f, uint16_t code, uint8_t if_not_skip, uint32_t k)
{
	if (f->n == FILTER_MAX)
		f->full = true;
	else
		f->code[f->n++] = (struct sock_filter){.code = code, .jf = if_not_skip, .k = k};
}

static uint32_t action_of(enum confine_verdict verdict)
{
	return verdict == CALL_ALLOW  ? SECCOMP_RET_ALLOW
	       : verdict == CALL_KILL ? SECCOMP_RET_KILL_PROCESS
				      : SECCOMP_RET_ERRNO | EPERM;
}

/* The number of the call is in the accumulator before and after. The masks are of arguments whose upper half means nothing. */
static void put_call(struct filter *f, const struct confine_call *c)
{
	if (c->call < 0)
		return; /* not of this architecture */
	put(f, BPF_JMP | BPF_JEQ | BPF_K, c->mask ? 5 : 1, (uint32_t)c->call);
	if (c->mask) {
		put(f, BPF_LD | BPF_W | BPF_ABS, 0,
		    (uint32_t)(OFFSET(args) + c->argument * sizeof(uint64_t)));
		put(f, BPF_ALU | BPF_AND | BPF_K, 0, (uint32_t)c->mask);
		put(f, BPF_JMP | BPF_JEQ | BPF_K, 1, (uint32_t)c->value);
	}
	put(f, BPF_RET | BPF_K, 0, action_of(c->verdict));
	if (c->mask)
		put(f, BPF_LD | BPF_W | BPF_ABS, 0, OFFSET(nr));
}

int confine_calls(enum confine_verdict otherwise, const struct confine_calls *lists, size_t n_lists)
{
	struct filter f = {.n = 0};

	/* A call of another architecture's table would be judged by the wrong number. */
	put(&f, BPF_LD | BPF_W | BPF_ABS, 0, OFFSET(arch));
	f.code[f.n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
	put(&f, BPF_RET | BPF_K, 0, SECCOMP_RET_KILL_PROCESS);
	put(&f, BPF_LD | BPF_W | BPF_ABS, 0, OFFSET(nr));
	put(&f, BPF_JMP | BPF_JGE | BPF_K, 1, X32_CALLS);
	put(&f, BPF_RET | BPF_K, 0, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < n_lists; i++)
		for (size_t k = 0; k < lists[i].n; k++)
			put_call(&f, &lists[i].calls[k]);
	put(&f, BPF_RET | BPF_K, 0, action_of(otherwise));
	if (f.full)
		return -E2BIG;
	const struct sock_fprog program = {f.n, f.code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}
