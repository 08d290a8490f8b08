/* SPDX-License-Identifier: Apache-2.0 */
/* Waits alternate between an epoll descriptor and its duplicate: one object, one loop, no gap of either alone. */
#include "truth.h"

#include <unistd.h>

static STALLS void stall_between_descriptors(void)
{
	sleep_ms(120);
}

static void serve_alternating(struct loop *l, int descriptors[2], int times)
{
	for (int i = 0; i < times; i++) {
		l->epoll = descriptors[i % 2];
		loop_serve(l, 30);
	}
}

int main(int argc, char **argv)
{
	struct loop loop;
	int descriptors[2];

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	descriptors[0] = loop.epoll;
	descriptors[1] = must(dup(loop.epoll), "dup");
	for (int i = 0; i < 2; i++) {
		serve_alternating(&loop, descriptors, 6);
		stall_between_descriptors();
		loop.epoll = descriptors[0];
		loop_expect(&loop, &(struct truth){.kind = "dup",
						   .verdict = "BLOCKED",
						   .call = "clock_nanosleep",
						   .function = "stall_between_descriptors",
						   .count = 1});
	}
	loop_finish(&loop);
}
