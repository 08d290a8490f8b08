/* SPDX-License-Identifier: Apache-2.0 */
/* A callback waits for a child process to end. */
#include "truth.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static STALLS void stall_wait(int child)
{
	must(waitpid(child, NULL, 0), "waitpid");
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 2; i++) {
		char target[64];
		int child;

		loop_serve(&loop, 100);
		child = fork_helper();
		if (child == 0) {
			sleep_ms(150);
			_exit(0);
		}
		stall_wait(child);
		snprintf(target, sizeof(target), "%d", child);
		loop_expect(&loop, &(struct truth){.kind = "child",
						   .woken_by = "exit",
						   .verdict = "BLOCKED",
						   .call = "wait4",
						   .target = target,
						   .function = "stall_wait",
						   .count = 1});
		loop_serve(&loop, 20);
	}
	loop_finish(&loop);
}
