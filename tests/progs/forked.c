/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process forks without exec, and both go on to wait on the same epoll object. They are two loops: the child stalls
 * while its parent waits, then the parent while the child waits. (Not for
 * the same time: the compiler would make one function of the two.)
 */
#include "truth.h"

static STALLS void stall_in_child(void)
{
	sleep_ms(120);
}

static STALLS void stall_in_parent(void)
{
	sleep_ms(130);
}

static const struct truth in_child = {.kind = "forked",
				      .verdict = "BLOCKED",
				      .call = "clock_nanosleep",
				      .function = "stall_in_child",
				      .count = 1};
static const struct truth in_parent = {.kind = "forked",
				       .verdict = "BLOCKED",
				       .call = "clock_nanosleep",
				       .function = "stall_in_parent",
				       .count = 1};

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	loop_serve(&loop, 100);
	if (fork_helper() == 0) {
		loop_after_fork(&loop);
		loop_serve(&loop, 100);
		stall_in_child();
		loop_expect(&loop, &in_child);
		loop_serve(&loop, 400);
	} else {
		loop_serve(&loop, 400);
		stall_in_parent();
		loop_expect(&loop, &in_parent);
		loop_serve(&loop, 100);
	}
	loop_finish(&loop);
}
