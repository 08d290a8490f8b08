/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many loops: loops N [PAUSE_US]. N threads with an epoll object each; a turn goes round, and whose turn it is makes TURN_WAITS iterations
 * that are ready. One event is one iteration, so the cost of an event is seen as the loops grow and their state no longer fits the caches.
 * With a pause each round begins so long after the one before. Ordered are iterations, a lap a whole number of rounds.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TURN_WAITS  10
#define STACK_BYTES 65536

struct loop {
	int epoll, turn;
	int next; /* the turn of the one after it */
};

static void pass(int turn)
{
	const uint64_t one = 1;
	must((int)write(turn, &one, sizeof(one)), "write");
}

static void take(int turn)
{
	uint64_t count;
	must((int)read(turn, &count, sizeof(count)), "read");
}

/* Its turn stays ready until it is taken. */
static void *run(void *argument)
{
	const struct loop *l = argument;
	struct epoll_event event;

	for (;;) {
		for (int i = 0; i < TURN_WAITS; i++)
			must(epoll_wait(l->epoll, &event, 1, -1), "epoll_wait");
		take(l->turn);
		pass(l->next);
	}
	return NULL;
}

static void open_loop(struct loop *l)
{
	struct epoll_event event = {.events = EPOLLIN};

	l->epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	l->turn = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	must(epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->turn, &event), "epoll_ctl");
}

static struct loop *start(unsigned n, int done)
{
	struct loop *loops = calloc(n, sizeof(*loops));
	pthread_attr_t small;
	pthread_t thread;

	must(loops ? 0 : -1, "memory");
	must(-pthread_attr_init(&small), "pthread_attr_init");
	must(-pthread_attr_setstacksize(&small, STACK_BYTES), "pthread_attr_setstacksize");
	for (unsigned i = 0; i < n; i++)
		open_loop(&loops[i]);
	for (unsigned i = 0; i < n; i++) {
		loops[i].next = i + 1 < n ? loops[i + 1].turn : done;
		must(-pthread_create(&thread, &small, run, &loops[i]), "pthread_create");
	}
	return loops;
}

static void wait_until(struct timespec *next, long pause_us)
{
	next->tv_nsec += pause_us * 1000;
	next->tv_sec += next->tv_nsec / 1000000000;
	next->tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	long pause_us = argc > 2 ? atol(argv[2]) : 0;
	int done = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	struct laps laps = {0};
	struct loop *loops;

	if (!n) {
		fprintf(stderr, "usage: loops N [PAUSE_US]\n");
		return 2;
	}
	loops = start(n, done);
	while (laps_ordered(&laps)) {
		uint64_t rounds = laps.lap / n / TURN_WAITS, iterations = 0;
		struct timespec next;

		clock_gettime(CLOCK_MONOTONIC, &next);
		laps_begin(&laps);
		for (uint64_t lap = 0; lap < laps.iterations / laps.lap; lap++) {
			for (uint64_t round = 0; round < rounds;
			     round++, iterations += (uint64_t)n * TURN_WAITS) {
				if (pause_us)
					wait_until(&next, pause_us);
				pass(loops[0].turn);
				take(done);
			}
			lap_end(&laps);
		}
		laps_report(&laps, iterations);
	}
	free(loops); /* its threads wait for good */
	return 0;
}
