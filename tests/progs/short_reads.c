/* SPDX-License-Identifier: Apache-2.0 */
/* 300 synchronous round trips of 0.7 ms to a TCP peer: no single one is long, their sum is a stall. */
#include "truth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUND_TRIPS 300

static int listener;

static void *serve(void *unused)
{
	const struct timespec service_time = {0, 700000};
	int peer = must(accept(listener, NULL, NULL), "accept"), on = 1;
	char byte;

	must(setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "setsockopt");
	while (recv(peer, &byte, 1, 0) == 1) {
		nanosleep(&service_time, NULL);
		must(send(peer, &byte, 1, 0), "send");
	}
	return unused;
}

static int connect_to_server(char *target, size_t bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;

	listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	must(bind(listener, (struct sockaddr *)&address, length), "bind");
	must(listen(listener, 1), "listen");
	must(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
	start_thread(serve, NULL);
	must(connect(fd, (struct sockaddr *)&address, length), "connect");
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "setsockopt");
	snprintf(target, bytes, "tcp 127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static STALLS void stall_short_reads(int fd)
{
	char byte = 'x';

	for (int i = 0; i < ROUND_TRIPS; i++) {
		must(send(fd, &byte, 1, 0), "send");
		must(recv(fd, &byte, 1, 0), "recv");
	}
}

int main(int argc, char **argv)
{
	char target[64];
	int fd = connect_to_server(target, sizeof(target));
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 2; i++) {
		loop_serve(&loop, 100);
		stall_short_reads(fd);
		loop_expect(&loop, &(struct truth){.kind = "short_reads",
						   .woken_by = "socket",
						   .verdict = "BLOCKED",
						   .call = "recvfrom",
						   .target = target,
						   .function = "stall_short_reads",
						   .count = ROUND_TRIPS});
	}
	loop_finish(&loop);
}
