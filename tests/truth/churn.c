/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that come and go, each with a loop of its own: usage churn SECONDS AT-ONCE BOOKS. Every process lives for a few hundred
 * iterations, most of them stall once for 30 ms, all write to BOOKS how often they iterated; one in five is killed in its last gap.
 */
#include "../progs/truth.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITERATIONS 300
#define TICK_NS	   NS_PER_MS

static STALLS void stall_briefly(void)
{
	sleep_ms(30);
}

static _Noreturn void live(int books)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	struct epoll_event event = {.events = EPOLLIN};
	struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	unsigned waits = ITERATIONS / 2 + random() % ITERATIONS, stall_at = random() % ITERATIONS;
	uint64_t expirations;
	char line[64];

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event), "epoll_ctl");
	must(timerfd_settime(timer, 0, &tick, NULL), "timerfd_settime");
	for (unsigned i = 0; i < waits; i++) {
		must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
		must(read(timer, &expirations, sizeof(expirations)), "timer");
		if (i == stall_at)
			stall_briefly();
	}
	int n = snprintf(line, sizeof(line), "{\"pid\":%d,\"iterations\":%u}\n", getpid(), waits - 1);
	must(write(books, line, n), "books");
	if (random() % 5 == 0)
		raise(SIGKILL);
	_exit(0);
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 4) {
		fprintf(stderr, "usage: %s SECONDS AT-ONCE BOOKS\n", argv[0]);
		return 2;
	}
	int at_once = atoi(argv[2]), alive = 0;
	int books = must(open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), argv[3]);
	puts("ready");
	fflush(stdout);
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	uint64_t end_ns = clock_ns() + atoi(argv[1]) * 1000 * NS_PER_MS;
	for (unsigned seed = 1; clock_ns() < end_ns; seed++) {
		if (alive == at_once)
			alive -= must(wait(NULL), "wait") > 0;
		if (fork_helper() == 0) {
			srandom(seed);
			live(books);
		}
		alive++;
	}
	while (wait(NULL) > 0)
		;
	puts("over");
	fflush(stdout);
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	return 0;
}
