/* SPDX-License-Identifier: Apache-2.0 */
/* As many iterations as the machine can do: an eventfd that is always ready. Mode: their number, default 400,000. */
#include "truth.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct epoll_event event;
	struct loop loop;
	long iterations;
	int ready;

	loop_open(&loop, argc, argv);
	iterations = *loop.mode ? atol(loop.mode) : 400000;
	loop_wait_for_go(&loop);
	ready = must(eventfd(1, EFD_CLOEXEC), "eventfd");
	loop_watch(&loop, ready, EPOLLIN);
	for (long i = 0; i < iterations; i++)
		loop_wait(&loop, &event, 1, -1);
	close(ready);
	loop_finish(&loop);
}
