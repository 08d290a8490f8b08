/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function per kind of stall, each the innermost of the program while it stalls; and per loop a process that answers, stops or outranks
 * it when asked. Knows nothing of plans.
 */
#include "planned.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct request {
	char what; /* 'p' a byte into the pipe, 's' into the socket, 'S' stop the process, 'o' outrank the loop on its CPU */
	int cpu;
	unsigned after_us;
};

static struct partner {
	int requests[2], answers[2], sockets[2];
	int holds[2], held[2]; /* to the thread that holds the lock, and back */
	int file;
	pthread_mutex_t lock;
	volatile bool *done; /* in memory shared with the partner: the stop or the outranking is over */
} partners[MAX_LOOPS];

_Thread_local uint64_t stall_began_ns;
_Thread_local int stall_line;

/* A call that waits, on the line where it stands. */
#define CULPRIT(call) (stall_line = __LINE__, (call))

static void sleep_us(unsigned us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	while (nanosleep(&t, &t) != 0)
		;
}

/* --- the partner ------------------------------------------------------------------------------------------------------------ */

static void stop_parent(unsigned us)
{
	pid_t parent = getppid();

	must(kill(parent, SIGSTOP), "SIGSTOP");
	sleep_us(us);
	must(kill(parent, SIGCONT), "SIGCONT");
}

/* Real time where it may be had, else the best nice value. */
static void outrank(int cpu, unsigned us)
{
	struct sched_param first = {.sched_priority = 1}, normal = {0};
	cpu_set_t one;
	uint64_t end_ns;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
		must(setpriority(PRIO_PROCESS, 0, -20), "setpriority");
	for (end_ns = clock_ns() + us * 1000ull; clock_ns() < end_ns;)
		;
	sched_setscheduler(0, SCHED_OTHER, &normal);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

static _Noreturn void answer(struct partner *p)
{
	struct request r;

	while (read(p->requests[0], &r, sizeof(r)) == sizeof(r)) {
		if (r.what == 'S') {
			stop_parent(r.after_us);
			*p->done = true;
		} else if (r.what == 'o') {
			outrank(r.cpu, r.after_us);
			*p->done = true;
		} else {
			sleep_us(r.after_us);
			must(write(r.what == 'p' ? p->answers[1] : p->sockets[1], "a", 1), "answer");
		}
	}
	_exit(0);
}

static void ask(struct partner *p, char what, unsigned after_us)
{
	struct request r = {what, sched_getcpu(), after_us};

	must(write(p->requests[1], &r, sizeof(r)), "ask");
}

static STALLS void hold_lock(struct partner *p, unsigned us)
{
	pthread_mutex_lock(&p->lock);
	must(write(p->held[1], "h", 1), "write");
	sleep_us(us);
	pthread_mutex_unlock(&p->lock);
	__asm__ volatile("");
}

static void *hold_on_request(void *argument)
{
	struct partner *p = argument;
	unsigned us;

	while (read(p->holds[0], &us, sizeof(us)) == sizeof(us))
		hold_lock(p, us);
	return NULL;
}

void stall_prepare(unsigned loop)
{
	struct partner *p = &partners[loop];

	must(pipe2(p->requests, O_CLOEXEC), "pipe");
	must(pipe2(p->answers, O_CLOEXEC), "pipe");
	must(pipe2(p->holds, O_CLOEXEC), "pipe");
	must(pipe2(p->held, O_CLOEXEC), "pipe");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->sockets), "socketpair");
	p->file = must(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "temporary file");
	p->done = mmap(NULL, sizeof(*p->done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(p->done == MAP_FAILED ? -1 : 0, "mmap");
	pthread_mutex_init(&p->lock, NULL);
	if (fork_helper() == 0)
		answer(p);
}

void stall_start_threads(unsigned loop)
{
	start_thread(hold_on_request, &partners[loop]);
}

/* --- the stalls ------------------------------------------------------------------------------------------------------------- */

static STALLS void stall_cpu(unsigned loop, unsigned us)
{
	struct timespec now, end;
	volatile unsigned work = loop;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	end.tv_nsec += us % 1000000 * 1000;
	end.tv_sec += us / 1000000 + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	do {
		for (int i = 0; i < 5000; i++)
			work = work + i;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}

static STALLS void stall_sleep(unsigned loop, unsigned us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	(void)loop;
	while (CULPRIT(nanosleep(&t, &t)) != 0)
		;
}

static STALLS void stall_pipe(unsigned loop, unsigned us)
{
	char byte;

	ask(&partners[loop], 'p', us);
	must(CULPRIT(read(partners[loop].answers[0], &byte, 1)), "read");
}

static STALLS void stall_recv(unsigned loop, unsigned us)
{
	char byte;

	ask(&partners[loop], 's', us);
	must(CULPRIT(recv(partners[loop].sockets[0], &byte, 1, 0)), "recv");
}

static STALLS void stall_poll(unsigned loop, unsigned us)
{
	struct pollfd wanted = {.fd = partners[loop].answers[0], .events = POLLIN};
	char byte;

	ask(&partners[loop], 'p', us);
	must(CULPRIT(poll(&wanted, 1, -1)), "poll");
	must(read(partners[loop].answers[0], &byte, 1), "read");
}

static STALLS void stall_nested(unsigned loop, unsigned us)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event = {.events = EPOLLIN};
	char byte;

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, partners[loop].answers[0], &event), "epoll_ctl");
	ask(&partners[loop], 'p', us);
	must(syscall(SYS_epoll_pwait, epoll, &event, 1, -1, NULL, 0),
	     "epoll_pwait"); /* past wait_clock.so, which would be the innermost */
	must(read(partners[loop].answers[0], &byte, 1), "read");
	close(epoll);
}

