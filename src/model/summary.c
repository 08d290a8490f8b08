/* SPDX-License-Identifier: Apache-2.0 */
#include "model/summary.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* A stall that began before the attach counts in the histogram with what was seen of it. */
static uint64_t observed_ns(uint64_t lag_ns, uint64_t elapsed_ns)
{
	return smaller(lag_ns, elapsed_ns);
}

static struct summary_quantiles iteration_quantiles(const struct histogram *h)
{
	return (struct summary_quantiles){
		histogram_quantile_ns(h, 0.5),
		histogram_quantile_ns(h, 0.9),
		histogram_quantile_ns(h, 0.99),
		h->max_ns,
	};
}

static struct summary_quantiles arrival_quantiles(const struct summary_loop *l, uint64_t max_ns)
{
	return (struct summary_quantiles){
		histogram_arrival_quantile_ns(&l->lag, 0.5, l->elapsed_ns),
		histogram_arrival_quantile_ns(&l->lag, 0.9, l->elapsed_ns),
		histogram_arrival_quantile_ns(&l->lag, 0.99, l->elapsed_ns),
		max_ns,
	};
}

static enum verdict top_verdict(const uint64_t ns[VERDICTS])
{
	enum verdict top = VERDICT_NONE;
	for (unsigned v = 0; v < VERDICTS; v++)
		if (ns[v] > ns[top])
			top = v;
	return top;
}

static void fill_rates(struct summary_loop *l, const struct tally_loop *t)
{
	l->utilisation = ratio(smaller(l->busy_ns, l->elapsed_ns), l->elapsed_ns);
	l->iterations_per_s = ratio(l->iterations, l->elapsed_ns) * 1e9;
	l->events_per_wait = ratio(t->events, t->waits);
	l->zero_wait_share = ratio(t->zero_waits, t->waits);
	l->slept_wait_share = ratio(t->slept_waits, t->waits);
}

static void fill_loop(struct summary_loop *l, const struct tally *t, const struct tally_loop *from,
		      const struct fact_loop *fact)
{
	l->loop = fact;
	l->stalls = from->stalls;
	if (from->open && tally_takes(from->open))
		tally_stalls_add(&l->stalls, from->open);
	l->hidden = tally_is_hidden(l->loop);
	l->elapsed_ns = from->elapsed_ns;
	l->iterations = from->iterations;
	l->waits = from->waits;
	l->events = from->events;
	l->busy_ns = from->busy_ns;
	l->lag = from->lag;
	l->open = from->open;
	if (from->open) { /* no histogram has it yet */
		l->elapsed_ns = larger(l->elapsed_ns, t->last_ns - smaller(t->last_ns, from->open->start_ns));
		uint64_t lag_ns = observed_ns(from->open->lag_ns, l->elapsed_ns);
		histogram_add(&l->lag, lag_ns, 1);
		l->busy_ns += lag_ns - smaller(lag_ns, from->open->delay_ns);
	}
	if (!from->open || from->open->state != STALL_STUCK) {
		l->unobserved_ns = smaller(from->unobserved_ns, l->busy_ns);
		l->busy_ns -= l->unobserved_ns;
		histogram_shorten_longest(&l->lag, l->unobserved_ns);
	}
	l->top_verdict = top_verdict(l->stalls.verdict_ns);
	l->arrival = arrival_quantiles(l, larger(from->max_lag_ns, l->stalls.longest_ns));
	l->iteration = iteration_quantiles(&l->lag);
	l->gap = iteration_quantiles(&from->gap);
	l->delay = iteration_quantiles(&from->delay);
	l->over_threshold_share = histogram_arrival_tail(&l->lag, t->threshold_ns, l->elapsed_ns);
	l->saturated = from->saturated;
	l->workers = &from->workers;
	l->saturated_periods = from->saturated_periods;
	l->saturated_ns = from->saturated_ns;
	if (from->saturated)
		l->saturated_ns += t->last_ns - smaller(t->last_ns, from->saturated_since_ns);
	l->last_saturated = from->saturated_periods ? &from->last_saturated : NULL;
	l->n_patterns = patterns_of(&from->habits, l->loop, t->dictionary, l->patterns);
	fill_rates(l, from);
}

