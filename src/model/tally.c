/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tally.h"

#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000u
#define NAMED_STILL_NS                                                                                       \
	(30ull * SECOND_NS) /* after its end a loop may be named: stacks and stalls come late */

/* The loop's place; NULL without memory. Known loops only: numbers in a recording may be anything. */
static struct tally_loop *loop_of(struct tally *t, uint32_t id)
{
	if (!array_reserve(&t->loops, &t->loops_cap, id, sizeof *t->loops))
		return NULL;
	if (t->n_loops < id)
		t->n_loops = id;
	struct tally_loop **at = &t->loops[id - 1];
	if (!*at && (*at = calloc(1, sizeof **at)))
		(*at)->id = id;
	return *at;
}

static int take_header(struct tally *t, const struct fact *f)
{
	t->header = f->header;
	t->has_header = true;
	if (!t->threshold_ns)
		t->threshold_ns = f->header.threshold_ns;
	return 0;
}

static int take_clock(struct tally *t, const struct fact *f)
{
	t->clock_at_ns = f->at_ns;
	t->clock_wall_us = f->clock.wall_us;
	return 0;
}

static bool is_known(const struct tally *t, uint32_t loop)
{
	return dictionary_loop(t->dictionary, loop);
}

static void add_counts(struct tally_loop *into, const struct tally_loop *from)
{
	into->counted |= from->counted;
	into->elapsed_ns += from->elapsed_ns;
	into->iterations += from->iterations;
	into->waits += from->waits;
	into->events += from->events;
	into->zero_waits += from->zero_waits;
	into->slept_waits += from->slept_waits;
	into->busy_ns += from->busy_ns;
	into->unobserved_ns += from->unobserved_ns;
	into->over_threshold += from->over_threshold;
	if (from->max_lag_ns > into->max_lag_ns)
		into->max_lag_ns = from->max_lag_ns;
	into->saturated_ns += from->saturated_ns;
	into->saturated_periods += from->saturated_periods;
	tally_stalls_merge(&into->stalls, &from->stalls);
	blocked_workers_merge(&into->workers, &from->workers);
	histogram_merge(&into->lag, &from->lag);
	histogram_merge(&into->gap, &from->gap);
	histogram_merge(&into->delay, &from->delay);
	histogram_merge(&into->offcpu, &from->offcpu);
}

/* Of the ended ones that have a row the one that nobody will miss. */
static size_t least_harmed(const struct tally *t)
{
	size_t least = 0;
	uint64_t least_ns = UINT64_MAX, least_lag_ns = UINT64_MAX;
	for (size_t i = 0; i < t->n_gone; i++) {
		const struct tally_loop *l = t->loops[t->gone[i] - 1];
		uint64_t ns = l->stalls.stall_ns, lag_ns = l->max_lag_ns;
		if (ns < least_ns || (ns == least_ns && lag_ns < least_lag_ns)) {
			least = i;
			least_ns = ns;
			least_lag_ns = lag_ns;
		}
	}
	return least;
}

/* Its row becomes part of the rest's, and whatever is still said of it goes there. */
static int fold_into_rest(struct tally *t, size_t at)
{
	uint32_t id = t->gone[at];
	const struct fact_loop *of = dictionary_loop(t->dictionary, id);
	struct tally_rest *rest = &t->rest[tally_is_hidden(of)];
	if (!rest->loop) {
		rest->loop = calloc(1, sizeof *rest->loop);
		if (!rest->loop)
			return -ENOMEM;
		rest->fact = (struct fact_loop){
			.comm = "",
			.process = rest->name,
			.runtime = "",
			.wait_call = "",
			.container = "",
			.unit = "",
			.gone = true,
			.class = of->class,
		};
	}
	snprintf(rest->name, sizeof rest->name, "%u ended loops", ++rest->n);
	add_counts(rest->loop, t->loops[id - 1]);
	free(t->loops[id - 1]->open);
	free(t->loops[id - 1]);
	t->loops[id - 1] = rest->loop;
	memmove(&t->gone[at], &t->gone[at + 1], (t->n_gone - at - 1) * sizeof *t->gone);
	t->n_gone--;
	return 0;
}

/* Whoever came and went long ago is not asked for by name again. */
static void forget_folded(struct tally *t)
{
	size_t n = 0;
	for (; n < t->n_folded && t->folded[n].at_ns + NAMED_STILL_NS < t->last_ns; n++)
		dictionary_forget_loop(t->dictionary, t->folded[n].id);
	if (!n)
		return;
	memmove(t->folded, t->folded + n, (t->n_folded - n) * sizeof *t->folded);
	t->n_folded -= n;
}

