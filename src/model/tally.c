/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tally.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000u

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

static int take_loop(struct tally *t, const struct fact *f)
{
	return !is_known(t, f->loop.id) || loop_of(t, f->loop.id) ? 0 : -ENOMEM;
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
	l->over_threshold += c->over_threshold;
	if (c->max_lag_ns > l->max_lag_ns)
		l->max_lag_ns = c->max_lag_ns;
	l->min_gap_ns = c->min_gap_ns;
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
	t->cells[last].stalls += s->state != STALL_OPEN && s->state != STALL_STUCK;
	return 0;
}

static int keep_open(struct tally_loop *l, const struct fact_stall *s, uint64_t at_ns)
{
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
	habits_stall(&l->habits, s);
	if (s->lag_ns < t->threshold_ns)
		return 0;
	int err = tally_is_hidden(dictionary_loop(t->dictionary, s->loop)) ? 0 : draw_stall(t, s, f->at_ns);
	if (err)
		return err;
	if (s->state == STALL_OPEN || s->state == STALL_STUCK)
		return keep_open(l, s, f->at_ns);
	if (l->open && l->open->gap_seq <= s->gap_seq) {
		free(l->open);
		l->open = NULL;
	}
	return tally_totals_add(&t->totals, s, t->dictionary);
}

static int take_saturated(struct tally *t, const struct fact *f)
{
	const struct fact_saturated *s = f->saturated;
	if (!is_known(t, s->loop))
		return 0;
	struct tally_loop *l = loop_of(t, s->loop);
	if (!l)
		return -ENOMEM;
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
};

static int take(struct sink *self, const struct fact *f)
{
	struct tally *t = (struct tally *)self;
	if (f->at_ns > t->last_ns)
		t->last_ns = f->at_ns;
	return f->kind < FACT_KINDS && takers[f->kind] ? takers[f->kind](t, f) : 0;
}

struct tally *tally_new(const struct dictionary *d, uint64_t threshold_ns)
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
		if (t->loops[i])
			free(t->loops[i]->open);
		free(t->loops[i]);
	}
	free(t->loops);
	free(t->losses);
	free(t->cells);
	tally_totals_free(&t->totals);
	free(t);
}
