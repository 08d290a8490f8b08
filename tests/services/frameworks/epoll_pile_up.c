/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metering point on plain epoll: every 20 ms a value goes to a collector that answers late. A connection for each value, or at
 * most eight at a time, given up after a second.
 *
 *	epoll_pile_up sick|healthy COLLECTOR_PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LIMIT	  8
#define PERIOD_NS 20000000
#define GIVE_UP	  50 /* periods */
#define MAX_FDS	  1024

enum use { NOBODY, LISTENER, TIMER, CLIENT, COLLECTOR, INPUT };

struct service {
	int epoll;
	bool bounded;
	struct sockaddr_in collector;
	enum use uses[MAX_FDS];
	unsigned since[MAX_FDS], period, open;
};

static void watch(struct service *s, int fd, enum use use)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
	if (fd < 0 || fd >= MAX_FDS || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e))
		exit(1);
	s->uses[fd] = use;
	s->since[fd] = s->period;
}

static void drop(struct service *s, int fd)
{
	s->open -= s->uses[fd] == COLLECTOR;
	s->uses[fd] = NOBODY;
	close(fd);
}

static void give_up(struct service *s)
{
	for (int fd = 0; fd < MAX_FDS; fd++)
		if (s->uses[fd] == COLLECTOR && s->period - s->since[fd] > GIVE_UP)
			drop(s, fd);
}

static void meter(struct service *s, int timer)
{
	unsigned long long expired;
	if (read(timer, &expired, sizeof expired) < 0)
		return;
	s->period++;
	if (s->bounded)
		give_up(s);
	if (s->bounded && s->open >= LIMIT)
		return;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (void *)&s->collector, sizeof s->collector) || send(fd, "42\n", 3, 0) < 0)
		exit(1);
	watch(s, fd, COLLECTOR);
	s->open++;
}

static void serve(struct service *s, int fd)
{
	char data[4096];
	ssize_t n;
	switch (s->uses[fd]) {
	case LISTENER: watch(s, accept(fd, NULL, NULL), CLIENT); break;
	case TIMER: meter(s, fd); break;
	case CLIENT:
	case COLLECTOR:
		n = recv(fd, data, sizeof data, MSG_DONTWAIT);
		if (n <= 0 || (s->uses[fd] == CLIENT && send(fd, data, (size_t)n, MSG_NOSIGNAL) < 0))
			drop(s, fd);
		break;
	case INPUT: exit(0);
	case NOBODY: break;
	}
}

int main(int argc, char **argv)
{
	static struct service s;
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct itimerspec period = {{0, PERIOD_NS}, {0, PERIOD_NS}};
	socklen_t length = sizeof own;
	int listener = socket(AF_INET, SOCK_STREAM, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	if (argc != 3 || bind(listener, (void *)&own, length) || listen(listener, 16))
		return 1;
	s.epoll = epoll_create1(0);
	s.bounded = !strcmp(argv[1], "healthy");
	s.collector = own;
	s.collector.sin_port = htons((unsigned short)atoi(argv[2]));
	getsockname(listener, (void *)&own, &length);
	timerfd_settime(timer, 0, &period, NULL);
	watch(&s, listener, LISTENER);
	watch(&s, timer, TIMER);
	watch(&s, 0, INPUT);
	printf("%d\n", ntohs(own.sin_port));
	fflush(stdout);
	for (;;) {
		struct epoll_event events[16];
		int n = epoll_wait(s.epoll, events, 16, -1);
		for (int i = 0; i < n; i++)
			serve(&s, events[i].data.fd);
	}
}
