/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than 20 frames through a callback of the C library, without frame pointers; sleeps or spins at the
 * bottom. "handler" goes down inside of a signal handler that interrupted a computation.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int depth, spins;
static volatile unsigned long turns;

static __attribute__((noinline)) void bottom(void)
{
	if (!spins)
		nanosleep(&(struct timespec){.tv_sec = 600}, NULL);
	while (spins)
		turns++;
}

static void descend(void);

static int compare(const void *a, const void *b)
{
	if (depth < 6)
		descend();
	else
		bottom();
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void descend(void)
{
	volatile char room[200]; /* the frame needs a size that only the records know */
	int numbers[2] = {2, 1};
	room[0] = 1;
	depth++;
	qsort(numbers, 2, sizeof numbers[0], compare);
	turns += (unsigned long)(numbers[0] + room[0]);
}

static void on_alarm(int signal)
{
	depth = signal - SIGALRM;
	descend();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	spins = !strcmp(mode, "spin");
	if (!strcmp(mode, "handler")) {
		signal(SIGALRM, on_alarm);
		alarm(1);
		for (;;)
			turns++;
	}
	descend();
	return 0;
}
