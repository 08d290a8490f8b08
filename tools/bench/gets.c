/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of memcached, because Debian has none that says how long its slowest requests took: gets PORT CONNECTIONS SECONDS.
 * Every connection asks for one key, again as soon as it is answered. Prints requests, requests a second and the 99th percentile.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define US_BUCKETS	100000 /* of a microsecond each; the last takes what is longer */
#define ANSWER_BYTES	4096
#define QUESTION	"get key\r\n"
#define STORE		"set key 0 0 5\r\nhello\r\n"
#define END		"END\r\n"

struct client {
	int epoll;
	int sockets[MAX_CONNECTIONS];
	uint64_t asked_ns[MAX_CONNECTIONS];
	uint64_t requests;
	uint64_t took_us[US_BUCKETS];
};

static int open_connection(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int at_once = 1, fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once)), "setsockopt");
	return fd;
}

static void store(unsigned port)
{
	char answer[ANSWER_BYTES];
	int fd = open_connection(port);

	must((int)write(fd, STORE, strlen(STORE)), "write");
	must((int)read(fd, answer, sizeof(answer)), "read");
	close(fd);
}

static void ask(struct client *c, unsigned i)
{
	c->asked_ns[i] = clock_ns();
	must((int)write(c->sockets[i], QUESTION, strlen(QUESTION)), "write");
}

/* An answer this short comes in one piece on loopback; one that does not is a failure worth hearing of. */
static void take_answer(struct client *c, unsigned i)
{
	char answer[ANSWER_BYTES];
	ssize_t got = must((int)read(c->sockets[i], answer, sizeof(answer)), "read");
	uint64_t us = (clock_ns() - c->asked_ns[i]) / 1000;

	if (got < (ssize_t)strlen(END) || memcmp(answer + got - strlen(END), END, strlen(END))) {
		fprintf(stderr, "an answer was cut short\n");
		exit(1);
	}
	c->took_us[us < US_BUCKETS ? us : US_BUCKETS - 1]++;
	c->requests++;
}

static uint64_t percentile_us(const struct client *c, double part)
{
	uint64_t left = (uint64_t)((double)c->requests * part), at = 0;

	for (; at < US_BUCKETS - 1 && left >= c->took_us[at]; at++)
		left -= c->took_us[at];
	return at;
}

static void run(struct client *c, uint64_t until_ns)
{
	struct epoll_event events[MAX_CONNECTIONS];

	while (clock_ns() < until_ns) {
		int n = must(epoll_wait(c->epoll, events, MAX_CONNECTIONS, 100), "epoll_wait");
		for (int k = 0; k < n; k++) {
			take_answer(c, events[k].data.u32);
			ask(c, events[k].data.u32);
		}
	}
}

int main(int argc, char **argv)
{
	static struct client c;
	unsigned port = argc == 4 ? (unsigned)atoi(argv[1]) : 0,
		 connections = argc == 4 ? (unsigned)atoi(argv[2]) : 0;

	if (!port || !connections || connections > MAX_CONNECTIONS) {
		fprintf(stderr, "usage: gets PORT CONNECTIONS SECONDS\n");
		return 2;
	}
	store(port);
	c.epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	for (unsigned i = 0; i < connections; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		c.sockets[i] = open_connection(port);
		must(epoll_ctl(c.epoll, EPOLL_CTL_ADD, c.sockets[i], &event), "epoll_ctl");
		ask(&c, i);
	}
	uint64_t began_ns = clock_ns();
	run(&c, began_ns + (uint64_t)(atof(argv[3]) * 1e9));
	printf("{\"requests\": %" PRIu64 ", \"rate\": %.1f, \"p99_us\": %" PRIu64 "}\n", c.requests,
	       (double)c.requests * 1e9 / (double)(clock_ns() - began_ns), percentile_us(&c, 0.99));
	return 0;
}
