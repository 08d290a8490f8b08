/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stalls before anybody looks, and for ever. Mode "read": blocked on a pipe nobody writes to; mode "spin": computing. Mode "sleep": for four
 * seconds.
 */
#include "truth.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static STALLS void stuck_in_read(void)
{
	int never[2];
	char byte;

	must(pipe(never), "pipe");
	must(read(never[0], &byte, 1), "read");
}

static STALLS void stuck_in_spin(void)
{
	for (volatile unsigned long work = 0;; work++)
		;
}

static STALLS void stuck_in_sleep(void)
{
	sleep_ms(4000);
}

static const struct truth in_read = {.kind = "stuck_read",
				     .state = "stuck",
				     .verdict = "BLOCKED",
				     .call = "read",
				     .target = "pipe",
				     .function = "stuck_in_read"};
static const struct truth in_spin = {
	.kind = "stuck_spin", .state = "stuck", .verdict = "CPU", .function = "stuck_in_spin"};

int main(int argc, char **argv)
{
	struct loop loop;
	bool spins, sleeps;

	loop_open(&loop, argc, argv);
	spins = strcmp(loop.mode, "spin") == 0;
	sleeps = strcmp(loop.mode, "sleep") == 0;
	loop_set_timer(&loop, 5 * NS_PER_MS);
	loop_serve(&loop, 50);
	if (!sleeps)
		loop_expect_now(&loop, spins ? &in_spin : &in_read);
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (spins)
		stuck_in_spin();
	if (!sleeps)
		stuck_in_read();
	stuck_in_sleep();
	loop_finish(&loop);
}