static int compare(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b); /* more first */
}

static int by_harm(const void *a, const void *b)
{
	const struct summary_loop *x = a, *y = b;
	int order = (int)x->hidden - (int)y->hidden;
	if (!order)
		order = compare(x->stalls.stall_ns, y->stalls.stall_ns);
	if (!order)
		order = compare(x->saturated_ns, y->saturated_ns);
	if (!order)
		order = compare(x->arrival.p99_ns, y->arrival.p99_ns);
	if (!order)
		order = compare(x->busy_ns, y->busy_ns);
	return order ? order : compare(y->loop->id, x->loop->id);
}

#define FIX_CANDIDATES 8

static bool add_loops(struct summary *s, const struct tally *t)
{
	size_t most = ARRAY_LEN(t->rest);
	for (size_t i = 0; i < t->n_loops; i++)
		most += t->loops[i] && t->loops[i]->id;
	s->loops = calloc(most, sizeof *s->loops);
	if (!s->loops)
		return false;
	for (size_t i = 0; i < t->n_loops; i++) {
		if (!t->loops[i] || !t->loops[i]->id)
			continue;
		fill_loop(&s->loops[s->n_loops++], t, t->loops[i],
			  dictionary_loop(t->dictionary, t->loops[i]->id));
	}
	for (size_t i = 0; i < ARRAY_LEN(t->rest); i++)
		if (t->rest[i].loop)
			fill_loop(&s->loops[s->n_loops++], t, t->rest[i].loop, &t->rest[i].fact);
	qsort(s->loops, s->n_loops, sizeof *s->loops, by_harm);
	for (size_t i = 0; i < s->n_loops; i++) {
		const struct summary_loop *l = &s->loops[i];
		s->n_hidden += l->hidden;
		s->stalls += l->hidden ? 0 : l->stalls.stalls;
		s->stall_ns += l->hidden ? 0 : l->stalls.stall_ns;
	}
	return true;
}

/* Causes whose time could be taken away by somebody, the first of a loop first. */
static bool is_actionable(const struct tally_cause *c)
{
	return c->kind == CAUSE_FRAME || c->kind == CAUSE_THROTTLED || c->kind == CAUSE_NO_CPU;
}

/* What each cause took of the loop's stall time. */
static void cause_times(const struct tally_totals *t, uint32_t loop, uint64_t *ns)
{
	for (size_t i = 0; i < t->n_stalls; i++)
		for (uint32_t p = 0; t->stalls[i].loop == loop && p < t->stalls[i].n_parts; p++)
			ns[t->stalls[i].parts[p].cause] += t->stalls[i].parts[p].ns;
}

/* The heaviest cause whose time is below that of the last one asked for; `ns` is cleared on the way. SIZE_MAX: none. */
static size_t next_heaviest(const struct tally_totals *t, uint64_t *ns, const bool *taken)
{
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < t->n_causes; i++)
		if (ns[i] && !taken[i] && is_actionable(&t->causes[i]) &&
		    (best == SIZE_MAX || ns[i] > ns[best]))
			best = i;
	if (best != SIZE_MAX)
		ns[best] = 0;
	return best;
}

