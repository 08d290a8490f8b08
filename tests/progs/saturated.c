/* SPDX-License-Identifier: Apache-2.0 */
/* For 2.5 s every tick takes 10 ms and no wait sleeps: not one long gap, and everything is late. */
#include "truth.h"

int main(int argc, char **argv)
{
	struct epoll_event event;
	uint64_t start_ns, end_ns;
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	loop_serve(&loop, 100);
	loop_set_timer(&loop, 0);
	start_ns = clock_ns();
	end_ns = start_ns + 2500 * NS_PER_MS;
	while (clock_ns() < end_ns) {
		burn_cpu_ms(10);
		loop_wait(&loop, &event, 1, 0);
	}
	loop_note(&loop,
		  &(struct truth){.kind = "saturated", .state = "saturated", .function = "burn_cpu_ms"},
		  start_ns, clock_ns() - start_ns);
	loop_finish(&loop);
}
