/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A busy loop that is well: every millisecond a timer and LAP - 1 further iterations of nothing. LAP 100 is 100,000 iterations a second
 * for as many as are ordered; a tick that came late is made up for.
 */
#include "bench.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_NS 1000000

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void set_timer(int timer, long ns)
{
	struct itimerspec t = {.it_value.tv_nsec = ns, .it_interval.tv_nsec = ns};

	must(timerfd_settime(timer, 0, &t, NULL), "timerfd_settime");
}

/* Ticks are taken from the set while the ready descriptor is in it, so that the timer alone ends the sleeping wait. */
static uint64_t tick(struct laps *l, int epoll, int timer, int ready)
{
	struct epoll_event event;
	uint64_t ticks = 0, done = 1;

	must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
	must(read(timer, &ticks, sizeof(ticks)), "timer");
	watch(epoll, ready);
	while (done < ticks * l->lap) {
		must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
		done++;
	}
	must(epoll_ctl(epoll, EPOLL_CTL_DEL, ready, NULL), "epoll_ctl");
	return done;
}

int main(void)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int ready = must(eventfd(1, EFD_CLOEXEC), "eventfd");
	int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	struct epoll_event event;
	struct laps laps = {0};

	watch(epoll, STDIN_FILENO);
	while (must(epoll_wait(epoll, &event, 1, -1), "epoll_wait") == 1 && laps_ordered(&laps)) {
		uint64_t done = 0;

		must(epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL), "epoll_ctl");
		watch(epoll, timer);
		set_timer(timer, TICK_NS);
		laps_begin(&laps);
		while (done < laps.iterations)
			done += tick(&laps, epoll, timer, ready);
		lap_end(&laps);
		set_timer(timer, 0);
		must(epoll_ctl(epoll, EPOLL_CTL_DEL, timer, NULL), "epoll_ctl");
		watch(epoll, STDIN_FILENO);
		laps_report(&laps, done + 1);
	}
	return 0;
}
