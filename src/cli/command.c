/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/confine.h"
#include "cli/user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a shell would start it; an ignored SIGHUP stays ignored (nohup). */
static void reset_signals(void)
{
	sigset_t none;
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction old;
		bool nohup = sig == SIGHUP && !sigaction(sig, NULL, &old) && old.sa_handler == SIG_IGN;
		if (!nohup)
			signal(sig, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) run_child(char **argv, int gate, int error)
{
	struct user user;
	char go;
	ssize_t got;
	while ((got = read(gate, &go, 1)) < 0 && errno == EINTR)
		;
	if (got != 1)
		_exit(0); /* the tracer gave up */
	reset_signals();
	int err = user_behind_sudo(&user) ? user_become(&user) : 0;
	if (!err && geteuid() != 0)
		err = confine_capabilities(0); /* those we were handed down are not for the command */
	if (!err) {
		execvp(argv[0], argv);
		err = -errno;
	}
	if (write(error, &err, sizeof err) != sizeof err)
		_exit(126);
	_exit(127);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int command_start(struct command *c, char **argv, struct diag *d)
{
	int gate[2] = {-1, -1}, error[2] = {-1, -1}, err;
	*c = (struct command){.name = argv[0], .fd = -1, .gate_fd = -1, .error_fd = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) || pipe2(error, O_CLOEXEC) ||
	    (c->pid = fork()) < 0) {
		err = diag_fail(d, -errno, "cannot start '%s': %s", argv[0], strerror(errno));
		c->pid = 0;
		goto out;
	}
	if (c->pid == 0) {
		close(gate[1]); /* else its own copy would keep the gate from ever closing */
		run_child(argv, gate[0], error[1]);
	}
	c->gate_fd = gate[1];
	c->error_fd = error[0];
	gate[1] = error[0] = -1;
	c->fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	err = 0;
	if (c->fd < 0) {
		err = diag_fail(d, -errno, "cannot watch process %d: %s", (int)c->pid, strerror(errno));
		command_abandon(c);
	} else {
		fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	}
out:
	close_fd(&gate[0]);
	close_fd(&gate[1]);
	close_fd(&error[0]);
	close_fd(&error[1]);
	return err;
}

int command_release(struct command *c, struct diag *d)
{
	int failed = 0;
	ssize_t got = send(c->gate_fd, "!", 1, MSG_NOSIGNAL); /* it may have been killed */
	close_fd(&c->gate_fd);
	if (got == 1)
		while ((got = read(c->error_fd, &failed, sizeof failed)) < 0 && errno == EINTR)
			;
	close_fd(&c->error_fd);
	if (got == 0)
		return 0; /* exec closed the pipe */
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
	close_fd(&c->fd);
	return failed ? diag_fail(d, failed, "cannot run %s: %s", c->name, strerror(-failed))
		      : diag_fail(d, -ECHILD, "the command ended before it began");
}

bool command_reap(struct command *c, int *code)
{
	int status;
	if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return false;
	*code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	c->pid = 0;
	close_fd(&c->fd);
	return true;
}

void command_abandon(struct command *c)
{
	bool at_gate = c->gate_fd >= 0;
	close_fd(&c->gate_fd);
	close_fd(&c->error_fd);
	close_fd(&c->fd);
	if (c->pid && at_gate)
		waitpid(c->pid, NULL, 0);
	c->pid = 0;
}
