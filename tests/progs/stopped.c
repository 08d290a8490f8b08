/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody else stops the process in the middle of a callback and lets it go on 200 ms later. */
#include "truth.h"

#include <signal.h>
#include <unistd.h>

static int request[2];

static void stop_parent_on_request(void)
{
	pid_t parent = getppid();
	char byte;

	while (read(request[0], &byte, 1) == 1) {
		must(kill(parent, SIGSTOP), "SIGSTOP");
		sleep_ms(200);
		must(kill(parent, SIGCONT), "SIGCONT");
	}
	_exit(0);
}

/* Busy until time has jumped, which is how a stopped process notices. */
static STALLS void stall_stopped(void)
{
	uint64_t last_ns, now_ns = clock_ns();

	must(write(request[1], "s", 1), "write");
	do {
		last_ns = now_ns;
		now_ns = clock_ns();
	} while (now_ns - last_ns < 150 * NS_PER_MS);
}

int main(int argc, char **argv)
{
	struct loop loop;

	must(pipe(request), "pipe");
	if (fork_helper() == 0)
		stop_parent_on_request();
	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 2; i++) {
		loop_serve(&loop, 100);
		stall_stopped();
		loop_expect(&loop, &(struct truth){.kind = "stopped", .verdict = "STOPPED"});
	}
	loop_finish(&loop);
}
