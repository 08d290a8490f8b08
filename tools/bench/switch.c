/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads that nobody traces hand a byte to and fro; on one CPU (whoever starts this pins it) every byte is a wakeup and a switch.
 * A round trip is two of them, so an even number is done.
 */
#include "bench.h"

#include <pthread.h>
#include <unistd.h>

static int there[2], back[2];

static void *echo(void *unused)
{
	char byte;

	while (read(there[0], &byte, 1) == 1)
		must(write(back[1], &byte, 1), "write");
	return unused;
}

int main(void)
{
	struct laps laps = {0};
	pthread_t thread;
	char byte = 'x';

	must(pipe(there), "pipe");
	must(pipe(back), "pipe");
	must(-pthread_create(&thread, NULL, echo, NULL), "pthread_create");
	while (laps_ordered(&laps)) {
		laps_begin(&laps);
		for (uint64_t done = 0; done < laps.iterations; done += laps.lap) {
			for (uint64_t i = 0; i < laps.lap; i += 2) {
				must(write(there[1], &byte, 1), "write");
				must(read(back[0], &byte, 1), "read");
			}
			lap_end(&laps);
		}
		laps_report(&laps, laps.iterations);
	}
	return 0;
}
