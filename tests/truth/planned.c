/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that stall as a plan says, one thread each; run under wait_clock.so, which keeps the times.
 *
 *	planned PLAN LABELS
 *
 * PLAN has a line per stall: LOOP KIND LENGTH_US DEPTH PAUSE_US. Prints "ready" when all loops wait, begins at a byte on standard input, prints
 * "over" when they wait again for good, and ends at the end of its input. LABELS gets a JSON line per stall: when it was made, what a report must
 * say of it (no verdict: that depends on the disk), and how long the thread ran and waited for a CPU meanwhile, as the kernel counts it.
 */
#include "planned.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICK_MS	   5
#define MAX_STALLS 4096

void wait_clock_reset(void) __attribute__((weak));

struct stall {
	unsigned loop, length_us, depth, pause_us;
	const struct stall_kind *kind;
	uint64_t start_ns, end_ns, ran_ns, waited_ns;
	int tid, line;
};

static struct stall stalls[MAX_STALLS];
static unsigned n_stalls, n_loops;
static pthread_barrier_t finished;
static int go; /* eventfd that every loop watches */

static void read_plan(const char *path)
{
	FILE *plan = fopen(path, "re");
	char kind[32];

	must(plan ? 0 : -1, path);
	for (struct stall s; n_stalls < MAX_STALLS && fscanf(plan, "%u %31s %u %u %u", &s.loop, kind,
							     &s.length_us, &s.depth, &s.pause_us) == 5;) {
		s.kind = stall_kind_find(kind);
		if (!s.kind || s.loop >= MAX_LOOPS) {
			fprintf(stderr, "%s: bad stall %u %s\n", path, s.loop, kind);
			exit(2);
		}
		stalls[n_stalls++] = s;
		if (s.loop >= n_loops)
			n_loops = s.loop + 1;
	}
	fclose(plan);
}

/* A stack of the wanted depth below every stall. */
static __attribute__((noinline, noclone)) void descend(unsigned depth, const struct stall *s)
{
	if (depth)
		descend(depth - 1, s);
	else
		s->kind->make(s->loop, s->length_us);
	__asm__ volatile("" ::: "memory");
}

static void serve(int epoll, unsigned us)
{
	struct epoll_event event;
	uint64_t end_ns = clock_ns() + us * 1000ull;

	do
		epoll_wait(epoll, &event, 1, TICK_MS);
	while (clock_ns() < end_ns);
}

/* How long this thread has run, and waited for a CPU, in all. */
static void read_schedstat(unsigned long long *ran_ns, unsigned long long *waited_ns)
{
	char text[128];
	int fd = must(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC), "schedstat");
	int n = must(read(fd, text, sizeof(text) - 1), "schedstat");

	close(fd);
	text[n] = 0;
	must(sscanf(text, "%llu %llu", ran_ns, waited_ns) == 2 ? 0 : -1, "schedstat");
}

static void make(struct stall *s)
{
	unsigned long long ran_ns[2], waited_ns[2];

	read_schedstat(&ran_ns[0], &waited_ns[0]);
	s->tid = syscall(SYS_gettid);
	stall_line = 0;
	stall_began_ns = s->start_ns = clock_ns();
	descend(s->depth, s);
	s->start_ns = stall_began_ns;
	s->line = stall_line;
	s->end_ns = clock_ns();
	read_schedstat(&ran_ns[1], &waited_ns[1]);
	s->ran_ns = ran_ns[1] - ran_ns[0];
	s->waited_ns = waited_ns[1] - waited_ns[0];
}

static void *run_loop(void *argument)
{
	unsigned loop = (uintptr_t)argument;
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event = {.events = EPOLLIN};

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, go, &event), "epoll_ctl");
	must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
	must(epoll_ctl(epoll, EPOLL_CTL_DEL, go, NULL), "epoll_ctl");
	for (struct stall *s = stalls; s < stalls + n_stalls; s++) {
		if (s->loop != loop)
			continue;
		serve(epoll, s->pause_us);
		make(s);
	}
	serve(epoll, 20000);
	pthread_barrier_wait(&finished);
	epoll_wait(epoll, &event, 1, -1);
	return NULL;
}

static void put_word(FILE *out, const char *name, const char *word)
{
	if (word)
		fprintf(out, ",\"%s\":\"%s\"", name, word);
}

static void write_labels(const char *path)
{
	FILE *labels = fopen(path, "we");

	must(labels ? 0 : -1, path);
	for (struct stall *s = stalls; s < stalls + n_stalls; s++) {
		fprintf(labels,
			"{\"kind\":\"%s\",\"tid\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"ran_ns\":%llu,"
			"\"waited_ns\":%llu",
			s->kind->name, s->tid, (unsigned long long)s->start_ns, (unsigned long long)s->end_ns,
			(unsigned long long)s->ran_ns, (unsigned long long)s->waited_ns);
		put_word(labels, "verdict", s->kind->verdict);
		put_word(labels, "call", s->kind->call);
		put_word(labels, "function", s->kind->function);
		if (s->line)
			fprintf(labels, ",\"line\":%d", s->line);
		fprintf(labels, "}\n");
	}
	must(fclose(labels), path);
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PLAN LABELS\n", argv[0]);
		return 2;
	}
	must(prctl(PR_SET_TIMERSLACK, 1), "prctl");
	read_plan(argv[1]);
	for (unsigned i = 0; i < n_loops; i++)
		stall_prepare(i);
	go = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	pthread_barrier_init(&finished, NULL, n_loops + 1);
	for (unsigned i = 0; i < n_loops; i++)
		stall_start_threads(i);
	for (unsigned i = 0; i < n_loops; i++)
		start_thread(run_loop, (void *)(uintptr_t)i);
	sleep_ms(200);
	if (wait_clock_reset)
		wait_clock_reset();
	printf("ready\n");
	fflush(stdout);
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	must(eventfd_write(go, 1), "eventfd");
	pthread_barrier_wait(&finished);
	write_labels(argv[2]);
	printf("over\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
