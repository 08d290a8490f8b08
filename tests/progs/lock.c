/* SPDX-License-Identifier: Apache-2.0 */
/* A callback wants a mutex that a worker thread holds while it computes. */
#include "truth.h"

#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int request[2], taken[2];

static STALLS void release_lock(void)
{
	pthread_mutex_unlock(&lock);
	__asm__ volatile("");
}

static STALLS void hold_lock(void)
{
	pthread_mutex_lock(&lock);
	must(write(taken[1], "t", 1), "write");
	burn_cpu_ms(100);
	release_lock();
}

static void *work(void *unused)
{
	char byte;

	while (read(request[0], &byte, 1) == 1)
		hold_lock();
	return unused;
}

static STALLS void stall_lock(void)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
	struct loop loop;
	char byte = 'r';

	must(pipe(request), "pipe");
	must(pipe(taken), "pipe");
	start_thread(work, NULL);
	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		must(write(request[1], &byte, 1), "write");
		must(read(taken[0], &byte, 1), "read");
		stall_lock();
		loop_expect(&loop, &(struct truth){.kind = "lock",
						   .woken_by = "futex",
						   .verdict = "LOCK",
						   .call = "futex",
						   .function = "stall_lock",
						   .waker = "release_lock"});
	}
	loop_finish(&loop);
}
