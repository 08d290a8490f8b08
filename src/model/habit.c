/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the facts of a loop, so that patterns can be told from it. Bounded: a course halves its resolution, a quiet peer gives way. */
#include "model/pattern.h"

#include "model/cause.h"

#include <string.h>

#define SECOND_NS 1000000000u

/* Whatever the verdict was: on a busy host the same work is a stall without a CPU. */
#define FLOOD_COSTS_NS	 5000000u
#define CASCADE_COSTS_NS 10000000u

/* A shorter one at the beginning or the end would look like another pace, and like a level that no longer rises. */
static bool is_a_second(uint64_t elapsed_ns)
{
	return elapsed_ns >= SECOND_NS / 2 && elapsed_ns <= 2ull * SECOND_NS;
}

static void course_add(struct course *c, uint64_t value, uint64_t at_ns)
{
	if (!c->every)
		c->every = 1;
	if (c->n && ++c->skipped < c->every)
		return;
	c->skipped = 0;
	if (c->n == HABIT_MOMENTS) {
		for (uint32_t i = 0; i < HABIT_MOMENTS / 2; i++)
			c->values[i] = c->values[2 * i + 1];
		c->n = HABIT_MOMENTS / 2;
		c->every *= 2;
	}
	if (!c->n)
		c->from_ns = at_ns;
	c->to_ns = at_ns;
	c->values[c->n++] = value;
}

static void pace_add(struct pace *p, uint64_t count, uint64_t elapsed_ns)
{
	double value = (double)count * SECOND_NS / (double)elapsed_ns, before = value - p->mean;
	p->n++;
	p->mean += before / (double)p->n;
	p->squares += before * (value - p->mean);
}

static uint64_t weight(const struct habit_peer *p)
{
	return p->peer ? p->connects + p->waits + p->reads + p->open : 0;
}

static struct habit_peer *peer_of(struct habits *h, const char *peer)
{
	struct habit_peer *lightest = &h->peers[0];
	for (size_t i = 0; i < HABIT_PEERS; i++) {
		struct habit_peer *p = &h->peers[i];
		if (p->peer && !strcmp(p->peer, peer))
			return p;
		if (weight(p) < weight(lightest))
			lightest = p;
	}
	*lightest = (struct habit_peer){.peer = peer};
	return lightest;
}

static void peer_add(struct habits *h, const struct fact_peer *from, uint64_t elapsed_ns)
{
	struct habit_peer *p = peer_of(h, from->peer ? from->peer : "");
	p->connects += from->connects;
	p->timed_connects += from->timed_connects;
	p->waits += from->waits;
	p->waited_ns += from->waited_ns;
	p->reads += from->reads;
	p->work_ns += from->work_ns;
	p->open = from->open;
	if (from->most_connects > p->most_connects)
		p->most_connects = from->most_connects;
	if (from->most_open > p->most_open)
		p->most_open = from->most_open;
	if (!is_a_second(elapsed_ns))
		return;
	course_add(&p->connections, from->open, h->elapsed_ns);
	pace_add(&p->pace, from->connects, elapsed_ns);
	pace_add(&p->read_pace, from->reads, elapsed_ns);
}

void habits_count(struct habits *h, const struct fact_counts *c)
{
	h->elapsed_ns += c->elapsed_ns;
	h->busy_ns += c->busy_ns;
	h->connects += c->connects;
	h->bursts += c->bursts;
	h->timed_chains += c->timed_chains;
	h->timed_ns += c->timed_ns;
	if (c->most_connects > h->most_connects)
		h->most_connects = c->most_connects;
	if (c->open_files && is_a_second(c->elapsed_ns))
		course_add(&h->files, c->open_files, h->elapsed_ns);
	if (c->tasks && is_a_second(c->elapsed_ns)) {
		course_add(&h->tasks, c->tasks, h->elapsed_ns);
		h->tasks_at_least = c->tasks_at_least;
		h->tasks_loops = c->tasks_loops;
	}
	for (uint32_t i = 0; i < c->n_peers && i < FACT_MAX_PEERS; i++)
		peer_add(h, &c->peers[i], c->elapsed_ns);
}

static void blame(struct blamed blamed[HABIT_BLAMED], const struct fact_stall *s)
{
	struct blamed *least = &blamed[0], *b = NULL;
	if (!s->culprit_frame)
		return;
	for (size_t i = 0; i < HABIT_BLAMED; i++) {
		if (blamed[i].frame == s->culprit_frame)
			b = &blamed[i];
		if (blamed[i].times < least->times)
			least = &blamed[i];
	}
	if (!b) {
		*least = (struct blamed){.frame = s->culprit_frame};
		b = least;
	}
	b->times++;
	b->cpu_ns += s->ledger.cpu_ns;
}

uint32_t habits_blame(const struct blamed blamed[HABIT_BLAMED])
{
	const struct blamed *most = &blamed[0];
	for (size_t i = 1; i < HABIT_BLAMED; i++)
		if (blamed[i].times > most->times ||
		    (blamed[i].times == most->times && blamed[i].cpu_ns > most->cpu_ns))
			most = &blamed[i];
	return most->frame;
}

/* Three steps, each twice the work before on the average, to what can be felt: shorter gaps are in that order now and then. */
#define GROWTH_STEPS  3
#define GROWTH_MOST   32 /* steps */
#define GROWTH_END_NS 4000000u

static bool is_growth(const struct chain *c)
{
	unsigned steps = c->growth < GROWTH_MOST ? c->growth : GROWTH_MOST;
	return steps >= GROWTH_STEPS && c->last_ns >= GROWTH_END_NS &&
	       c->last_ns >> steps >= c->grown_from_ns;
}

void habits_stall(struct habits *h, const struct fact_stall *s)
{
	const struct chain *c = &s->chain;
	bool flood = cause_is_flood(s) && s->ledger.cpu_ns >= FLOOD_COSTS_NS;
	bool cascade = cause_is_cascade(s) && c->last_ns >= CASCADE_COSTS_NS;
	if (s->state != STALL_ENDED)
		return;
	h->floods += flood;
	h->cascades += cascade;
	if (flood)
		blame(h->flood, s);
	if (cascade)
		blame(h->cascade, s);
	if (is_growth(c) && c->last_ns > h->growth.last_ns)
		h->growth = *c;
}
