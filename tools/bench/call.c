/* SPDX-License-Identifier: Apache-2.0 */
/* The cheapest system call, in a process that nobody traces: what tracing costs everybody else on the host. */
#include "bench.h"

#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct laps laps = {0};

	while (laps_ordered(&laps)) {
		laps_begin(&laps);
		for (uint64_t done = 0; done < laps.iterations; done += laps.lap) {
			for (uint64_t i = 0; i < laps.lap; i++)
				syscall(SYS_getppid);
			lap_end(&laps);
		}
		laps_report(&laps, laps.iterations);
	}
	return 0;
}
