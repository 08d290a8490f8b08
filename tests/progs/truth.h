/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop that knows the truth about itself: it reads CLOCK_MONOTONIC around its own wait call, counts its iterations, and
 * writes down each gap it was made to stall in, so that a test can compare what a profiler saw from outside.
 *
 *	PROG [-w epoll_wait|epoll_pwait|epoll_pwait2] [-m MODE] TRUTH-FILE
 *
 * It prints "ready PID" once it waits, begins at a byte on its standard input, and when all stalls are over closes its
 * books and waits on (so that every counted iteration has ended) until another byte or the end of the input.
 *
 * TRUTH-FILE gets JSON Lines: one object per stall, with "expect" describing the report it must cause; one per gap that
 * was long though nobody planned it (kind "unplanned"); one per process with its "iterations".
 */
#ifndef LOOPSTALL_TESTS_TRUTH_H
#define LOOPSTALL_TESTS_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

/* A function that must be found in a stack under its own name. */
#ifdef __clang__
#define STALLS __attribute__((noinline))
#else
#define STALLS __attribute__((noinline, noclone))
#endif

#define NS_PER_MS 1000000ull

/* What a report of the stall must say. NULL or 0: not compared. */
struct truth {
	const char *kind;
	const char *state; /* NULL: an ended stall; "died", "exec", "stuck", "saturated" */
	const char *verdict;
	const char *call;     /* of the longest block */
	const char *target;   /* regular expression */
	const char *function; /* innermost native function of the program */
	const char *waker;    /* innermost native function of whoever ended the block */
	const char *woken_by; /* "pipe", "socket", "futex", "exit": what proves the waker */
	unsigned count;	      /* of the longest block */
	unsigned line;	      /* in function */
	unsigned ran;	      /* process that had the CPU instead, at least for … */
	uint64_t ran_ns;
	uint64_t delay_ns; /* runnable inside the wait, before the gap */
};

struct loop {
	int epoll, timer, books;
	const char *mode; /* -m, or "" */
	int (*wait)(int epoll, struct epoll_event *events, int max, int timeout_ms);
	int timeout_ms;	      /* of each wait of loop_serve() */
	uint64_t returned_ns; /* of the last wait; 0 none yet */
	uint64_t iterations;  /* gaps that ended: wait returns followed by another wait */
	uint64_t waits;	      /* that returned */
	bool expecting;
	struct truth expected;
	size_t bytes;
	char *lines; /* written when the books are closed, so that no disk is touched inside a gap */
};

/* Ends the program with a message if what failed; else returns value. */
int must(int value, const char *what);
uint64_t clock_ns(void);
uint64_t thread_cpu_ns(void);
/* Inlined, so that the function that calls it is the innermost one of the program in a stack. */
static inline __attribute__((always_inline)) void sleep_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * NS_PER_MS};

	while (nanosleep(&t, &t) != 0)
		;
}
void start_thread(void *(*body)(void *), void *argument);
/* As fork(), but the child dies with its parent. */
int fork_helper(void);
/* Busy until the thread has used this much CPU. */
STALLS void burn_cpu_ms(unsigned ms);

/* Parses the arguments, makes epoll object and a 5 ms timer, watches standard input. Ends the program on any error. */
void loop_open(struct loop *l, int argc, char **argv);
void loop_new_epoll(struct loop *l);
void loop_watch(struct loop *l, int fd, uint32_t events);
void loop_wait_for_go(struct loop *l);
/* The only place that waits. */
int loop_wait(struct loop *l, struct epoll_event *events, int max, int timeout_ms);
/* Ticks as a healthy loop does. */
void loop_serve(struct loop *l, unsigned ms);
void loop_set_timer(struct loop *l, uint64_t period_ns);
/* The gap that is open now is a stall. */
void loop_expect(struct loop *l, const struct truth *expected);
/* As if the gap ended now: for gaps whose end the program cannot live to see. */
void loop_expect_now(struct loop *l, const struct truth *expected);
void loop_note(struct loop *l, const struct truth *expected, uint64_t start_ns, uint64_t gap_ns);
/* Writes what was noted so far. */
void loop_flush(struct loop *l);
/* Writes the number of iterations too; `ending` is 1 when a wait is about to end one more. */
void loop_close_books(struct loop *l, unsigned ending);
/* Forgets what the parent counted: called first thing in a forked child. */
void loop_after_fork(struct loop *l);
/* Closes the books and waits, until there is input. Does not return. */
_Noreturn void loop_finish(struct loop *l);

#endif
