/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the gaps that have stacks and the queue of stalls that wait for them. A gap lives from its first stack
 * to its stall's leaving, or to the next gap of its loop:
 *
 *	                 attribution_stall(ended)
 *	  first stack ──► open ──────────────► over, held ──► handed out ──► freed
 *	                   │ newer gap, attribution_closed()
 *	                   └──► freed, its samples moved to the loop's collection if it collects
 */
#include "model/attribution.h"

#include "base/idmap.h"
#include "model/cause.h"
#include "model/collector.h"
#include "model/culprit.h"
#include "model/gap_stacks.h"
#include "model/library.h"
#include "model/verdict.h"

#include <errno.h>
#include <stdlib.h>

#define PATIENCE_NS 1000000000u
#define STALLS_BEHIND                                                                                        \
	1 /* a stall is sent when a later wait has shown its harm: at the end of the next gap at the latest */
#define MAX_GAPS 8192 /* over all loops */
#define MAX_HELD 2048 /* 2 KB each; the oldest leaves at once when another comes */

/* A loop that has stacks, or collects. */
struct attributed_loop {
	uint32_t id;
	uint64_t done_seq;	 /* gaps up to here are over: their stacks come too late */
	struct gap_stacks *gaps; /* newest first; rarely more than two */
	bool collecting;
	struct gap_stacks collection; /* seq 0 */
};

struct held_stall {
	struct attribution_stall s;
	struct attributed_loop *loop;
	struct gap_stacks *gap; /* NULL: it has no stacks */
	uint64_t order, deadline_ns;
	struct held_stall *next;
};

struct attribution {
	struct attribution_options options;
	struct attribution_counts counts;
	struct idmap loops;    /* loop number: struct attributed_loop */
	struct idmap expected; /* cookie: struct expected_stack */
	struct held_stall *first, *last;
	uint64_t order; /* of the next stack or stall */
};

struct attribution *attribution_new(const struct attribution_options *o)
{
	struct attribution *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->options = *o;
	if (!a->options.patience_ns)
		a->options.patience_ns = PATIENCE_NS;
	return a;
}

static struct attributed_loop *loop_of(struct attribution *a, uint32_t id)
{
	struct attributed_loop *l = idmap_get(&a->loops, id);
	if (l)
		return l;
	l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->id = id;
	if (!idmap_put(&a->loops, id, l)) {
		free(l);
		return NULL;
	}
	return l;
}

static struct gap_stacks *gap_find(const struct attributed_loop *l, uint64_t seq)
{
	struct gap_stacks *g = l->gaps;
	while (g && g->seq != seq)
		g = g->next;
	return g;
}

/* What it still expects is forgotten: an answer will find its cookie unknown. */
static void gap_empty(struct attribution *a, struct gap_stacks *g)
{
	while (g->first) {
		struct expected_stack *e = g->first;
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the one freed before is off the list */
		gap_stacks_unlink(e);
		idmap_take(&a->expected, e->stack.cookie);
		free(e);
	}
	free(g->samples);
	g->samples = NULL;
	g->n_samples = g->cap = 0;
}

static void gap_remove(struct attribution *a, struct attributed_loop *l, struct gap_stacks *g)
{
	struct gap_stacks **at = &l->gaps;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	gap_empty(a, g);
	free(g);
	a->counts.gaps--;
}

static uint64_t gap_weight(const struct gap_stacks *g)
{
	uint64_t n = g->unnamed.n + g->n_expected;
	for (size_t i = 0; i < g->n_samples; i++)
		n += g->samples[i].n;
	return n;
}

/* What it has is the loop's too, if that collects: the time of a stall is also time in which the loop was saturated. */
static void gap_leave(struct attribution *a, struct attributed_loop *l, struct gap_stacks *g)
{
	if (l->collecting)
		a->counts.overflow += gap_stacks_move(&l->collection, g);
	gap_remove(a, l, g);
}

/* Gaps up to seq are over. Those that no stall waits for go now. */
static void gaps_over(struct attribution *a, struct attributed_loop *l, uint64_t seq)
{
	if (seq > l->done_seq)
		l->done_seq = seq;
	for (struct gap_stacks *g = l->gaps, *next; g; g = next) {
		next = g->next;
		if (g->seq > seq)
			continue;
		g->over = true;
		if (g->held)
			continue;
		a->counts.dropped += l->collecting ? 0 : gap_weight(g);
		gap_leave(a, l, g);
	}
}

static struct gap_stacks *gap_open(struct attribution *a, struct attributed_loop *l,
				   const struct attribution_stack *s)
{
	struct gap_stacks *g = gap_find(l, s->gap_seq);
	if (g || a->counts.gaps >= MAX_GAPS)
		return g;
	g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->seq = s->gap_seq;
	g->tid = s->tid;
	g->next = l->gaps;
	l->gaps = g;
	a->counts.gaps++;
	return g;
}

