/* SPDX-License-Identifier: Apache-2.0 */
/* Tries to break out of the lockdown of worker and opener; each attempt in a process of its own. Root or not. */
#include "symbol/channel.h"
#include "symbol/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KILLED	  1000 /* by the filter */
#define SUCCEEDED 0

static int own_pair[2];
static int own_socket; /* made before, as if a worker had been handed one */

static int outcome(long result)
{
	return result < 0 ? errno : SUCCEEDED;
}

static int try_open(void)
{
	return outcome(open("/etc/passwd", O_RDONLY));
}

static int try_open_here(void)
{
	return outcome(syscall(SYS_openat, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY));
}

static int try_openat2(void)
{
	const struct open_how how = {.flags = O_RDONLY};
	return outcome(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
}

static int try_openat2_write(void)
{
	const struct open_how how = {.flags = O_WRONLY};
	return outcome(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
}

static int try_write(void)
{
	return outcome(open("/etc/passwd", O_WRONLY));
}

static int try_create(void)
{
	return outcome(open("/tmp/test_lockdown.made", O_RDONLY | O_CREAT, 0600));
}

static int try_mkdir(void)
{
	return outcome(mkdir("made", 0700));
}

static int try_rename(void)
{
	return outcome(rename("/etc/passwd", "/etc/passwd.gone"));
}

static int try_see_maps(void)
{
	return outcome(open("/proc/self/maps", O_RDONLY));
}

static int try_socket(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_connect(void)
{
	const struct sockaddr_un other = {AF_UNIX, "/run/systemd/private"};
	return outcome(connect(own_socket, (const struct sockaddr *)&other, sizeof other));
}

static int try_ptrace(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_read_parent(void)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {&own_socket, 1};
	return outcome(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static int try_exec(void)
{
	char *argv[] = {"true", NULL};
	return outcome(execve("/bin/true", argv, NULL));
}

static int try_fork(void)
{
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	return outcome(pid);
}

static int try_kill(void)
{
	return outcome(kill(getppid(), 0));
}

static int try_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : SUCCEEDED;
}

static int try_make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? KILLED : outcome(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int try_root(void)
{
	return outcome(setuid(0));
}

static int try_chroot(void)
{
	return outcome(chroot("/"));
}

static int try_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}

static int try_unshare(void)
{
	return outcome(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static int try_ioctl(void)
{
	return outcome(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"));
}

static int try_core(void)
{
	struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
	return outcome(setrlimit(RLIMIT_CORE, &more));
}

/* A gigabyte; touched, or it would cost nothing. */
static int try_memory(void)
{
	for (int i = 0; i < 16; i++) {
		char *p = mmap(NULL, 64u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return errno;
	}
	return SUCCEEDED;
}

static int try_allowed(void)
{
	char text[] = "ping", back[sizeof text] = "";
	void *p = malloc(1 << 20);
	int fd = -1;
	bool ok = p && !channel_send(own_pair[0], text, sizeof text, own_pair[0], false) &&
		  channel_receive(own_pair[1], back, sizeof back, &fd, false) == (ssize_t)sizeof back &&
		  !strcmp(back, text) && fd >= 0;
	free(p);
	return ok ? SUCCEEDED : EIO;
}

struct attempt {
	const char *name;
	int (*act)(void);
	int expected;
};

static const struct attempt worker_attempts[] = {
	{"open", try_open, EPERM},
	{"openat", try_open_here, EPERM},
	{"openat2", try_openat2, EPERM},
	{"create", try_create, EPERM},
	{"mkdir", try_mkdir, EPERM},
	{"rename", try_rename, EPERM},
	{"socket", try_socket, KILLED},
	{"connect", try_connect, KILLED},
	{"ptrace", try_ptrace, KILLED},
	{"process_vm_readv", try_read_parent, EPERM},
	{"execve", try_exec, KILLED},
	{"fork", try_fork, KILLED},
	{"kill", try_kill, KILLED},
	{"mmap executable", try_executable_memory, EPERM},
	{"mprotect executable", try_make_executable, EPERM},
	{"setuid", try_root, EPERM},
	{"chroot", try_chroot, KILLED},
	{"unshare", try_unshare, KILLED},
	{"bpf", try_bpf, KILLED},
	{"ioctl", try_ioctl, EPERM},
	{"setrlimit", try_core, EPERM},
	{"a gigabyte", try_memory, ENOMEM},
};

static const struct attempt opener_attempts[] = {
	{"open for reading", try_see_maps, SUCCEEDED},
	{"open for writing", try_write, EPERM},
	{"openat2 for writing", try_openat2_write, EACCES},
	{"create", try_create, EPERM},
	{"rename", try_rename, EPERM},
	{"socket", try_socket, KILLED},
	{"connect", try_connect, KILLED},
	{"ptrace", try_ptrace, KILLED},
	{"process_vm_readv", try_read_parent, EPERM},
	{"execve", try_exec, KILLED},
	{"fork", try_fork, KILLED},
	{"kill", try_kill, KILLED},
	{"mmap executable", try_executable_memory, EPERM},
	{"setuid", try_root, EPERM},
	{"bpf", try_bpf, KILLED},
	{"a gigabyte", try_memory, ENOMEM},
};

/* Locked down as the nursery's children are. */
static int attempt_in_child(const struct attempt *a, struct lockdown (*lock)(const struct lockdown *))
{
	int status = 0, told[2], result = EIO;

	assert_int_equal(pipe(told), 0);
	pid_t pid = fork();
	if (!pid) {
		const struct lockdown nursery = lockdown_nursery();
		const struct lockdown own = lock(&nursery);
		result = own.err[LOCKDOWN_CALLS] ? EIO : a->act();
		_exit(write(told[1], &result, sizeof result) != sizeof result);
	}
	assert_true(pid > 0);
	close(told[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		result = KILLED;
	else if (read(told[0], &result, sizeof result) != sizeof result)
		result = EIO;
	close(told[0]);
	return result;
}

static void hold(const struct attempt *attempts, size_t n, struct lockdown (*lock)(const struct lockdown *))
{
	int wrong = 0;
	for (size_t i = 0; i < n; i++) {
		int result = attempt_in_child(&attempts[i], lock);
		if (result == attempts[i].expected)
			continue;
		wrong++;
		print_message("%s: %d and not %d\n", attempts[i].name, result, attempts[i].expected);
	}
	assert_int_equal(wrong, 0);
}

static void test_worker_cannot_break_out(void **state)
{
	(void)state;
	hold(worker_attempts, sizeof worker_attempts / sizeof *worker_attempts, lockdown_worker);
}

static void test_opener_cannot_break_out(void **state)
{
	(void)state;
	hold(opener_attempts, sizeof opener_attempts / sizeof *opener_attempts, lockdown_opener);
}

static void test_worker_can_work(void **state)
{
	(void)state;
	const struct attempt allowed = {"memory and messages", try_allowed, SUCCEEDED};
	hold(&allowed, 1, lockdown_worker);
}

/* With root's rights every step is possible; a root directory of one's own even without, mostly. */
static void test_all_steps_as_root(void **state)
{
	(void)state;
	int status = 0;
	if (geteuid() != 0)
		return;
	pid_t pid = fork();
	if (!pid) {
		const struct lockdown nursery = lockdown_nursery();
		const struct lockdown own = lockdown_worker(&nursery);
		int failed = 0;
		for (int i = 0; i < LOCKDOWN_STEPS; i++)
			failed |= own.err[i] ? 1 << i : 0;
		_exit(failed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int setup(void **state)
{
	(void)state;
	own_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return own_socket >= 0 ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, own_pair) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_cannot_break_out),
		cmocka_unit_test(test_opener_cannot_break_out),
		cmocka_unit_test(test_worker_can_work),
		cmocka_unit_test(test_all_steps_as_root),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
