/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/nursery.h"

#include "symbol/channel.h"
#include "symbol/lockdown.h"
#include "symbol/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NURSERY_NAME "loopstall-nurs"
#define WORKER_NAME  "loopstall-symd"
#define OPENER_NAME  "loopstall-open"

#define ARGUMENTS_MAX_BYTES 4096
#define INHERITED_SOCKET    3 /* the one descriptor beside the standard ones */

/*
 * Also in the argument list, which otherwise names the target and would make us one when targets are searched
 * by name. The arguments lie behind each other from the program's name on; /proc tells how far.
 */
static void rename_process(const char *name)
{
	static char *own;
	static size_t own_bytes;
	char arguments[ARGUMENTS_MAX_BYTES];

	prctl(PR_SET_NAME, name);
	if (!own) {
		int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, arguments, sizeof arguments);
		own = program_invocation_name;
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): the C library sets it */
		if (n > 0 && !strncmp(own, arguments, (size_t)n))
			own_bytes = (size_t)n;
		if (fd >= 0)
			close(fd);
	}
	if (own_bytes) {
		memset(own, 0, own_bytes);
		memcpy(own, name, strnlen(name, own_bytes - 1));
	}
}

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

/* Signals to the terminal's group are for the monitor, whose end is ours. */
static void give_up_inheritance(int *socket)
{
	const struct rlimit none = {0, 0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* dead workers need no wait */
	if (null < 0)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	*socket = dup2(*socket, INHERITED_SOCKET);
	syscall(SYS_close_range, INHERITED_SOCKET + 1, ~0u, 0);
	if (chdir("/")) /* else what we were started in could not be unmounted */
		_exit(1);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* One request of the monitor; a socket comes along if one shall be raised. */
struct nursery_request {
	uint32_t kind; /* enum nursling */
};

static _Noreturn void be_worker(const struct worker_link *link, const struct lockdown *nursery, int socket)
{
	struct worker_link own = *link;

	rename_process(WORKER_NAME);
	own.socket = socket;
	mprotect((void *)own.slots, PROTOCOL_SLOTS * sizeof own.slots[0], PROT_READ);
	own.lockdown = lockdown_worker(nursery);
	worker_main(&own);
}

static _Noreturn void be_opener(const struct worker_link *link, const struct lockdown *nursery, int socket)
{
	rename_process(OPENER_NAME);
	munmap((void *)link->slots, PROTOCOL_SLOTS * sizeof link->slots[0]);
	munmap(link->state, sizeof *link->state);
	const struct lockdown own = lockdown_opener(nursery);
	opener_main(socket, &own);
}

static void (*const lives[NURSLINGS])(const struct worker_link *link, const struct lockdown *nursery,
				      int socket) = {
	[NURSLING_WORKER] = be_worker,
	[NURSLING_OPENER] = be_opener,
};

static void end_nursling(int *pidfd)
{
	if (*pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
	close(*pidfd);
	*pidfd = -1;
}

/* The process number, or -errno. */
static pid_t raise_nursling(const struct worker_link *link, const struct lockdown *nursery, uint32_t kind,
			    int socket, int *pidfd)
{
	pid_t self = getpid(), pid = fork();
	if (!pid) {
		die_with(self);
		dup2(socket, INHERITED_SOCKET);
		syscall(SYS_close_range, INHERITED_SOCKET + 1, ~0u, 0);
		lives[kind](link, nursery, INHERITED_SOCKET);
	}
	if (pid < 0)
		return -errno;
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd >= 0)
		return pid;
	int err = -errno;
	kill(pid, SIGKILL); /* it cannot have been reaped by anybody but the kernel, a moment ago at most */
	return err;
}

static _Noreturn void be_nursery(const struct worker_link *link, int socket, pid_t monitor)
{
	int pidfds[NURSLINGS] = {-1, -1};
	struct nursery_request request;
	int given;

	rename_process(NURSERY_NAME);
	die_with(monitor);
	give_up_inheritance(&socket);
	const struct lockdown own = lockdown_nursery();
	while (channel_receive(socket, &request, sizeof request, &given, true) == (ssize_t)sizeof request) {
		if (request.kind >= NURSLINGS)
			break;
		end_nursling(&pidfds[request.kind]);
		if (given < 0)
			continue;
		pid_t pid = raise_nursling(link, &own, request.kind, given, &pidfds[request.kind]);
		channel_send(socket, &pid, sizeof pid, -1, true);
		close(given);
	}
	_exit(0);
}

int nursery_start(struct nursery *n, const struct worker_link *link)
{
	int pair[2], err = 0;
	pid_t self = getpid();

	n->socket = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid_t pid = fork();
	if (!pid)
		be_nursery(link, pair[1], self);
	if (pid < 0)
		err = -errno;
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		n->socket = pair[0];
	n->pid = err ? 0 : pid;
	return err;
}

static int raised_pid(const struct nursery *n, pid_t *pid)
{
	int fd;
	ssize_t got = channel_receive(n->socket, pid, sizeof *pid, &fd, true);
	if (fd >= 0)
		close(fd);
	if (got != (ssize_t)sizeof *pid)
		return got < 0 ? (int)got : -ECHILD;
	return *pid > 0 ? 0 : *pid ? *pid : -ECHILD;
}

int nursery_raise(const struct nursery *n, enum nursling kind, int *socket, pid_t *pid)
{
	const struct nursery_request request = {.kind = kind};
	int pair[2];

	*pid = 0;
	*socket = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	int err = channel_send(n->socket, &request, sizeof request, pair[1], true);
	if (!err)
		err = raised_pid(n, pid);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		*pid = 0;
		return err;
	}
	*socket = pair[0];
	return 0;
}

void nursery_end(const struct nursery *n, enum nursling kind)
{
	const struct nursery_request request = {.kind = kind};
	if (n->socket >= 0)
		channel_send(n->socket, &request, sizeof request, -1, true);
}

void nursery_stop(struct nursery *n)
{
	if (n->socket >= 0)
		close(n->socket);
	n->socket = -1;
	if (n->pid)
		waitpid(n->pid, NULL, 0);
	n->pid = 0;
}
