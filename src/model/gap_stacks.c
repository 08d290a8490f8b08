/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gap_stacks.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

static void append(struct gap_stacks *g, struct expected_stack *e)
{
	e->gap = g;
	e->next = NULL;
	e->previous = g->last;
	if (g->last)
		g->last->next = e;
	else
		g->first = e;
	g->last = e;
	g->n_expected++;
}

struct expected_stack *gap_stacks_expect(struct gap_stacks *g, const struct attribution_stack *s,
					 uint64_t order)
{
	struct expected_stack *e = malloc(sizeof *e);
	if (!e)
		return NULL;
	*e = (struct expected_stack){.stack = *s, .order = order};
	append(g, e);
	return e;
}

void gap_stacks_unlink(struct expected_stack *e)
{
	struct gap_stacks *g = e->gap;
	*(e->previous ? &e->previous->next : &g->first) = e->next;
	*(e->next ? &e->next->previous : &g->last) = e->previous;
	g->n_expected--;
}

static void add_to(struct sample *s, const struct sample *more)
{
	s->ns += more->ns;
	s->n += more->n;
	s->gil_held += more->gil_held;
	s->gil_released += more->gil_released;
}

static struct sample sample_of(const struct attribution_stack *s, uint32_t stack)
{
	return (struct sample){s->weight_ns, stack, 1, s->gil_held, s->gil_released};
}

static bool add_sample(struct gap_stacks *g, const struct sample *s)
{
	for (size_t i = 0; s->stack && i < g->n_samples; i++) {
		if (g->samples[i].stack == s->stack) {
			add_to(&g->samples[i], s);
			return true;
		}
	}
	if (!s->stack || g->n_samples == GAP_DISTINCT ||
	    !array_reserve(&g->samples, &g->cap, g->n_samples + 1, sizeof *g->samples)) {
		add_to(&g->unnamed, s);
		return !s->stack;
	}
	g->samples[g->n_samples++] = *s;
	return true;
}

uint64_t gap_stacks_waker(uint32_t tid, uint32_t block)
{
	return (uint64_t)tid << 32 | block;
}

bool gap_stacks_name(struct gap_stacks *g, const struct attribution_stack *s, uint32_t stack)
{
	const struct sample one = sample_of(s, stack);
	if (s->why == ATTRIBUTION_SAMPLE)
		return add_sample(g, &one);
	uint64_t label = s->why == ATTRIBUTION_BLOCK ? s->seq : gap_stacks_waker(s->waker_tid, s->block);
	if (stack)
		g->labelled[g->n_labelled++ % GAP_LABELLED] =
			(struct labelled_stack){s->why, label, stack, s->paused};
	return true;
}

uint64_t gap_stacks_move(struct gap_stacks *into, struct gap_stacks *from)
{
	uint64_t lost = 0;
	for (size_t i = 0; i < from->n_samples; i++) {
		const struct sample *s = &from->samples[i];
		lost += add_sample(into, s) ? 0 : s->n;
	}
	add_to(&into->unnamed, &from->unnamed);
	from->n_samples = 0;
	from->unnamed = (struct sample){0};
	while (from->first) {
		struct expected_stack *e = from->first;
		gap_stacks_unlink(e);
		append(into, e);
	}
	return lost;
}

static int heaviest_first(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

uint32_t gap_stacks_samples(struct gap_stacks *g, struct sample *samples, uint32_t max, bool named_only)
{
	struct sample rest = g->unnamed;
	uint32_t n = 0;
	for (const struct expected_stack *e = g->first; e; e = e->next) {
		const struct sample one = sample_of(&e->stack, 0);
		if (e->stack.why == ATTRIBUTION_SAMPLE)
			add_to(&rest, &one);
	}
	if (g->n_samples)
		qsort(g->samples, g->n_samples, sizeof *g->samples, heaviest_first);
	bool has_rest = !named_only && (rest.n || g->n_samples > max);
	for (size_t i = 0; i < g->n_samples; i++) {
		if (n + has_rest < max)
			samples[n++] = g->samples[i];
		else
			add_to(&rest, &g->samples[i]);
	}
	if (has_rest && n < max)
		samples[n++] = rest;
	if (n)
		qsort(samples, n, sizeof *samples, heaviest_first);
	return n;
}

const struct labelled_stack *gap_stacks_labelled(const struct gap_stacks *g, enum attribution_why why,
						 uint64_t label)
{
	uint32_t kept = g->n_labelled < GAP_LABELLED ? g->n_labelled : GAP_LABELLED;
	for (uint32_t i = 1; i <= kept; i++) { /* newest first */
		const struct labelled_stack *l = &g->labelled[(g->n_labelled - i) % GAP_LABELLED];
		if (l->why == why && l->label == label)
			return l;
	}
	return NULL;
}

/* The entry of a task, else the lightest one, which is given up for it. */
static struct task_weight *weight_of(struct gap_stacks *g, const struct fact_task *task)
{
	struct task_weight *lightest = &g->tasks[0];
	for (size_t i = 0; i < GAP_TASKS; i++) {
		struct task_weight *w = &g->tasks[i];
		if (w->task.name && !strcmp(w->task.name, task->name))
			return w;
		if (w->ns < lightest->ns)
			lightest = w;
	}
	*lightest = (struct task_weight){.ns = 0};
	return lightest;
}

void gap_stacks_note(struct gap_stacks *g, const struct attribution_stack *s)
{
	if (s->why == ATTRIBUTION_WAKER)
		return;
	if (s->why == ATTRIBUTION_SAMPLE && s->collecting)
		g->collecting_ns += s->weight_ns;
	if (!s->task.name || !s->task.name[0])
		return;
	struct task_weight *w = weight_of(g, &s->task);
	w->task = s->task;
	w->ns += s->weight_ns + 1; /* of a stuck thread nobody knows the time yet */
}

struct fact_task gap_stacks_task(const struct gap_stacks *g, uint64_t *ns)
{
	struct task_weight heaviest = {.task = {.name = "", .coroutine = ""}};
	for (size_t i = 0; i < GAP_TASKS; i++)
		if (g->tasks[i].ns > heaviest.ns)
			heaviest = g->tasks[i];
	*ns = heaviest.ns;
	return heaviest.task;
}
