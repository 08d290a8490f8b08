/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop is closed and, after a pause in which there is none, created anew: same descriptor, probably the same object
 * address. The pause is no stall (asyncio.run() twice in a script does this); what follows it is.
 */
#include "truth.h"

#include <unistd.h>

static STALLS void stall_after_pause(void)
{
	sleep_ms(120);
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		close(loop.epoll);
		sleep_ms(100);
		loop_new_epoll(&loop);
		loop_serve(&loop, 50);
		stall_after_pause();
		loop_expect(&loop, &(struct truth){.kind = "recreate",
						   .verdict = "BLOCKED",
						   .call = "clock_nanosleep",
						   .function = "stall_after_pause",
						   .count = 1});
	}
	loop_finish(&loop);
}
