/* SPDX-License-Identifier: Apache-2.0 */
#include "model/absence.h"

#include <stdlib.h>
#include <string.h>

static void add_runner(struct absence *a, const struct runner *r)
{
	const char *comm = r->comm ? r->comm : "";
	size_t i = 0;
	while (i < a->n_runners && (a->runners[i].own != r->own || strcmp(a->runners[i].comm, comm) != 0))
		i++;
	if (i == ABSENCE_RUNNERS) {
		a->beyond_ns += r->ns;
		return;
	}
	struct absence_runner *to = &a->runners[i];
	if (i == a->n_runners) {
		*to = (struct absence_runner){.comm = comm, .pid = r->pid, .own = r->own};
		a->n_runners++;
	}
	to->several |= to->pid != r->pid;
	to->pid = r->pid;
	to->ns += r->ns;
	to->stalls++;
	if (r->ns > to->longest_ns)
		to->longest_ns = r->ns;
}

static void add_limit(struct absence *a, const struct limit *l, uint64_t ns)
{
	size_t i = 0;
	while (i < a->n_limits && strcmp(a->limits[i].limit.cgroup, l->cgroup) != 0)
		i++;
	if (i == ABSENCE_LIMITS) {
		a->beyond_ns += ns;
		return;
	}
	struct absence_limit *to = &a->limits[i];
	a->n_limits += i == a->n_limits;
	to->limit = *l;
	to->ns += ns;
	to->stalls++;
	if (ns > to->longest_ns)
		to->longest_ns = ns;
}

void absence_add(struct absence *a, const struct fact_stall *s)
{
	for (uint32_t i = 0; i < s->n_runners && i < FACT_MAX_RUNNERS; i++)
		add_runner(a, &s->runners[i]);
	if (s->ledger.throttled_ns && s->limit.period_ns && s->limit.cgroup)
		add_limit(a, &s->limit, s->ledger.throttled_ns);
}

static int by_time(uint64_t x, uint64_t y)
{
	return (x < y) - (x > y);
}

static int by_runner_time(const void *a, const void *b)
{
	const struct absence_runner *x = a, *y = b;
	int order = by_time(x->ns, y->ns);
	return order ? order : strcmp(x->comm, y->comm);
}

static int by_limit_time(const void *a, const void *b)
{
	const struct absence_limit *x = a, *y = b;
	int order = by_time(x->ns, y->ns);
	return order ? order : strcmp(x->limit.cgroup, y->limit.cgroup);
}

void absence_sort(struct absence *a)
{
	qsort(a->runners, a->n_runners, sizeof *a->runners, by_runner_time);
	qsort(a->limits, a->n_limits, sizeof *a->limits, by_limit_time);
}