/* The ended loop that nobody will miss gives its row up. */
static int fold(struct tally *t)
{
	forget_folded(t);
	if (!array_reserve(&t->folded, &t->folded_cap, t->n_folded + 1, sizeof *t->folded))
		return -ENOMEM;
	size_t at = least_harmed(t);
	uint32_t id = t->gone[at];
	int err = fold_into_rest(t, at);
	if (!err)
		t->folded[t->n_folded++] = (struct tally_folded){id, t->last_ns};
	return err;
}

static int take_loop(struct tally *t, const struct fact *f)
{
	if (!is_known(t, f->loop.id))
		return 0;
	struct tally_loop *l = loop_of(t, f->loop.id);
	if (!l)
		return -ENOMEM;
	if (!f->loop.gone || l->ended || !l->id)
		return 0;
	l->ended = true;
	t->gone[t->n_gone++] = l->id;
	return t->n_gone > TALLY_MAX_ENDED ? fold(t) : 0;
}

static int take_counts(struct tally *t, const struct fact *f)
{
	const struct fact_counts *c = f->counts;
	if (!is_known(t, c->loop))
		return 0;
	struct tally_loop *l = loop_of(t, c->loop);
	if (!l)
		return -ENOMEM;
	l->counted = true;
	l->elapsed_ns += c->elapsed_ns;
	l->iterations += c->iterations;
	l->waits += c->waits;
	l->events += c->events;
	l->zero_waits += c->zero_waits;
	l->slept_waits += c->slept_waits;
	l->busy_ns += c->busy_ns;
	l->unobserved_ns += c->unobserved_ns;
	l->over_threshold += c->over_threshold;
	if (c->max_lag_ns > l->max_lag_ns)
		l->max_lag_ns = c->max_lag_ns;
	l->min_gap_ns = c->min_gap_ns;
	if (l->id) /* a pattern is one loop's */
		habits_count(&l->habits, c);
	histogram_merge(&l->lag, &c->lag);
	histogram_merge(&l->gap, &c->gap);
	histogram_merge(&l->delay, &c->delay);
	histogram_merge(&l->offcpu, &c->offcpu);
	return 0;
}

/* Each cell becomes twice as long. */
static void halve_timeline(struct tally *t)
{
	for (size_t i = 0; i < t->n_cells; i += 2) {
		struct tally_cell a = t->cells[i], b = {0};
		if (i + 1 < t->n_cells)
			b = t->cells[i + 1];
		t->cells[i / 2] = (struct tally_cell){
			.max_lag_ns = a.max_lag_ns > b.max_lag_ns ? a.max_lag_ns : b.max_lag_ns,
			.stalls = a.stalls + b.stalls,
		};
	}
	size_t kept = (t->n_cells + 1) / 2;
	memset(&t->cells[kept], 0, (t->n_cells - kept) * sizeof *t->cells);
	t->n_cells = kept;
	t->cell_ns *= 2;
}

/* Makes room up to the cell of a time; its index, SIZE_MAX without memory. */
static size_t cell_at(struct tally *t, uint64_t at_ns)
{
	while (at_ns / t->cell_ns >= TALLY_SECONDS)
		halve_timeline(t);
	size_t i = at_ns / t->cell_ns;
	if (!array_reserve(&t->cells, &t->cells_cap, i + 1, sizeof *t->cells))
		return SIZE_MAX;
	if (t->n_cells <= i)
		t->n_cells = i + 1;
	return i;
}

/* Its start is not known if it began before the attach. */
static int draw_stall(struct tally *t, const struct fact_stall *s, uint64_t at_ns)
{
	uint64_t end_ns = s->start_ns ? s->start_ns + s->lag_ns : at_ns;
	uint64_t start_ns = end_ns > s->lag_ns ? end_ns - s->lag_ns : 0;
	size_t last = cell_at(t, end_ns);
	if (last == SIZE_MAX)
		return -ENOMEM;
	for (size_t i = start_ns / t->cell_ns; i <= last; i++)
		if (t->cells[i].max_lag_ns < s->lag_ns)
			t->cells[i].max_lag_ns = s->lag_ns;
	t->cells[last].stalls += stall_is_over(s);
	return 0;
}

static int keep_open(struct tally_loop *l, const struct fact_stall *s, uint64_t at_ns)
{
	if (!l->id)
		return 0; /* of a loop that is gone */
	if (!l->open && !(l->open = malloc(sizeof *l->open)))
		return -ENOMEM;
	*l->open = *s;
	l->open_at_ns = at_ns;
	return 0;
}

