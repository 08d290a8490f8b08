// SPDX-License-Identifier: Apache-2.0
/*
 * An epoll object that nobody ever waits on and that has nothing in it, as Node has one; a loop that ticks every 20 ms; and a
 * thread that computes. None of them stalls.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static volatile unsigned long sum;

static void *compute(void *unused)
{
	for (unsigned long i = 0;; i++)
		sum += i * i;
	return unused;
}

int main(void)
{
	int unused = epoll_create1(EPOLL_CLOEXEC), loop = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec every = {{0, 20000000}, {0, 20000000}};
	struct epoll_event event = {.events = EPOLLIN, .data.fd = timer};
	pthread_t thread;

	if (unused < 0 || loop < 0 || timer < 0 || timerfd_settime(timer, 0, &every, NULL) ||
	    epoll_ctl(loop, EPOLL_CTL_ADD, timer, &event) || pthread_create(&thread, NULL, compute, NULL)) {
		perror("idle_epoll");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (epoll_wait(loop, &event, 1, -1) >= 0) {
		unsigned long long ticks;
		if (read(timer, &ticks, sizeof ticks) != sizeof ticks)
			return 1;
	}
	return 0;
}
