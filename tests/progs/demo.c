/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundled demo: a "web server" of one event loop that serves quick requests every few milliseconds, and now and then
 * does what a loop must not do. Runs for about 15 seconds, or until it is killed.
 *
 *	reads a slow template through a pipe	read_template	   BLOCKED, 140 ms
 *	sleeps to limit its rate		wait_for_rate_limit BLOCKED, 90 ms
 *	parses a large document			parse_document	   CPU, about 100 ms
 *	wants a lock its flusher holds		append_to_log	   LOCK, 120 ms (held by flush_log)
 *	runs a program and waits for it		run_thumbnailer	   BLOCKED, 200 ms
 */
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __clang__
#define HANDLER __attribute__((noinline))
#else
#define HANDLER __attribute__((noinline, noclone))
#endif
#define REQUEST_NS	 4000000 /* one request every 4 ms */
#define REQUESTS_TOTAL	 2500
#define DOCUMENT_OBJECTS 1000000ul

struct server {
	int epoll, timer;
	int template_request[2], template_reply[2];
	int flush_request[2], flush_begun[2];
	pthread_mutex_t log_lock;
	char *document;
	unsigned long requests, tokens;
};

static int checked(int value, const char *what)
{
	if (value >= 0)
		return value;
	perror(what);
	exit(1);
}

static void sleep_for_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000l};

	nanosleep(&t, NULL);
}

/* --- what the rest of the application does ------------------------------------------------------------------------ */

static void *render_templates(void *argument)
{
	struct server *s = argument;
	char byte;

	while (read(s->template_request[0], &byte, 1) == 1) {
		sleep_for_ms(140);
		checked(write(s->template_reply[1], &byte, 1), "template");
	}
	return NULL;
}

static HANDLER void flush_log(struct server *s)
{
	pthread_mutex_lock(&s->log_lock);
	checked(write(s->flush_begun[1], "f", 1), "flush");
	sleep_for_ms(120);
	pthread_mutex_unlock(&s->log_lock);
}

static void *flush_log_on_request(void *argument)
{
	struct server *s = argument;
	char byte;

	while (read(s->flush_request[0], &byte, 1) == 1)
		flush_log(s);
	return NULL;
}

/* --- requests that stall the loop --------------------------------------------------------------------------------- */

static HANDLER void read_template(struct server *s)
{
	char byte = 't';

	checked(write(s->template_request[1], &byte, 1), "template");
	checked(read(s->template_reply[0], &byte, 1), "template");
}

static HANDLER void wait_for_rate_limit(struct server *s)
{
	sleep_for_ms(90);
	s->requests++;
}

/* Reads a JSON text twice, once to see that its strings are closed, once for its tokens: as slow as a busy parser is. */
static HANDLER void parse_document(struct server *s)
{
	bool in_string = false, in_word = false;

	for (const char *p = s->document; *p; p++)
		in_string ^= *p == '"' && p[1] != '\\';
	if (in_string)
		return;
	for (const char *p = s->document; *p; p++) {
		bool is_word = isalnum((unsigned char)*p) || *p == '-' || *p == '.';

		if (*p == '"')
			in_string = !in_string;
		if (in_string)
			continue;
		s->tokens += (is_word && !in_word) || ispunct((unsigned char)*p);
		in_word = is_word;
	}
}

static HANDLER void append_to_log(struct server *s)
{
	char byte = 'l';

	checked(write(s->flush_request[1], &byte, 1), "log");
	checked(read(s->flush_begun[0], &byte, 1), "log");
	pthread_mutex_lock(&s->log_lock);
	s->requests++;
	pthread_mutex_unlock(&s->log_lock);
}

static HANDLER void run_thumbnailer(struct server *s)
{
	int child = checked(fork(), "fork");

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("sleep", "thumbnailer", "0.2", NULL);
		_exit(127);
	}
	checked(waitpid(child, NULL, 0), "waitpid");
	s->requests++;
}

static const struct route {
	unsigned every, offset; /* requests */
	void (*handle)(struct server *);
} routes[] = {
	{300, 60, read_template},  {300, 120, wait_for_rate_limit}, {300, 180, parse_document},
	{300, 240, append_to_log}, {600, 290, run_thumbnailer},
};

/* --- the server ------------------------------------------------------------------------------------------------------ */

static HANDLER void handle_request(struct server *s)
{
	s->requests++;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (s->requests % routes[i].every == routes[i].offset)
			routes[i].handle(s);
}

static void run_server(struct server *s)
{
	struct epoll_event event;
	uint64_t due;

	while (s->requests < REQUESTS_TOTAL) {
		if (epoll_wait(s->epoll, &event, 1, 1000) == 1 &&
		    read(s->timer, &due, sizeof(due)) == sizeof(due))
			handle_request(s);
	}
}

static void start_workers(struct server *s)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, render_templates, s) != 0 ||
	    pthread_create(&thread, NULL, flush_log_on_request, s) != 0) {
		fprintf(stderr, "no threads\n");
		exit(1);
	}
}

static void make_document(struct server *s)
{
	static const char object[] = "{\"id\":17,\"name\":\"thumbnail\",\"tags\":[\"a\",\"b\"]},";
	const size_t bytes = sizeof(object) - 1;

	s->document = malloc(DOCUMENT_OBJECTS * bytes + 1);
	if (!s->document)
		checked(-1, "memory");
	for (size_t i = 0; i < DOCUMENT_OBJECTS; i++)
		memcpy(s->document + i * bytes, object, bytes);
	s->document[DOCUMENT_OBJECTS * bytes] = 0;
}

int main(void)
{
	struct itimerspec every = {{0, REQUEST_NS}, {0, REQUEST_NS}};
	struct epoll_event event = {.events = EPOLLIN};
	struct server s = {.log_lock = PTHREAD_MUTEX_INITIALIZER};
	int *const pipes[] = {s.template_request, s.template_reply, s.flush_request, s.flush_begun};

	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++)
		checked(pipe(pipes[i]), "pipe");
	make_document(&s);
	start_workers(&s);
	s.epoll = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	s.timer = checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	checked(timerfd_settime(s.timer, 0, &every, NULL), "timerfd_settime");
	checked(epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.timer, &event), "epoll_ctl");
	printf("%d\nan event loop that reads, sleeps, parses, locks and waits for a child in its callbacks\n",
	       getpid());
	fflush(stdout);
	run_server(&s);
	free(s.document);
	return 0;
}
