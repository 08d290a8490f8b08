/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command behind "--": started but held back until tracing is attached, run as the user behind sudo, its input and
 * output untouched. Knows nothing of tracing.
 *
 *	command_start() -> attach to c.pid -> command_release() -> … command_fd() readable -> command_reap()
 */
#ifndef LOOPSTALL_CLI_COMMAND_H
#define LOOPSTALL_CLI_COMMAND_H

#include "base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

struct command {
	const char *name; /* as typed */
	pid_t pid;	  /* a child that waits at the gate, later the command itself; 0 once reaped */
	int fd;		  /* pidfd: readable when it has ended */
	int gate_fd;	  /* a byte here lets it go; closing it ends the child */
	int error_fd;	  /* the errno of a failed exec */
};

/* Call it before anything is opened or loaded: the child inherits limits. 0 or a negative errno with the diag filled. */
int command_start(struct command *c, char **argv, struct diag *d);
/* Lets it go and waits for its exec. An error means that it could not be run, and it is reaped. */
int command_release(struct command *c, struct diag *d);
/* True once it has ended, with its exit code: its own, or 128 + signal. Never waits. */
bool command_reap(struct command *c, int *code);
/* Gives up: a child still at the gate ends; a running command is left alone. */
void command_abandon(struct command *c);

#endif
