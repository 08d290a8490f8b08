/* SPDX-License-Identifier: Apache-2.0 */
/* A callback starts a child and polls the pipe of its output, as subprocess libraries do. */
#include "truth.h"

#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int start_child(int *output)
{
	int pipes[2], pid;

	must(pipe(pipes), "pipe");
	pid = fork_helper();
	if (pid == 0) {
		close(pipes[0]);
		sleep_ms(150);
		must(write(pipes[1], "done", 4), "write");
		_exit(0);
	}
	close(pipes[1]);
	*output = pipes[0];
	return pid;
}

static STALLS void stall_poll(int output)
{
	struct pollfd wanted = {.fd = output, .events = POLLIN};

	must(poll(&wanted, 1, -1), "poll");
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 2; i++) {
		char target[64];
		int output, child;

		loop_serve(&loop, 100);
		child = start_child(&output);
		stall_poll(output);
		close(output);
		must(waitpid(child, NULL, 0), "waitpid");
		snprintf(target, sizeof(target), "pipe.*%d", child);
		loop_expect(&loop, &(struct truth){.kind = "nested_poll",
						   .verdict = "BLOCKED",
						   .call = "p?poll", /* arm64 has only ppoll */
						   .target = target,
						   .function = "stall_poll"});
		loop_serve(&loop, 20);
	}
	loop_finish(&loop);
}
