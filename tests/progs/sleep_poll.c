/* SPDX-License-Identifier: Apache-2.0 */
/* For 2.5 s it sleeps 100 ms at a time, and asks without waiting whether there is something to do; with -m served it serves in between. */
#include "truth.h"

#include <string.h>

int main(int argc, char **argv)
{
	struct epoll_event event;
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	bool serves = strcmp(loop.mode, "served") == 0;
	loop_serve(&loop, 100);
	loop_set_timer(&loop, 0);
	for (uint64_t end_ns = clock_ns() + 2500 * NS_PER_MS; clock_ns() < end_ns;) {
		loop_wait(&loop, &event, 1, 0);
		if (serves)
			loop_wait(&loop, &event, 1, 1);
		sleep_ms(100);
	}
	loop_finish(&loop);
}