int attribution_sample(struct attribution *a, const struct attribution_stack *s)
{
	struct attributed_loop *l = loop_of(a, s->loop);
	if (!l)
		return -ENOMEM;
	if (s->gap_seq <= l->done_seq) {
		a->counts.dropped++;
		return 0;
	}
	if (s->gap_seq > STALLS_BEHIND)
		gaps_over(a, l, s->gap_seq - 1 - STALLS_BEHIND);
	struct gap_stacks *g = gap_open(a, l, s);
	if (g)
		gap_stacks_note(g, s);
	if (!g || g->n_expected + l->collection.n_expected >= GAP_EXPECTED) {
		a->counts.overflow++;
		if (g && s->why == ATTRIBUTION_SAMPLE)
			gap_stacks_name(g, s, 0); /* its time counts, its stack is not known */
		return g || a->counts.gaps >= MAX_GAPS ? 0 : -ENOMEM;
	}
	struct expected_stack *e = gap_stacks_expect(g, s, a->order++);
	if (e && idmap_put(&a->expected, s->cookie, e))
		return 0;
	if (e)
		gap_stacks_unlink(e);
	free(e);
	return -ENOMEM;
}

/* A nested loop's stall may show a block whose stack was filed under the other gap of the same thread. */
static const struct labelled_stack *labelled_elsewhere(const struct attribution *a, uint32_t tid,
						       uint32_t seq)
{
	size_t at = 0;
	const struct labelled_stack *found = NULL;
	for (struct attributed_loop *l; !found && (l = idmap_next(&a->loops, &at, NULL));)
		for (const struct gap_stacks *g = l->gaps; !found && g; g = g->next)
			if (g->tid == tid)
				found = gap_stacks_labelled(g, ATTRIBUTION_BLOCK, seq);
	return found;
}

static void fill_block(const struct attribution *a, const struct held_stall *h, struct block *b, uint32_t i)
{
	const struct labelled_stack *own = NULL, *waker = NULL;
	uint32_t seq = h->s.block_seq[i];

	if (seq && h->gap)
		own = gap_stacks_labelled(h->gap, ATTRIBUTION_BLOCK, seq);
	if (seq && !own)
		own = labelled_elsewhere(a, h->s.stall.tid, seq);
	if (b->waker.tid && h->gap)
		waker = gap_stacks_labelled(h->gap, ATTRIBUTION_WAKER,
					    gap_stacks_waker(b->waker.tid, h->s.block_at[i]));
	if (seq)
		b->stack = own ? own->stack : 0;
	b->paused = own && own->paused;
	if (b->waker.tid && h->gap)
		b->waker.stack = waker ? waker->stack : 0;
}

/* Runtimes that can be interrupted sleep by a timed futex: no lock, whatever the call. */
static void take_for_sleep(const struct attribution *a, struct block *b)
{
	struct library_trace trace = library_of_stack(a->options.dictionary, b->stack);
	if (b->kind != TARGET_FUTEX || !(trace.kinds & 1u << LIBRARY_SLEEP))
		return;
	b->kind = TARGET_SLEEP;
	b->object = 0;
	b->target = "";
}

static void fill_blocks(const struct attribution *a, struct held_stall *h)
{
	struct fact_stall *s = &h->s.stall;
	for (uint32_t i = 0; i < s->n_blocks && i < FACT_MAX_BLOCKS; i++) {
		struct block *b = &s->blocks[i];
		fill_block(a, h, b, i);
		take_for_sleep(a, b);
	}
}

static uint64_t covered_ns(const struct fact_stall *s)
{
	uint64_t ns = 0;
	for (uint32_t i = 0; i < s->n_blocks && i < FACT_MAX_BLOCKS; i++)
		ns += s->blocks[i].stack ? s->blocks[i].sum_ns : 0;
	for (uint32_t i = 0; i < s->n_samples; i++)
		ns += s->samples[i].stack ? s->samples[i].ns : 0;
	return ns < s->gap_ns ? ns : s->gap_ns;
}

