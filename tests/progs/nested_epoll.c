/* SPDX-License-Identifier: Apache-2.0 */
/* A callback runs a second, short-lived loop of its own: a wait on another object is blocked time, not re-entry. */
#include "truth.h"

#include <sys/timerfd.h>
#include <unistd.h>

static STALLS void stall_nested_epoll(void)
{
	struct itimerspec in_150_ms = {.it_value.tv_nsec = 150 * NS_PER_MS};
	struct epoll_event event = {.events = EPOLLIN};
	int inner = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");

	must(timerfd_settime(timer, 0, &in_150_ms, NULL), "timerfd_settime");
	must(epoll_ctl(inner, EPOLL_CTL_ADD, timer, &event), "epoll_ctl");
	must(epoll_wait(inner, &event, 1, -1), "epoll_wait");
	close(timer);
	close(inner);
}

int main(int argc, char **argv)
{
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		stall_nested_epoll();
		loop_expect(&loop, &(struct truth){.kind = "nested_epoll",
						   .verdict = "BLOCKED",
						   .call = "epoll_p?wait", /* arm64 has only the second */
						   .function = "stall_nested_epoll",
						   .count = 1});
	}
	loop_finish(&loop);
}
