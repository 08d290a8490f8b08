/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many loops that stall: LAP of them, a thread each, every one 15 times a second for 52 ms. Twenty are 300 stalls a second. They block,
 * so that it is the tracer that needs the CPU, and do it 10 to 29 calls deep, so that there is a stack to unwind.
 * Ordered are stalls in all; answered is how many gaps reached the threshold by the program's own clock.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS    66666667
#define STALL_NS     52000000
#define THRESHOLD_NS 50000000
#define DEPTH_MIN    10
#define DEPTHS	     20

static _Atomic uint64_t stalls;

struct job {
	unsigned number, of;
	uint64_t stalls;
};

/* Something the compiler cannot see is left to do after the call: else it makes the recursion a loop. */
static __attribute__((noinline)) int descend(unsigned depth)
{
	const struct timespec t = {0, STALL_NS};
	int interrupted;

	if (!depth)
		return nanosleep(&t, NULL);
	interrupted = descend(depth - 1);
	__asm__ volatile("" : "+r"(interrupted));
	return interrupted;
}

static int open_loop(const struct job *job)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	struct epoll_event event = {.events = EPOLLIN, .data.fd = timer};
	struct itimerspec t = {.it_interval.tv_nsec = PERIOD_NS};

	t.it_value.tv_nsec = (long)PERIOD_NS * (job->number + 1) / job->of;
	must(timerfd_settime(timer, 0, &t, NULL), "timerfd_settime");
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event), "epoll_ctl");
	return epoll;
}

static void *run(void *argument)
{
	const struct job *job = argument;
	struct epoll_event event;
	int epoll = open_loop(job);

	for (uint64_t i = 0; i < job->stalls; i++) {
		uint64_t expirations, returned_ns;

		must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
		returned_ns = clock_ns();
		must(read(event.data.fd, &expirations, sizeof(expirations)), "timer");
		descend(DEPTH_MIN + (i + job->number) % DEPTHS);
		stalls += clock_ns() - returned_ns >= THRESHOLD_NS;
	}
	/* the wait after the last stall shows what it cost, and lasts, because its timer is stopped */
	must(timerfd_settime(event.data.fd, 0, &(struct itimerspec){0}, NULL), "timerfd_settime");
	epoll_wait(epoll, &event, 1, 200);
	close(event.data.fd);
	close(epoll);
	return NULL;
}

int main(void)
{
	struct laps laps = {0};

	while (laps_ordered(&laps)) {
		pthread_t *threads = calloc(laps.lap, sizeof(*threads));
		struct job *jobs = calloc(laps.lap, sizeof(*jobs));

		must(threads && jobs ? 0 : -1, "memory");
		stalls = 0;
		laps_begin(&laps);
		for (unsigned i = 0; i < laps.lap; i++) {
			jobs[i] = (struct job){i, laps.lap, laps.iterations / laps.lap};
			must(-pthread_create(&threads[i], NULL, run, &jobs[i]), "pthread_create");
		}
		for (unsigned i = 0; i < laps.lap; i++)
			pthread_join(threads[i], NULL);
		lap_end(&laps);
		free(threads);
		free(jobs);
		laps_report(&laps, stalls);
	}
	return 0;
}
