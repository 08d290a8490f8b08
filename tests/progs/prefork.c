/* SPDX-License-Identifier: Apache-2.0 */
/* A pre-fork server: after the profiler has attached the parent starts three workers, each with a loop of its own. */
#include "truth.h"

#define WORKERS 3

static STALLS void stall_in_worker(unsigned ms)
{
	sleep_ms(ms);
}

static _Noreturn void work(struct loop *l, int worker)
{
	loop_after_fork(l);
	loop_new_epoll(l);
	loop_serve(l, 100);
	stall_in_worker(60 + 30 * worker);
	loop_expect(l, &(struct truth){.kind = "prefork",
				       .verdict = "BLOCKED",
				       .call = "clock_nanosleep",
				       .function = "stall_in_worker",
				       .count = 1});
	loop_serve(l, 50);
	loop_finish(l);
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < WORKERS; i++)
		if (fork_helper() == 0)
			work(&loop, i);
	loop_serve(&loop, 300);
	loop_finish(&loop);
}