/* The loop's lag if the causes taken had cost nothing. */
static uint64_t p99_without(const struct summary_loop *l, const struct tally_totals *t, const bool *taken)
{
	struct histogram lag = l->lag;
	for (size_t i = 0; i < t->n_stalls; i++) {
		const struct tally_stall *s = &t->stalls[i];
		uint64_t saved_ns = 0;
		for (uint32_t p = 0; s->loop == l->loop->id && p < s->n_parts; p++)
			saved_ns += taken[s->parts[p].cause] ? s->parts[p].ns : 0;
		uint64_t was_ns = observed_ns(s->lag_ns, l->elapsed_ns);
		if (!saved_ns || histogram_move(&lag, was_ns, was_ns - smaller(was_ns, saved_ns)))
			continue;
		was_ns = s->lag_ns - smaller(s->lag_ns, l->unobserved_ns);
		histogram_move(&lag, was_ns, was_ns - smaller(was_ns, saved_ns));
	}
	return histogram_arrival_quantile_ns(&lag, 0.99, l->elapsed_ns);
}

/* Of the heaviest causes left, the one whose fix would lower the p99 most: often not the heaviest but the one behind the longest stalls. */
static size_t best_fix(const struct summary_loop *l, const struct tally_totals *t, uint64_t *ns, bool *taken,
		       uint64_t *after_ns)
{
	size_t best = SIZE_MAX, cause;
	memset(ns, 0, t->n_causes * sizeof *ns);
	cause_times(t, l->loop->id, ns);
	for (int i = 0; i < FIX_CANDIDATES && (cause = next_heaviest(t, ns, taken)) != SIZE_MAX; i++) {
		taken[cause] = true;
		uint64_t p99_ns = p99_without(l, t, taken);
		taken[cause] = false;
		if (best == SIZE_MAX || p99_ns < *after_ns) {
			best = cause;
			*after_ns = p99_ns;
		}
	}
	return best;
}

/* Causes are still in the order of the totals here; the steps are numbered anew after sorting. */
static bool add_without(struct summary *s, const struct tally_totals *t)
{
	const struct summary_loop *l = &s->loops[0];
	if (!s->n_loops || l->hidden || !l->stalls.stalls || !t->n_causes)
		return true;
	bool *taken = calloc(t->n_causes, sizeof *taken);
	uint64_t *ns = calloc(t->n_causes, sizeof *ns);
	uint64_t before_ns = s->without.before_ns = l->arrival.p99_ns;
	/* Below a tenth of the threshold nobody cares any more. */
	while (taken && ns && s->without.n < SUMMARY_STEPS && before_ns > s->threshold_ns / 10) {
		uint64_t after_ns = 0;
		size_t cause = best_fix(l, t, ns, taken, &after_ns);
		if (cause == SIZE_MAX)
			break;
		taken[cause] = true;
		if (after_ns >= before_ns - before_ns / 100)
			break; /* it would not show */
		s->without.steps[s->without.n].cause = (uint32_t)cause;
		s->without.steps[s->without.n++].after_ns = before_ns = after_ns;
	}
	bool ok = taken && ns;
	free(taken);
	free(ns);
	return ok;
}

#define REGULAR_TIMES 8
#define REGULAR_SHARE 0.2 /* of the mean: standard deviation up to which a rhythm is one */

static uint64_t period_of(const struct tally_rhythm *r)
{
	if (r->n < REGULAR_TIMES)
		return 0;
	double allowed_ns = r->mean_ns * REGULAR_SHARE, variance = r->squares / (double)r->n;
	return variance <= allowed_ns * allowed_ns ? (uint64_t)r->mean_ns : 0;
}

static void fill_cause(struct summary_cause *c, const struct tally_cause *from, const struct summary *s)
{
	const struct weighted_stack *heaviest = &from->stacks[0];
	c->tally = *from;
	c->frame = from->kind == CAUSE_FRAME ? dictionary_frame(s->dictionary, from->frame) : NULL;
	c->verdict = top_verdict(from->verdict_ns);
	c->loops = (uint32_t)__builtin_popcountll(from->loop_bits);
	c->share = ratio(from->ns, s->stall_ns);
	c->named = from->naming.cause ? from->naming.cause : "";
	c->remedy = from->naming.cause ? from->naming.remedy : "";
	c->period_ns = period_of(&from->rhythm);
	for (size_t i = 1; i < TALLY_TOP_STACKS; i++)
		if (from->stacks[i].ns > heaviest->ns)
			heaviest = &from->stacks[i];
	c->stack = heaviest->ns ? dictionary_stack(s->dictionary, heaviest->stack) : NULL;
}

