/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A neighbour of higher priority takes the only CPU the loop may use. Mode "gap": in the middle of a callback. Mode
 * "wait": just before a timer of the loop is due, so that the loop is late and its gap short. Mode "woken": while a callback
 * sleeps, so that it is ready for long when its sleep is over.
 */
#include "truth.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SPIN_MS	 150
#define EARLY_MS 20

#define SLEEP_MS     600
#define LONG_SPIN_MS 900 /* real time is cut off after 950 ms of a second */

struct spin {
	uint64_t start_ns, length_ns;
};

static int request[2], neighbour;

static void pin_to_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(must(sched_getcpu(), "sched_getcpu"), &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

/* Asks for real time; a container may refuse that, but not a better nice value. */
static void outrank_everybody(void)
{
	struct sched_param first = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
		must(setpriority(PRIO_PROCESS, 0, -20), "setpriority");
}

static void spin_on_request(void)
{
	struct spin spin;

	outrank_everybody();
	while (read(request[0], &spin, sizeof(spin)) == sizeof(spin)) {
		uint64_t now_ns = clock_ns();

		if (spin.start_ns > now_ns)
			sleep_ms((spin.start_ns - now_ns) / NS_PER_MS);
		for (now_ns = clock_ns(); clock_ns() - now_ns < spin.length_ns;)
			;
	}
	_exit(0);
}

static void ask_to_spin(uint64_t start_ns, uint64_t ms)
{
	struct spin spin = {start_ns, ms * NS_PER_MS};

	must(write(request[1], &spin, sizeof(spin)), "write");
}

static void starve_in_gap(struct loop *l)
{
	loop_serve(l, 100);
	ask_to_spin(clock_ns(), SPIN_MS);
	burn_cpu_ms(10);
	loop_expect(l, &(struct truth){.kind = "starved",
				       .verdict = "STARVED",
				       .ran = neighbour,
				       .ran_ns = SPIN_MS * NS_PER_MS});
}

/* The timer is due 100 ms from now, and the neighbour begins 20 ms earlier. */
static void starve_in_wait(struct loop *l)
{
	uint64_t due_ns = clock_ns() + 100 * NS_PER_MS;
	struct itimerspec due = {.it_value = {due_ns / 1000000000, due_ns % 1000000000}};
	struct epoll_event event;
	uint64_t expirations;

	loop_set_timer(l, 0);
	must(timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &due, NULL), "timerfd_settime");
	ask_to_spin(due_ns - EARLY_MS * NS_PER_MS, SPIN_MS);
	loop_wait(l, &event, 1, -1);
	must(read(l->timer, &expirations, sizeof(expirations)), "timer");
	loop_expect(l, &(struct truth){.kind = "delayed",
				       .verdict = "STARVED",
				       .delay_ns = l->returned_ns - due_ns,
				       .ran = neighbour,
				       .ran_ns = (SPIN_MS - EARLY_MS) * NS_PER_MS});
	loop_set_timer(l, 5 * NS_PER_MS);
	loop_serve(l, 100);
}

static void starve_when_woken(struct loop *l)
{
	loop_serve(l, 100);
	ask_to_spin(clock_ns() + (SLEEP_MS - EARLY_MS) * NS_PER_MS, LONG_SPIN_MS);
	sleep_ms(SLEEP_MS);
	loop_expect(l, &(struct truth){.kind = "woken",
				       .verdict = "BLOCKED",
				       .call = "clock_nanosleep",
				       .ran = neighbour,
				       .ran_ns = (LONG_SPIN_MS - 2 * EARLY_MS) * NS_PER_MS});
	loop_serve(l, 100);
}

static const struct {
	const char *mode;
	void (*starve)(struct loop *l);
} ways[] = {{"gap", starve_in_gap}, {"wait", starve_in_wait}, {"woken", starve_when_woken}};

static void (*way_of(const char *mode))(struct loop *l)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(mode, ways[i].mode))
			return ways[i].starve;
	return starve_in_gap;
}

int main(int argc, char **argv)
{
	struct loop loop;

	pin_to_this_cpu();
	must(pipe(request), "pipe");
	neighbour = fork_helper();
	if (neighbour == 0)
		spin_on_request();
	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 2; i++)
		way_of(loop.mode)(&loop);
	loop_finish(&loop);
}