/* Takes the oldest stall out of the queue and hands it out with what is known by now. */
static void hand_out(struct attribution *a)
{
	struct held_stall *h = a->first;
	struct fact_stall *s = &h->s.stall;
	a->first = h->next;
	if (!a->first)
		a->last = NULL;
	a->counts.held--;
	fill_blocks(a, h);
	if (!s->task.name)
		s->task = (struct fact_task){.name = "", .coroutine = ""};
	if (h->gap) {
		a->counts.unnamed += h->gap->over ? h->gap->n_expected : 0;
		s->task = gap_stacks_task(h->gap, &s->task_ns);
		s->collecting_ns = h->gap->collecting_ns;
		s->n_samples = gap_stacks_samples(h->gap, s->samples, FACT_MAX_SAMPLES, false);
		h->gap->held--;
		if (h->gap->over && !h->gap->held)
			gap_leave(a, h->loop, h->gap);
	}
	s->covered_ns = covered_ns(s);
	const struct fact_loop *loop = dictionary_loop(a->options.dictionary, s->loop);
	collector_measure(s, loop, a->options.dictionary);
	verdict_decide(s, a->options.threshold_ns);
	culprit_choose(s, a->options.dictionary);
	cause_decide(s, loop, a->options.dictionary);
	a->options.ready(a->options.context, s, h->s.at_ns);
	free(h);
}

static bool has_all_names(const struct held_stall *h)
{
	return !h->gap || !h->gap->first || h->gap->first->order > h->order;
}

void attribution_advance(struct attribution *a, uint64_t now_ns)
{
	while (a->first && (has_all_names(a->first) || now_ns >= a->first->deadline_ns))
		hand_out(a);
}

void attribution_flush(struct attribution *a)
{
	attribution_advance(a, UINT64_MAX);
}

void attribution_resolved(struct attribution *a, uint64_t cookie, uint32_t stack, uint64_t now_ns)
{
	struct expected_stack *e = idmap_take(&a->expected, cookie);
	if (!e)
		return;
	gap_stacks_unlink(e);
	a->counts.unnamed += !stack;
	a->counts.overflow += !gap_stacks_name(e->gap, &e->stack, stack);
	free(e);
	attribution_advance(a, now_ns);
}

int attribution_stall(struct attribution *a, const struct attribution_stall *s, uint64_t now_ns)
{
	struct attributed_loop *l = loop_of(a, s->stall.loop);
	struct held_stall *h = l ? calloc(1, sizeof *h) : NULL;
	if (!h)
		return -ENOMEM;
	if (a->counts.held >= MAX_HELD)
		hand_out(a);
	*h = (struct held_stall){.s = *s, .loop = l, .order = a->order++};
	h->deadline_ns = now_ns + a->options.patience_ns;
	h->gap = gap_find(l, s->stall.gap_seq);
	if (h->gap)
		h->gap->held++;
	if (a->last)
		a->last->next = h;
	else
		a->first = h;
	a->last = h;
	a->counts.held++;
	if (stall_is_over(&s->stall))
		gaps_over(a, l, s->stall.gap_seq);
	attribution_advance(a, now_ns);
	return 0;
}

void attribution_closed(struct attribution *a, uint32_t loop, uint64_t gap_seq)
{
	struct attributed_loop *l = idmap_get(&a->loops, loop);
	if (l)
		gaps_over(a, l, gap_seq);
}

static void loop_free(struct attribution *a, struct attributed_loop *l)
{
	while (l->gaps)
		gap_remove(a, l, l->gaps);
	gap_empty(a, &l->collection);
	free(l);
}

static bool is_held(const struct attribution *a, const struct attributed_loop *l)
{
	for (const struct held_stall *h = a->first; h; h = h->next)
		if (h->loop == l)
			return true;
	return false;
}

void attribution_forget(struct attribution *a, uint32_t loop)
{
	struct attributed_loop *l = idmap_get(&a->loops, loop);
	if (!l)
		return;
	while (is_held(a, l)) /* what is before it in the queue leaves with it: order is kept */
		hand_out(a);
	idmap_take(&a->loops, loop);
	loop_free(a, l);
}

int attribution_collect(struct attribution *a, uint32_t loop, bool collect)
{
	struct attributed_loop *l = collect ? loop_of(a, loop) : idmap_get(&a->loops, loop);
	if (!l)
		return collect ? -ENOMEM : 0;
	l->collecting = collect;
	if (!collect)
		gap_empty(a, &l->collection);
	return 0;
}

uint32_t attribution_collected(struct attribution *a, uint32_t loop, struct sample *samples, uint32_t max)
{
	struct attributed_loop *l = idmap_get(&a->loops, loop);
	if (!l)
		return 0;
	uint32_t n = gap_stacks_samples(&l->collection, samples, max, true);
	l->collection.n_samples = 0;
	l->collection.unnamed = (struct sample){0};
	return n;
}

void attribution_counts(const struct attribution *a, struct attribution_counts *counts)
{
	*counts = a->counts;
}

void attribution_free(struct attribution *a)
{
	if (!a)
		return;
	while (a->first) {
		struct held_stall *h = a->first;
		a->first = h->next;
		free(h);
	}
	size_t at = 0;
	for (struct attributed_loop *l; (l = idmap_next(&a->loops, &at, NULL));)
		loop_free(a, l);
	idmap_free(&a->loops);
	idmap_free(&a->expected);
	free(a);
}
