/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop ends in the middle of a gap. Mode "thread": its thread returns, the process lives on, and nothing is to be
 * reported. Mode "killed": a signal kills the process as a watchdog would, and that is a stall it died of.
 */
#include "truth.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static int done[2];

static STALLS void stall_before_death(void)
{
	sleep_ms(100);
}

static void *run_loop(void *argument)
{
	struct loop *l = argument;

	loop_serve(l, 150);
	stall_before_death();
	if (strcmp(l->mode, "killed") == 0) {
		loop_close_books(l, 1);
		loop_expect_now(l, &(struct truth){.kind = "killed",
						   .state = "died",
						   .verdict = "BLOCKED",
						   .call = "clock_nanosleep",
						   .function = "stall_before_death",
						   .count = 1});
		kill(getpid(), SIGKILL);
	}
	must(write(done[1], "d", 1), "write");
	return NULL;
}

int main(int argc, char **argv)
{
	struct loop loop;
	char byte;

	must(pipe(done), "pipe");
	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	start_thread(run_loop, &loop);
	must(read(done[0], &byte, 1), "read");
	sleep_ms(50);
	loop_close_books(&loop, 0);
	must(read(STDIN_FILENO, &byte, 1), "read");
	return 0;
}
