/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one call takes, in nanoseconds: a round trip through the wait of a loop whose event is always ready, and a call that no profiler of
 * loops should touch. For each byte on its standard input it measures both and prints a line. The least of many batches: what interrupts
 * a batch is in that batch only.
 */
#include "truth.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCHES 40
#define CALLS	500

static int epoll;

static void wait_once(void)
{
	struct epoll_event event;

	must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
}

static void ask_once(void)
{
	syscall(SYS_getppid);
}

static double least_ns(void (*call)(void))
{
	uint64_t least = UINT64_MAX;

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t start_ns = clock_ns();
		for (int i = 0; i < CALLS; i++)
			call();
		uint64_t took_ns = clock_ns() - start_ns;
		if (took_ns < least)
			least = took_ns;
	}
	return (double)least / CALLS;
}

int main(void)
{
	struct epoll_event ready = {.events = EPOLLIN};
	char byte;

	epoll = must(epoll_create1(0), "epoll_create1");
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, must(eventfd(1, 0), "eventfd"), &ready), "epoll_ctl");
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		double waits_ns = least_ns(wait_once);
		printf("epoll_wait %.0f getppid %.0f\n", waits_ns, least_ns(ask_once));
		fflush(stdout);
	}
	return 0;
}
