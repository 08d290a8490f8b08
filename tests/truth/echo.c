/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop that sends every datagram back, and stalls at random moments for random times: usage echo SEED. Prints its UDP port on 127.0.0.1 and
 * ends with its standard input. About a fifth of its time is stalls of 1 to 150 ms.
 */
#include "../progs/truth.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PAUSE_MS    120.0 /* between stalls, on average */
#define LONGEST_MS  150.0
#define QUEUE_BYTES (8 << 20) /* of the socket: no probe is lost in a long stall */

static double uniform(void)
{
	return (random() + 1.0) / (RAND_MAX + 2.0);
}

static int open_socket(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"),
	    bytes = QUEUE_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	must(bind(fd, (struct sockaddr *)&address, length), "bind");
	must(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static void answer(int fd)
{
	struct sockaddr_in from;
	char text[64];

	for (;;) {
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &length);
		if (n < 0)
			return;
		sendto(fd, text, n, 0, (struct sockaddr *)&from, length);
	}
}

static void set_next(int timer)
{
	uint64_t ns = -log(uniform()) * PAUSE_MS * NS_PER_MS + 1;
	struct itimerspec next = {.it_value = {ns / 1000000000, ns % 1000000000}};

	must(timerfd_settime(timer, 0, &next, NULL), "timerfd_settime");
}

static STALLS void stall_at_random(int timer)
{
	unsigned us = 1000 * exp(uniform() * log(LONGEST_MS));
	struct timespec t = {us / 1000000, us % 1000000 * 1000};
	uint64_t expirations;

	must(read(timer, &expirations, sizeof(expirations)), "timer");
	if (random() % 2)
		burn_cpu_ms(us / 1000);
	else
		nanosleep(&t, NULL);
	set_next(timer);
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

int main(int argc, char **argv)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"), sock = open_socket();
	int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	struct epoll_event events[3];

	srandom(argc > 1 ? atoi(argv[1]) : 1);
	watch(epoll, sock);
	watch(epoll, timer);
	watch(epoll, STDIN_FILENO);
	set_next(timer);
	for (;;) {
		int n = epoll_wait(epoll, events, 3, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == STDIN_FILENO)
				return 0;
			if (events[i].data.fd == sock)
				answer(sock);
			else
				stall_at_random(timer);
		}
	}
}
