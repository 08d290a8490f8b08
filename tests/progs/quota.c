/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A callback needs 15 ms of CPU, no stall by itself, in a cgroup that allows 5 of every 50 (the test makes the group). Afterwards the loop
 * rests until its quota is back, so that no wait is late.
 */
#include "truth.h"

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	loop.timeout_ms = 250;
	loop_set_timer(&loop, 0);
	for (int i = 0; i < 2; i++) {
		loop_serve(&loop, 240);
		burn_cpu_ms(15);
		loop_expect(
			&loop,
			&(struct truth){.kind = "quota", .verdict = "THROTTLED", .function = "burn_cpu_ms"});
		loop_serve(&loop, 240);
	}
	loop_finish(&loop);
}
