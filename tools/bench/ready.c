/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dearest loop there is: an eventfd that is always ready, and nothing to do. Between orders it sleeps in the same wait, so that a
 * tracer attaches to a loop that is covered and can count every iteration of it exactly: those ordered, and the one that took the order.
 */
#include "bench.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void spin(struct laps *l, int epoll)
{
	struct epoll_event event;

	laps_begin(l);
	for (uint64_t done = 0; done < l->iterations; done += l->lap) {
		for (uint64_t i = 0; i < l->lap; i++)
			must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
		lap_end(l);
	}
}

/* A tracer that attaches by ptrace interrupts the wait. */
static bool woken(int epoll)
{
	struct epoll_event event;
	int ready;

	do {
		ready = epoll_wait(epoll, &event, 1, -1);
	} while (ready < 0 && errno == EINTR);
	return must(ready, "epoll_wait") == 1;
}

int main(void)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int ready = must(eventfd(1, EFD_CLOEXEC), "eventfd");
	struct laps laps = {0};

	watch(epoll, STDIN_FILENO);
	while (woken(epoll) && laps_ordered(&laps)) {
		watch(epoll, ready);
		spin(&laps, epoll);
		must(epoll_ctl(epoll, EPOLL_CTL_DEL, ready, NULL), "epoll_ctl");
		laps_report(&laps, laps.iterations + 1);
	}
	return 0;
}
