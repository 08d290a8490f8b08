// SPDX-License-Identifier: Apache-2.0
/*
 * A master with a loop that ticks every 20 ms, and a worker that it forked after it had made its epoll object: the worker has that,
 * too, and only ever accepts. Neither of them stalls.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int work(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	printf("worker %d\nready\n", getpid());
	fflush(stdout);
	return accept(listener, NULL, NULL) < 0;
}

int main(void)
{
	int loop = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct itimerspec every = {{0, 20000000}, {0, 20000000}};
	struct epoll_event event = {.events = EPOLLIN, .data.fd = timer};

	if (loop < 0 || listener < 0 || timer < 0 || bind(listener, (struct sockaddr *)&any, sizeof any) ||
	    listen(listener, 1) || timerfd_settime(timer, 0, &every, NULL) ||
	    epoll_ctl(loop, EPOLL_CTL_ADD, timer, &event)) {
		perror("inherited");
		return 1;
	}
	int worker = fork();
	if (!worker)
		return work(listener);
	while (worker > 0 && epoll_wait(loop, &event, 1, -1) >= 0) {
		unsigned long long ticks;
		if (read(timer, &ticks, sizeof ticks) != sizeof ticks)
			return 1;
	}
	return 1;
}
