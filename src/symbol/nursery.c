/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/nursery.h"

#include "symbol/channel.h"

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

#define ARGUMENTS_MAX_BYTES 4096

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
	*socket = dup2(*socket, 3);
	syscall(SYS_close_range, 4, ~0u, 0);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static _Noreturn void be_worker(const struct worker_link *link, int nursery_socket, int socket, pid_t nursery)
{
	struct worker_link own = *link;

	rename_process(WORKER_NAME);
	die_with(nursery);
	close(nursery_socket);
	own.socket = socket;
	mprotect((void *)own.slots, PROTOCOL_SLOTS * sizeof own.slots[0], PROT_READ);
	worker_main(&own);
}

static _Noreturn void be_nursery(const struct worker_link *link, int socket, pid_t monitor)
{
	char request;
	int worker_socket;

	rename_process(NURSERY_NAME);
	die_with(monitor);
	give_up_inheritance(&socket);
	pid_t self = getpid();
	while (channel_receive(socket, &request, sizeof request, &worker_socket, true) > 0) {
		pid_t pid = fork();
		if (!pid)
			be_worker(link, socket, worker_socket, self);
		int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
		channel_send(socket, &pid, sizeof pid, pidfd, true);
		close(pidfd);
		close(worker_socket);
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

int nursery_worker(const struct nursery *n, int socket, pid_t *pid)
{
	int pidfd, err = channel_send(n->socket, "", 1, socket, true);
	if (err)
		return err;
	ssize_t got = channel_receive(n->socket, pid, sizeof *pid, &pidfd, true);
	if (got == (ssize_t)sizeof *pid && *pid > 0 && pidfd >= 0)
		return pidfd;
	if (pidfd >= 0)
		close(pidfd);
	return got < 0 ? (int)got : -EAGAIN;
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
