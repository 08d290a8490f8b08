/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop ends, and the next one gets its number: of a process (mode "pid") or of a thread (mode "tid"). Numbers are given out in turn, so
 * threads are made until it is the wanted one's again. Both loops stall; the second prints what it found.
 */
#include "truth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_NUMBERS 65536 /* turning through more would take too long */
#define TURNS	     4	   /* somebody else may take the number */

static struct loop loop;

static STALLS void stall_with_number(void)
{
	sleep_ms(120);
}

static void *live_once(void *kind)
{
	loop_new_epoll(&loop);
	loop_after_fork(&loop);
	loop_serve(&loop, 100);
	stall_with_number();
	loop_expect(&loop, &(struct truth){.kind = kind,
					   .verdict = "BLOCKED",
					   .call = "clock_nanosleep",
					   .function = "stall_with_number",
					   .count = 1});
	loop_serve(&loop, 50);
	loop_close_books(&loop, 0);
	close(loop.epoll);
	return NULL;
}

static void *tell_tid(void *tid)
{
	*(volatile int *)tid = syscall(SYS_gettid);
	return NULL;
}

/* Makes threads until the number before the wanted one was given out. */
static void turn_to(int wanted)
{
	pthread_t thread;
	volatile int tid;

	do {
		must(-pthread_create(&thread, NULL, tell_tid, (void *)&tid), "pthread_create");
		pthread_join(thread, NULL);
	} while (tid != wanted - 1);
}

static int process_with_loop(const char *kind, int wanted)
{
	int pid = must(fork(), "fork");

	if (pid == 0) {
		if (!wanted || getpid() == wanted)
			live_once((void *)kind);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0), "waitpid");
	return pid;
}

static int wanted_tid, got_tid;

static void *thread_with_loop(void *kind)
{
	got_tid = syscall(SYS_gettid);
	if (!wanted_tid || got_tid == wanted_tid)
		live_once(kind);
	return NULL;
}

static int thread_once(const char *kind, int wanted)
{
	pthread_t thread;

	wanted_tid = wanted;
	must(-pthread_create(&thread, NULL, thread_with_loop, (void *)kind), "pthread_create");
	pthread_join(thread, NULL);
	return got_tid;
}

static int most_numbers(void)
{
	FILE *file = fopen("/proc/sys/kernel/pid_max", "re");
	int n = MOST_NUMBERS + 1;

	if (file && fscanf(file, "%d", &n) != 1)
		n = MOST_NUMBERS + 1;
	return n;
}

int main(int argc, char **argv)
{
	int (*make)(const char *kind, int wanted);

	loop_open(&loop, argc, argv);
	make = strcmp(loop.mode, "tid") == 0 ? thread_once : process_with_loop;
	if (most_numbers() > MOST_NUMBERS) {
		puts("too many numbers");
		return 0;
	}
	loop_wait_for_go(&loop);
	close(loop.epoll);
	int first = make("first", 0);
	bool again = false;
	for (int i = 0; i < TURNS && !again; i++) {
		turn_to(first);
		again = make("second", first) == first;
	}
	puts(again ? "used again" : "taken by others");
	fflush(stdout);
	pause();
}
