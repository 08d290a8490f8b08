/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program replaces itself in the middle of a gap that is already long: a stall that ends so. The loop of the new program, probably
 * with the same descriptor number, is another one and stalls once.
 */
#include "truth.h"

#include <string.h>
#include <unistd.h>

static STALLS void stall_after_exec(void)
{
	sleep_ms(120);
}

static STALLS void stall_before_exec(void)
{
	sleep_ms(100);
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	if (strcmp(loop.mode, "again") != 0) {
		loop_wait_for_go(&loop);
		loop_serve(&loop, 100);
		stall_before_exec();
		loop_close_books(&loop, 1);
		loop_expect_now(&loop, &(struct truth){.kind = "replaced",
						       .state = "exec",
						       .verdict = "BLOCKED",
						       .call = "clock_nanosleep",
						       .count = 1});
		must(execl("/proc/self/exe", argv[0], "-m", "again", argv[argc - 1], NULL), "exec");
	}
	loop_set_timer(&loop, 5 * NS_PER_MS);
	loop_serve(&loop, 100);
	stall_after_exec();
	loop_expect(&loop, &(struct truth){.kind = "exec",
					   .verdict = "BLOCKED",
					   .call = "clock_nanosleep",
					   .function = "stall_after_exec",
					   .count = 1});
	loop_finish(&loop);
}
