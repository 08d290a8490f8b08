/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads with a loop each, all woken at once, beside the one that stalls. Mode: their number, default 2000. Each counts for itself.
 */
#include "truth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAITS	    5
#define WAIT_MS	    200
#define STACK_BYTES 65536

static int go;
static atomic_uint n_done;

struct quiet_loop {
	int epoll;
	unsigned iterations;
};

static void *wait_in_turn(void *argument)
{
	struct quiet_loop *l = argument;
	struct epoll_event event = {.events = EPOLLIN};

	l->epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	must(epoll_ctl(l->epoll, EPOLL_CTL_ADD, go, &event), "epoll_ctl");
	must(epoll_wait(l->epoll, &event, 1, -1), "epoll_wait");
	must(epoll_ctl(l->epoll, EPOLL_CTL_DEL, go, NULL), "epoll_ctl");
	for (l->iterations = 1; l->iterations <= WAITS; l->iterations++)
		must(epoll_wait(l->epoll, &event, 1, WAIT_MS), "epoll_wait");
	n_done++;
	must(epoll_wait(l->epoll, &event, 1, -1), "epoll_wait");
	return NULL;
}

static void start_threads(struct quiet_loop *loops, unsigned n)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	for (unsigned i = 0; i < n; i++)
		must(-pthread_create(&thread, &small, wait_in_turn, &loops[i]), "pthread_create");
}

static STALLS void stall_among_many(void)
{
	sleep_ms(150);
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	unsigned n = *loop.mode ? atoi(loop.mode) : 2000;
	struct quiet_loop *loops = calloc(n, sizeof(*loops));
	must(loops ? 0 : -1, "memory");
	go = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	start_threads(loops, n);
	sleep_ms(300);
	loop_wait_for_go(&loop);
	must(eventfd_write(go, 1), "eventfd");
	loop_serve(&loop, WAITS * WAIT_MS + 1000); /* by then they are quiet again */
	stall_among_many();
	loop_expect(&loop, &(struct truth){.kind = "among_many",
					   .verdict = "BLOCKED",
					   .call = "clock_nanosleep",
					   .function = "stall_among_many",
					   .count = 1});
	while (n_done < n)
		loop_serve(&loop, 100);
	for (unsigned i = 0; i < n; i++)
		dprintf(loop.books, "{\"pid\":%d,\"fd\":%d,\"quiet\":%u}\n", getpid(), loops[i].epoll,
			loops[i].iterations);
	loop_finish(&loop);
}