static STALLS void stall_lock(unsigned loop, unsigned us)
{
	struct partner *p = &partners[loop];

	CULPRIT(pthread_mutex_lock(&p->lock));
	pthread_mutex_unlock(&p->lock);
	(void)us;
}

/* The lock is held before the stall begins, so that the wait for it is one. */
static void make_lock(unsigned loop, unsigned us)
{
	struct partner *p = &partners[loop];
	char byte;

	must(write(p->holds[1], &us, sizeof(us)), "write");
	must(read(p->held[0], &byte, 1), "read");
	stall_began_ns = clock_ns();
	stall_lock(loop, us);
}

static STALLS void stall_short_reads(unsigned loop, unsigned us)
{
	uint64_t end_ns = clock_ns() + us * 1000ull;
	char byte;

	while (clock_ns() < end_ns) {
		ask(&partners[loop], 's', 500);
		must(CULPRIT(recv(partners[loop].sockets[0], &byte, 1, 0)), "recv");
	}
}

static STALLS void stall_child(unsigned loop, unsigned us)
{
	int child = fork_helper();

	(void)loop;
	if (child == 0) {
		sleep_us(us);
		_exit(0);
	}
	must(CULPRIT(waitpid(child, NULL, 0)), "waitpid");
}

static STALLS void stall_fsync(unsigned loop, unsigned us)
{
	uint64_t end_ns = clock_ns() + us * 1000ull;
	static char text[65536];

	while (clock_ns() < end_ns) {
		must(pwrite(partners[loop].file, text, sizeof(text), 0), "write");
		must(CULPRIT(fsync(partners[loop].file)), "fsync");
	}
}

static STALLS void stall_stopped(unsigned loop, unsigned us)
{
	*partners[loop].done = false;
	ask(&partners[loop], 'S', us);
	while (!*partners[loop].done)
		;
}

/* On one CPU with a partner that outranks it. */
static STALLS void stall_starved(unsigned loop, unsigned us)
{
	cpu_set_t all, one;

	must(sched_getaffinity(0, sizeof(all), &all), "sched_getaffinity");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	*partners[loop].done = false;
	ask(&partners[loop], 'o', us);
	while (!*partners[loop].done)
		;
	must(sched_setaffinity(0, sizeof(all), &all), "sched_setaffinity");
}

static const struct stall_kind kinds[] = {
	{"cpu", stall_cpu, "CPU", NULL, "stall_cpu"},
	{"sleep", stall_sleep, "BLOCKED", "clock_nanosleep|nanosleep", "stall_sleep"},
	{"pipe", stall_pipe, "BLOCKED", "read", "stall_pipe"},
	{"recv", stall_recv, "BLOCKED", "recvfrom", "stall_recv"},
	{"poll", stall_poll, "BLOCKED", "poll", "stall_poll"},
	{"nested", stall_nested, "BLOCKED", "epoll_pwait", "stall_nested"},
	{"lock", make_lock, "LOCK", "futex", "stall_lock"},
	{"short_reads", stall_short_reads, "BLOCKED", "recvfrom", "stall_short_reads"},
	{"child", stall_child, "BLOCKED", "wait4", "stall_child"},
	{"fsync", stall_fsync, NULL, "fsync", "stall_fsync"},
	{"stopped", stall_stopped, "STOPPED", NULL, NULL},
	{"starved", stall_starved, "STARVED", NULL, NULL},
};

const struct stall_kind *stall_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}
