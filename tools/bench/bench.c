/* SPDX-License-Identifier: Apache-2.0 */
/* Orders in, laps out (bench.h). */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ORDER_BYTES 64

int must(int value, const char *what)
{
	if (value >= 0)
		return value;
	perror(what);
	exit(1);
}

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* An order is one short line, written at once by whoever gives it: one read() is one order. */
bool laps_ordered(struct laps *l)
{
	char order[ORDER_BYTES];
	ssize_t got = must(read(STDIN_FILENO, order, sizeof(order) - 1), "standard input");

	if (!got)
		return false;
	order[got] = '\0';
	if (sscanf(order, "%" SCNu64 " %" SCNu64, &l->iterations, &l->lap) != 2 || !l->lap ||
	    l->iterations < l->lap) {
		fprintf(stderr, "not an order: %s", order);
		exit(2);
	}
	l->count = 0;
	l->iterations -= l->iterations % l->lap;
	if (l->iterations / l->lap > l->room) {
		l->room = l->iterations / l->lap;
		free(l->ns);
		l->ns = calloc(l->room, sizeof(*l->ns));
		must(l->ns ? 0 : -1, "memory");
		/* touched now, so that no lap has a page fault in it */
		memset(l->ns, 1, l->room * sizeof(*l->ns));
	}
	return true;
}

void laps_begin(struct laps *l)
{
	l->began_ns = clock_ns();
}

void lap_end(struct laps *l)
{
	uint64_t now = clock_ns();

	if (l->count < l->room)
		l->ns[l->count++] = now - l->began_ns;
	l->began_ns = now;
}

void laps_report(const struct laps *l, uint64_t iterations)
{
	printf("{\"iterations\": %" PRIu64 ", \"laps\": [", iterations);
	for (uint64_t i = 0; i < l->count; i++)
		printf("%s%" PRIu64, i ? ", " : "", l->ns[i]);
	printf("]}\n");
	fflush(stdout);
}
