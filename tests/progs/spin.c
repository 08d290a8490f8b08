/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks compute for too long. */
#include "truth.h"

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		burn_cpu_ms(60 + 60 * i);
		loop_expect(&loop,
			    &(struct truth){.kind = "spin", .verdict = "CPU", .function = "burn_cpu_ms"});
	}
	loop_finish(&loop);
}