static int take_stall(struct tally *t, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	if (!is_known(t, s->loop))
		return 0;
	struct tally_loop *l = loop_of(t, s->loop);
	if (!l)
		return -ENOMEM;
	if (l->id)
		habits_stall(&l->habits, s);
	if (s->lag_ns < t->threshold_ns)
		return 0;
	int err = tally_is_hidden(dictionary_loop(t->dictionary, s->loop)) ? 0 : draw_stall(t, s, f->at_ns);
	if (err)
		return err;
	if (!stall_is_over(s))
		return keep_open(l, s, f->at_ns);
	if (l->open && l->open->gap_seq <= s->gap_seq) {
		free(l->open);
		l->open = NULL;
	}
	if (!tally_takes(s))
		return 0;
	tally_stalls_add(&l->stalls, s);
	return tally_totals_add(&t->totals, s, t->dictionary);
}

static int take_worker(struct tally *t, const struct fact *f)
{
	struct tally_loop *l = is_known(t, f->stall->loop) ? loop_of(t, f->stall->loop) : NULL;
	if (!l)
		return is_known(t, f->stall->loop) ? -ENOMEM : 0;
	if (f->stall->lag_ns >= t->threshold_ns)
		blocked_workers_add(&l->workers, f->stall);
	return 0;
}

static int take_saturated(struct tally *t, const struct fact *f)
{
	const struct fact_saturated *s = f->saturated;
	if (!is_known(t, s->loop))
		return 0;
	struct tally_loop *l = loop_of(t, s->loop);
	if (!l)
		return -ENOMEM;
	if (!l->id)
		return 0;
	l->saturated_periods += !l->saturated;
	l->saturated = !s->ended;
	l->saturated_since_ns = s->ended ? 0 : s->since_ns;
	if (s->ended && f->at_ns > s->since_ns)
		l->saturated_ns += f->at_ns - s->since_ns;
	if (s->n_samples || !l->last_saturated.n_samples)
		l->last_saturated = *s;
	return 0;
}

static int take_loss(struct tally *t, const struct fact *f)
{
	size_t i = 0;
	while (i < t->n_losses && strcmp(t->losses[i].reason, f->loss.reason))
		i++;
	if (!array_reserve(&t->losses, &t->losses_cap, i + 1, sizeof *t->losses))
		return -ENOMEM;
	t->n_losses += i == t->n_losses;
	t->losses[i].reason = f->loss.reason;
	t->losses[i].meaning = f->loss.meaning;
	t->losses[i].count += f->loss.count;
	return 0;
}

static int take_tick(struct tally *t, const struct fact *f)
{
	return cell_at(t, f->at_ns) == SIZE_MAX ? -ENOMEM : 0;
}

static int take_end(struct tally *t, const struct fact *f)
{
	t->end = f->end;
	t->ended = true;
	return 0;
}

static int (*const takers[FACT_KINDS])(struct tally *, const struct fact *) = {
	[FACT_HEADER] = take_header, [FACT_CLOCK] = take_clock,		[FACT_LOOP] = take_loop,
	[FACT_STALL] = take_stall,   [FACT_SATURATED] = take_saturated, [FACT_COUNTS] = take_counts,
	[FACT_LOSS] = take_loss,     [FACT_TICK] = take_tick,		[FACT_END] = take_end,
	[FACT_WORKER] = take_worker,
};

static int take(struct sink *self, const struct fact *f)
{
	struct tally *t = (struct tally *)self;
	if (f->at_ns > t->last_ns)
		t->last_ns = f->at_ns;
	return f->kind < FACT_KINDS && takers[f->kind] ? takers[f->kind](t, f) : 0;
}

struct tally *tally_new(struct dictionary *d, uint64_t threshold_ns)
{
	struct tally *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->sink.take = take;
	t->dictionary = d;
	t->threshold_ns = threshold_ns;
	t->cell_ns = SECOND_NS;
	return t;
}

struct sink *tally_sink(struct tally *t)
{
	return &t->sink;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_loops; i++) {
		if (!t->loops[i] || !t->loops[i]->id)
			continue;
		free(t->loops[i]->open);
		free(t->loops[i]);
	}
	free(t->rest[0].loop);
	free(t->rest[1].loop);
	free(t->loops);
	free(t->folded);
	free(t->losses);
	free(t->cells);
	tally_totals_free(&t->totals);
	free(t);
}