static int by_cause_time(const void *a, const void *b)
{
	const struct tally_cause *x = &((const struct summary_cause *)a)->tally;
	const struct tally_cause *y = &((const struct summary_cause *)b)->tally;
	int order = compare(x->ns, y->ns);
	if (!order)
		order = (int)x->kind - (int)y->kind;
	return order ? order : compare(y->key, x->key);
}

static bool add_causes(struct summary *s, const struct tally_totals *t)
{
	s->causes = calloc(t->n_causes ? t->n_causes : 1, sizeof *s->causes);
	if (!s->causes)
		return false;
	for (size_t i = 0; i < t->n_causes; i++)
		fill_cause(&s->causes[i], &t->causes[i], s);
	s->n_causes = t->n_causes;
	qsort(s->causes, s->n_causes, sizeof *s->causes, by_cause_time);
	for (size_t i = 0; i < s->n_causes; i++) {
		struct summary_cause *c = &s->causes[i];
		bool told = c->tally.told_cause && !strcmp(c->tally.told_cause, c->named);
		c->evidence = told ? c->tally.evidence : "";
	}
	for (size_t i = 0; i < s->without.n; i++) {
		const struct tally_cause *c = &t->causes[s->without.steps[i].cause];
		uint32_t at = 0;
		while (s->causes[at].tally.kind != c->kind || s->causes[at].tally.key != c->key)
			at++;
		s->without.steps[i].cause = at;
	}
	return true;
}

static int by_block_time(const void *a, const void *b)
{
	const struct tally_block *x = a, *y = b;
	int order = compare(x->sum_ns, y->sum_ns);
	return order ? order : compare(y->key, x->key);
}

static void fill_head(struct summary *s, const struct tally *t)
{
	s->header = t->has_header ? &t->header : NULL;
	s->threshold_ns = t->threshold_ns;
	s->elapsed_ns = t->last_ns;
	s->start_wall_us = t->has_header ? t->header.wall_us : 0;
	s->cut_short = !t->ended;
	s->end_reason = t->ended ? t->end.reason : "";
	s->losses = t->losses;
	s->n_losses = t->n_losses;
	s->cells = t->cells;
	s->n_cells = t->n_cells;
	s->cell_ns = t->cell_ns;
	s->dictionary = t->dictionary;
}

/* Stalls that are not over count with what they have. */
static bool add_open(struct tally_totals *totals, const struct tally *t)
{
	for (size_t i = 0; i < t->n_loops; i++)
		if (t->loops[i] && t->loops[i]->open && tally_takes(t->loops[i]->open) &&
		    tally_totals_add(totals, t->loops[i]->open, t->dictionary))
			return false;
	return true;
}

struct summary *summary_new(const struct tally *t)
{
	struct summary *s = calloc(1, sizeof *s);
	struct tally_totals totals;
	if (!s || tally_totals_copy(&totals, &t->totals)) {
		free(s);
		return NULL;
	}
	fill_head(s, t);
	bool ok =
		add_open(&totals, t) && add_loops(s, t) && add_without(s, &totals) && add_causes(s, &totals);
	s->stalls_beyond = totals.beyond_stalls;
	s->blocks = totals.blocks;
	s->n_blocks = totals.n_blocks;
	totals.blocks = NULL;
	s->absence = totals.absence;
	absence_sort(&s->absence);
	tally_totals_free(&totals);
	if (!ok) {
		summary_free(s);
		return NULL;
	}
	if (s->n_blocks)
		qsort(s->blocks, s->n_blocks, sizeof *s->blocks, by_block_time);
	return s;
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	free(s->loops);
	free(s->causes);
	free(s->blocks);
	free(s);
}
