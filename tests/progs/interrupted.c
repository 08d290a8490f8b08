/* SPDX-License-Identifier: Apache-2.0 */
/* A signal with a handler interrupts the wait every 10 ms, and also the sleep of a callback. */
#include "truth.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
	alarms += signal != 0;
}

static STALLS void stall_interrupted(void)
{
	sleep_ms(100);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = count_alarm};
	struct itimerval every_10_ms = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	must(sigaction(SIGALRM, &action, NULL), "sigaction");
	must(setitimer(ITIMER_REAL, &every_10_ms, NULL), "setitimer");
	loop_set_timer(&loop, 15 * NS_PER_MS);
	for (int i = 0; i < 2; i++) {
		loop_serve(&loop, 200);
		stall_interrupted();
		loop_expect(&loop, &(struct truth){.kind = "interrupted",
						   .verdict = "BLOCKED",
						   .call = "clock_nanosleep",
						   .function = "stall_interrupted"});
	}
	must(setitimer(ITIMER_REAL, &never, NULL), "setitimer");
	loop_finish(&loop);
}
