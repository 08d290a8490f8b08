/* SPDX-License-Identifier: Apache-2.0 */
/* The loop behind every program here; see truth.h. Knows nothing about how a stall is made. */
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_NS (5 * NS_PER_MS)
#define TIMEOUT_MS                                                                                           \
	20 /* longer than a tick: passes only where processes share a timer and one of them stopped it */
#define BOOKS_BYTES  32768
#define UNPLANNED_NS (15 * NS_PER_MS) /* a gap worth noting though nobody injected it */

int must(int value, const char *what)
{
	if (value >= 0)
		return value;
	perror(what);
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

uint64_t clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void start_thread(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, body, argument);
	must(-errno, "pthread_create");
	pthread_detach(thread);
}

int fork_helper(void)
{
	pid_t parent = getpid();
	int pid = must(fork(), "fork");

	if (pid == 0) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		if (getppid() != parent) /* it died before it could matter */
			_exit(0);
	}
	return pid;
}

STALLS void burn_cpu_ms(unsigned ms)
{
	uint64_t end_ns = thread_cpu_ns() + ms * NS_PER_MS;
	volatile unsigned work = 0;

	while (thread_cpu_ns() < end_ns)
		for (int i = 0; i < 5000; i++)
			work = work + i;
}

/* --- the books ---------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void append(struct loop *l, const char *format, ...)
{
	size_t room = BOOKS_BYTES - l->bytes;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->lines + l->bytes, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		fprintf(stderr, "too many stalls to note\n");
		exit(1);
	}
	l->bytes += n;
}

static void append_word(struct loop *l, const char *name, const char *word)
{
	if (word)
		append(l, ",\"%s\":\"%s\"", name, word);
}

void loop_note(struct loop *l, const struct truth *expected, uint64_t start_ns, uint64_t gap_ns)
{
	uint64_t wall_us = (read_clock(CLOCK_REALTIME) - clock_ns() + start_ns) / 1000;

	append(l,
	       "{\"pid\":%d,\"tid\":%ld,\"start_us\":%llu,\"start_ns\":%llu,\"gap_ns\":%llu,\"delay_ns\":%"
	       "llu",
	       getpid(), syscall(SYS_gettid), (unsigned long long)wall_us, (unsigned long long)start_ns,
	       (unsigned long long)gap_ns, (unsigned long long)expected->delay_ns);
	append_word(l, "kind", expected->kind);
	append_word(l, "state", expected->state ? expected->state : "ended");
	append_word(l, "verdict", expected->verdict);
	append_word(l, "call", expected->call);
	append_word(l, "target", expected->target);
	append_word(l, "function", expected->function);
	append_word(l, "waker", expected->waker);
	append_word(l, "woken_by", expected->woken_by);
	append(l, ",\"count\":%u,\"line\":%u,\"ran\":%u,\"ran_ns\":%llu}\n", expected->count, expected->line,
	       expected->ran, (unsigned long long)expected->ran_ns);
}

void loop_flush(struct loop *l)
{
	if (must(write(l->books, l->lines, l->bytes), "write truth") != (int)l->bytes)
		exit(1);
	l->bytes = 0;
}

void loop_close_books(struct loop *l, unsigned ending)
{
	append(l, "{\"pid\":%d,\"fd\":%d,\"iterations\":%llu,\"waits\":%llu}\n", getpid(), l->epoll,
	       (unsigned long long)l->iterations + ending, (unsigned long long)l->waits);
	loop_flush(l);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static int wait_pwait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	return epoll_pwait(epoll, events, max, timeout_ms, NULL);
}

static int wait_pwait2(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	struct timespec t = {timeout_ms / 1000, timeout_ms % 1000 * NS_PER_MS};

	return epoll_pwait2(epoll, events, max, timeout_ms < 0 ? NULL : &t, NULL);
}

static const struct wait_call {
	const char *name;
	int (*wait)(int, struct epoll_event *, int, int);
} wait_calls[] = {
	{"epoll_wait", epoll_wait},
	{"epoll_pwait", wait_pwait},
	{"epoll_pwait2", wait_pwait2},
};

static void choose_wait_call(struct loop *l, const char *name)
{
	l->wait = NULL;
	for (size_t i = 0; i < sizeof(wait_calls) / sizeof(wait_calls[0]); i++)
		if (strcmp(wait_calls[i].name, name) == 0)
			l->wait = wait_calls[i].wait;
	if (!l->wait) {
		fprintf(stderr, "no such wait call: %s\n", name);
		exit(2);
	}
}

void loop_watch(struct loop *l, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	must(epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
}

void loop_set_timer(struct loop *l, uint64_t period_ns)
{
	struct timespec t = {period_ns / 1000000000, period_ns % 1000000000};
	struct itimerspec setting = {.it_value = t, .it_interval = t};

	must(timerfd_settime(l->timer, 0, &setting, NULL), "timerfd_settime");
}

void loop_new_epoll(struct loop *l)
{
	l->epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	l->returned_ns = 0;
	loop_watch(l, l->timer, EPOLLIN);
	loop_watch(l, STDIN_FILENO, EPOLLIN);
}

void loop_open(struct loop *l, int argc, char **argv)
{
	int option;

	memset(l, 0, sizeof(*l));
	l->mode = "";
	l->wait = epoll_wait;
	l->timeout_ms = TIMEOUT_MS;
	l->lines = malloc(BOOKS_BYTES);
	if (!l->lines)
		must(-1, "memory");
	while ((option = getopt(argc, argv, "w:m:")) != -1) {
		if (option == 'w')
			choose_wait_call(l, optarg);
		else if (option == 'm')
			l->mode = optarg;
		else
			exit(2);
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: %s [-w CALL] [-m MODE] TRUTH-FILE\n", argv[0]);
		exit(2);
	}
	l->books = must(open(argv[optind], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), argv[optind]);
	l->timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
	loop_new_epoll(l);
}

static void end_gap(struct loop *l, uint64_t now_ns)
{
	static const struct truth unplanned = {.kind = "unplanned"};
	uint64_t gap_ns = now_ns - l->returned_ns;

	if (!l->returned_ns)
		return;
	l->iterations++;
	if (l->expecting)
		loop_note(l, &l->expected, l->returned_ns, gap_ns);
	else if (gap_ns >= UNPLANNED_NS)
		loop_note(l, &unplanned, l->returned_ns, gap_ns);
	l->expecting = false;
}

int loop_wait(struct loop *l, struct epoll_event *events, int max, int timeout_ms)
{
	int n;

	end_gap(l, clock_ns());
	n = l->wait(l->epoll, events, max, timeout_ms);
	l->returned_ns = clock_ns();
	l->waits++;
	return n;
}

/* One iteration; returns whether there was input. */
static bool tick(struct loop *l, int timeout_ms)
{
	struct epoll_event events[4];
	bool input = false;
	uint64_t expirations;

	for (int i = loop_wait(l, events, 4, timeout_ms) - 1; i >= 0; i--) {
		if (events[i].data.fd == l->timer)
			while (read(l->timer, &expirations, sizeof(expirations)) > 0)
				;
		else if (events[i].data.fd == STDIN_FILENO)
			input = true;
	}
	return input;
}

void loop_wait_for_go(struct loop *l)
{
	char byte;

	printf("ready %d\n", getpid());
	fflush(stdout);
	while (!tick(l, -1))
		;
	must(read(STDIN_FILENO, &byte, 1), "standard input");
	loop_set_timer(l, TICK_NS);
}

void loop_serve(struct loop *l, unsigned ms)
{
	uint64_t end_ns = clock_ns() + ms * NS_PER_MS;

	while (clock_ns() < end_ns)
		tick(l, l->timeout_ms);
}

void loop_expect(struct loop *l, const struct truth *expected)
{
	l->expected = *expected;
	l->expecting = true;
}

void loop_expect_now(struct loop *l, const struct truth *expected)
{
	loop_note(l, expected, l->returned_ns, clock_ns() - l->returned_ns);
	loop_flush(l);
}

void loop_after_fork(struct loop *l)
{
	l->returned_ns = 0;
	l->iterations = l->waits = 0;
	l->expecting = false;
	l->bytes = 0;
}

_Noreturn void loop_finish(struct loop *l)
{
	loop_serve(l, 50);
	loop_set_timer(l, 0);
	loop_close_books(l, 1);
	while (!tick(l, -1))
		;
	exit(0);
}
