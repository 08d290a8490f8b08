/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks sleep: 30, 80 and 300 ms. */
#include "truth.h"

#include <time.h>

static unsigned line;

static STALLS void stall_sleep(unsigned ms)
{
	struct timespec t = {0, ms * NS_PER_MS};

	line = __LINE__ + 1;
	must(nanosleep(&t, NULL), "nanosleep");
}

int main(int argc, char **argv)
{
	static const unsigned lengths_ms[] = {30, 80, 300};
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		stall_sleep(lengths_ms[i]);
		loop_expect(&loop, &(struct truth){.kind = "sleep",
						   .verdict = "BLOCKED",
						   .call = "clock_nanosleep",
						   .function = "stall_sleep",
						   .line = line,
						   .count = 1});
	}
	loop_finish(&loop);
}
