/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads wait on one epoll object. One of them sleeping is no stall, for the other one serves; both sleeping is,
 * from when the second left the wait until the first came back.
 *
 *	thread A  ----====================----------====================------
 *	thread B  ------------------------------------====================----
 *	gap                                           ==================
 */
#include "truth.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct coverage {
	pthread_mutex_t lock;
	unsigned waiters;
	uint64_t gap_start_ns;
	struct loop *loop;
	int work; /* edge-triggered: wakes one thread per write */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct truth both_sleep = {.kind = "shared",
					.verdict = "BLOCKED",
					.call = "clock_nanosleep",
					.function = "stall_worker",
					.count = 1};

static void enter_wait(struct coverage *c)
{
	uint64_t now_ns;

	pthread_mutex_lock(&c->lock);
	now_ns = clock_ns();
	if (c->waiters++ == 0 && c->gap_start_ns) {
		c->loop->iterations++;
		loop_note(c->loop, &both_sleep, c->gap_start_ns, now_ns - c->gap_start_ns);
	}
	pthread_mutex_unlock(&c->lock);
}

static void leave_wait(struct coverage *c)
{
	pthread_mutex_lock(&c->lock);
	if (--c->waiters == 0)
		c->gap_start_ns = clock_ns();
	c->loop->waits++;
	pthread_mutex_unlock(&c->lock);
}

static STALLS void stall_worker(void)
{
	sleep_ms(200);
}

static void *serve(void *argument)
{
	struct coverage *c = argument;
	struct epoll_event event;
	uint64_t taken;

	for (;;) {
		enter_wait(c);
		epoll_wait(c->loop->epoll, &event, 1, -1);
		leave_wait(c);
		if (read(c->work, &taken, sizeof(taken)) == sizeof(taken))
			stall_worker();
	}
	return NULL;
}

static void give_work(struct coverage *c)
{
	uint64_t one = 1;

	must(write(c->work, &one, sizeof(one)), "eventfd");
}

int main(int argc, char **argv)
{
	struct loop loop;
	char byte;

	loop_open(&loop, argc, argv);
	close(loop.epoll);
	loop.epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	shared.loop = &loop;
	shared.work = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
	loop_watch(&loop, shared.work, EPOLLIN | EPOLLET);
	start_thread(serve, &shared);
	start_thread(serve, &shared);
	sleep_ms(50);
	printf("ready %d\n", getpid());
	fflush(stdout);
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	for (int i = 0; i < 2; i++) {
		give_work(&shared);
		sleep_ms(300);
		give_work(&shared);
		sleep_ms(20);
		give_work(&shared);
		sleep_ms(300);
	}
	loop_close_books(&loop, 0);
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	return 0;
}
