/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps, per loop, what happened since the last status line, and which open stall it has shown. Everything
 * else it forgets when it is printed.
 */
#include "report/live.h"

#include "base/array.h"
#include "base/duration.h"
#include "model/tally.h"
#include "report/moment.h"
#include "report/naming.h"
#include "report/phrase.h"
#include "report/stall_lines.h"
#include "report/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_EVERY_NS 4750000000u /* five seconds of ticks that may come a little early */

/* Losses of one kind. */
struct told_loss {
	struct fact_loss loss; /* count: all of them */
	uint64_t told;	       /* how many there were when it was said last */
};

struct live {
	struct sink sink; /* first member */
	struct live_options options;
	uint64_t threshold_ns;
	uint64_t clock_at_ns, clock_wall_us;
	uint64_t status_at_ns;
	bool has_status, muted, some_ended, names_told;
	struct live_loop **loops; /* by number - 1 */
	size_t n_loops, loops_cap;
	struct told_loss *losses;
	size_t n_losses, losses_cap;
	struct bytes out;
};

static struct pen pen_of(struct live *l)
{
	return pen_on(&l->out, &l->options.style);
}

static uint64_t wall_us(const struct live *l, uint64_t at_ns)
{
	return l->clock_wall_us + at_ns / 1000 - l->clock_at_ns / 1000;
}

static bool is_shown(const struct live *l, uint32_t loop)
{
	const struct fact_loop *of = dictionary_loop(l->options.dictionary, loop);
	return of && (l->options.style.verbose || !tally_is_hidden(of));
}

static struct live_loop *loop_of(struct live *l, uint32_t id)
{
	if (!array_reserve(&l->loops, &l->loops_cap, id, sizeof *l->loops))
		return NULL;
	if (l->n_loops < id)
		l->n_loops = id;
	struct live_loop **at = &l->loops[id - 1];
	if (!*at && (*at = calloc(1, sizeof **at)))
		(*at)->id = id;
	return *at;
}

/* --- status and losses --------------------------------------------------------------------------- */

/* What is gone is forgotten; should more be said of it, it is begun anew. */
static void reset_interval(struct live *l, struct live_loop **at)
{
	struct live_loop *loop = *at;
	if (dictionary_loop(l->options.dictionary, loop->id)->gone) {
		l->some_ended |= is_shown(l, loop->id);
		free(loop);
		*at = NULL;
		return;
	}
	memset(&loop->lag, 0, sizeof loop->lag);
	loop->before_ns = status_open_gap_ns(loop, l->status_at_ns);
	loop->elapsed_ns = loop->busy_ns = loop->new_stalls = 0;
}

static int print_status(struct live *l, uint64_t at_ns)
{
	struct status_line of = {
		.dictionary = l->options.dictionary,
		.threshold_ns = l->threshold_ns,
		.since_ns = l->status_at_ns,
		.at_ns = at_ns,
		.wall_us = wall_us(l, at_ns),
		.is_first = !l->has_status,
		.some_ended = l->some_ended,
	};
	const struct live_loop **shown = calloc(l->n_loops + 1, sizeof *shown);
	if (!shown)
		return -ENOMEM;
	size_t n = 0;
	for (size_t i = 0; i < l->n_loops; i++)
		if (l->loops[i] && is_shown(l, l->loops[i]->id))
			shown[n++] = l->loops[i];
	struct pen p = pen_of(l);
	int err = status_lines(&p, &of, shown, n);
	free(shown);
	l->status_at_ns = at_ns;
	for (size_t i = 0; i < l->n_loops; i++)
		if (l->loops[i])
			reset_interval(l, &l->loops[i]);
	l->has_status = true;
	return err;
}

static void print_loss(struct live *l, struct told_loss *t)
{
	struct pen p = pen_of(l);
	char count[MOMENT_BYTES];
	p.indent = 6;
	pen_printf(&p, INK_RED, "lost%s: %s", t->told ? " so far" : "", number_text(t->loss.count, count));
	pen_words(&p, INK_RED, t->loss.meaning[0] ? t->loss.meaning : t->loss.reason);
	pen_end(&p);
	t->told = t->loss.count;
}

/* That it goes on is no news every five seconds: it is said again when there are twice as many. The summary has them all. */
static bool has_grown(const struct told_loss *t)
{
	return t->loss.count > t->told && t->loss.count / 2 >= t->told;
}

/* The first of its kind at once, more of it with the status lines. */
static int take_loss(struct live *l, const struct fact *f)
{
	size_t i = 0;
	while (i < l->n_losses && strcmp(l->losses[i].loss.reason, f->loss.reason))
		i++;
	if (i < l->n_losses) {
		l->losses[i].loss.count += f->loss.count;
		return 0;
	}
	if (!array_reserve(&l->losses, &l->losses_cap, i + 1, sizeof *l->losses))
		return -ENOMEM;
	l->losses[l->n_losses++] = (struct told_loss){.loss = f->loss};
	print_loss(l, &l->losses[i]);
	return 0;
}

/* --- facts --------------------------------------------------------------------------------------- */

static int take_header(struct live *l, const struct fact *f)
{
	l->clock_at_ns = f->at_ns;
	l->clock_wall_us = f->header.wall_us;
	if (!l->options.threshold_ns)
		l->threshold_ns = f->header.threshold_ns;
	return 0;
}

static int take_clock(struct live *l, const struct fact *f)
{
	l->clock_at_ns = f->at_ns;
	l->clock_wall_us = f->clock.wall_us;
	return 0;
}

static int take_loop(struct live *l, const struct fact *f)
{
	if (!dictionary_loop(l->options.dictionary, f->loop.id))
		return 0;
	struct live_loop *loop = loop_of(l, f->loop.id);
	if (!loop)
		return -ENOMEM;
	if (f->loop.gone)
		loop->open = false;
	return 0;
}

static int take_counts(struct live *l, const struct fact *f)
{
	if (!dictionary_loop(l->options.dictionary, f->counts->loop))
		return 0;
	struct live_loop *loop = loop_of(l, f->counts->loop);
	if (!loop)
		return -ENOMEM;
	loop->elapsed_ns += f->counts->elapsed_ns;
	loop->busy_ns += f->counts->busy_ns;
	loop->before_ns += f->counts->unobserved_ns;
	loop->open_gap_ns = f->counts->open_ns;
	loop->counted_at_ns = f->at_ns;
	histogram_merge(&loop->lag, &f->counts->lag);
	return 0;
}

/* Once, behind the first stall that lacks names: what can be done without starting anything anew is best done now. */
static void put_naming(struct live *l, const struct fact_stall *s)
{
	const struct dictionary *d = l->options.dictionary;
	const struct fact_stack *stack = s->culprit_stack ? dictionary_stack(d, s->culprit_stack) : NULL;
	const struct fact_loop *loop = dictionary_loop(d, s->loop);
	struct bytes text = {0};

	if (l->names_told || !loop || strncmp(loop->runtime, "jvm", strlen("jvm")) != 0)
		return;
	naming_remedy(&text, d, stack, loop);
	if (text.len) {
		struct pen p = pen_of(l);
		l->names_told = true;
		pen_indent(&p, pen_below(&p, STALL_INDENT));
		pen_words(&p, INK_DIM, bytes_text(&text));
		pen_end(&p);
	}
	l->out.failed |= !bytes_ok(&text);
	bytes_free(&text);
}

/*
 * When the stall began, as it was said first: the wall clock is read anew all the time, and what is reported again would begin at another
 * moment each time.
 */
static uint64_t told_start_us(const struct live *l, struct live_loop *loop, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	if (!s->start_ns || s->state == STALL_STUCK)
		return wall_us(l, f->at_ns);
	if (loop->told_start_ns != s->start_ns) {
		loop->told_start_ns = s->start_ns;
		loop->told_start_us = wall_us(l, s->start_ns);
	}
	return loop->told_start_us;
}

static int take_stall(struct live *l, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	if (s->lag_ns < l->threshold_ns || !is_shown(l, s->loop))
		return 0;
	struct live_loop *loop = loop_of(l, s->loop);
	if (!loop)
		return -ENOMEM;
	bool is_open = !stall_is_over(s);
	if (l->options.only_open && !is_open)
		return 0;
	bool known = loop->last_open.gap_seq == s->gap_seq && loop->last_open.lag_ns;
	bool grown = is_open && known && loop->last_open.culprit_frame == s->culprit_frame &&
		     loop->last_open.verdict == s->verdict;
	loop->open = is_open;
	if (is_open) {
		loop->last_open = *s;
		loop->open_at_ns = f->at_ns;
	} else {
		loop->stalls++;
		loop->new_stalls++;
		loop->longest_ns = s->lag_ns > loop->longest_ns ? s->lag_ns : loop->longest_ns;
	}
	struct pen p = pen_of(l);
	stall_lines(&p, s, l->options.dictionary, told_start_us(l, loop, f), grown);
	if (!grown)
		put_naming(l, s);
	return 0;
}

static int take_worker(struct live *l, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	struct pen p = pen_of(l);
	if (s->lag_ns >= l->threshold_ns && is_shown(l, s->loop))
		worker_lines(&p, s, l->options.dictionary, wall_us(l, s->start_ns ? s->start_ns : f->at_ns));
	return 0;
}

/* known: it was said that it is. */
static void put_saturated(struct pen *p, const struct fact_saturated *s, uint64_t at_ns, bool known)
{
	uint64_t elapsed_ns = at_ns > s->since_ns ? at_ns - s->since_ns : 0;
	double seconds = (double)elapsed_ns / 1e9,
	       busy = elapsed_ns ? (double)s->busy_ns / (double)elapsed_ns : 0;
	char text[DURATION_TEXT_BYTES], share[MOMENT_BYTES], rate[MOMENT_BYTES];
	pen_printf(p, s->ended ? INK_PLAIN : INK_RED, "%s %s",
		   !s->ended ? "SATURATED for"
		   : known   ? "no longer saturated, was for"
			     : "was saturated for",
		   duration_text(elapsed_ns, text));
	pen_piecef(p, INK_PLAIN, ": ", "%s busy", percent_text(busy < 1 ? busy : 1, share));
	if (seconds > 0)
		pen_piecef(p, INK_PLAIN, " · ", "%s iterations/s",
			   number_text((uint64_t)((double)s->iterations / seconds + 0.5), rate));
}

static void put_saturated_evidence(struct pen *p, const struct fact_saturated *s)
{
	if (!s->evidence[0])
		return;
	pen_end(p);
	pen_indent(p, pen_below(p, STALL_INDENT));
	pen_words(p, INK_PLAIN, s->evidence);
}

/* Everything is late and no single gap is long: what it spends its time on is all there is to say. */
static void put_saturated_stack(struct live *l, struct pen *p, const struct fact_saturated *s)
{
	const struct dictionary *d = l->options.dictionary;
	struct weighted_stack stacks[ARRAY_LEN(s->samples)];
	size_t n = 0;
	for (uint32_t i = 0; i < s->n_samples && i < ARRAY_LEN(s->samples); i++)
		if (s->samples[i].stack)
			stacks[n++] = (struct weighted_stack){s->samples[i].stack, s->samples[i].ns};
	struct culprit c = culprit_of(stacks, n, d);
	const struct fact_stack *stack = c.stack ? dictionary_stack(d, c.stack) : NULL;
	if (!stack)
		return;
	pen_end(p);
	pen_indent(p, pen_below(p, STALL_INDENT));
	phrase_stack(p, d, stack, c.frame, 2);
}

static int take_saturated(struct live *l, const struct fact *f)
{
	const struct fact_saturated *s = f->saturated;
	struct live_loop *loop = is_shown(l, s->loop) ? loop_of(l, s->loop) : NULL;
	if (!loop)
		return is_shown(l, s->loop) ? -ENOMEM : 0;
	bool known = loop->saturated;
	loop->saturated = !s->ended;
	loop->was_saturated = true;
	struct pen p = pen_of(l);
	struct bytes name = {0};
	char time[MOMENT_BYTES];
	phrase_loop(&name, dictionary_loop(l->options.dictionary, s->loop));
	pen_put(&p, INK_DIM, moment_text(p.style, wall_us(l, f->at_ns), true, time));
	p.indent = pen_below(&p, STALL_INDENT);
	pen_to(&p, STALL_INDENT);
	pen_printf(&p, INK_PLAIN, "%s  ", bytes_text(&name));
	put_saturated(&p, s, f->at_ns, known);
	put_saturated_evidence(&p, s);
	put_saturated_stack(l, &p, s);
	pen_end(&p);
	l->out.failed |= !bytes_ok(&name);
	bytes_free(&name);
	return 0;
}

static int take_tick(struct live *l, const struct fact *f)
{
	if (l->options.only_open)
		return 0;
	if (l->has_status && f->at_ns - l->status_at_ns < STATUS_EVERY_NS)
		return 0;
	for (size_t i = 0; i < l->n_losses; i++)
		if (has_grown(&l->losses[i]))
			print_loss(l, &l->losses[i]);
	return print_status(l, f->at_ns);
}

static int (*const takers[FACT_KINDS])(struct live *, const struct fact *) = {
	[FACT_HEADER] = take_header, [FACT_CLOCK] = take_clock,	  [FACT_LOOP] = take_loop,
	[FACT_STALL] = take_stall,   [FACT_WORKER] = take_worker, [FACT_SATURATED] = take_saturated,
	[FACT_COUNTS] = take_counts, [FACT_LOSS] = take_loss,	  [FACT_TICK] = take_tick,
};

static int take(struct sink *self, const struct fact *f)
{
	struct live *l = (struct live *)self;
	bool left_out = l->muted && (f->kind == FACT_STALL || f->kind == FACT_WORKER ||
				     f->kind == FACT_SATURATED || f->kind == FACT_TICK);
	int err = f->kind < FACT_KINDS && takers[f->kind] && !left_out ? takers[f->kind](l, f) : 0;
	if (!err && !bytes_ok(&l->out))
		err = -ENOMEM;
	if (!err && l->out.len)
		err = l->options.flush(l->options.context, bytes_text(&l->out), l->out.len);
	bytes_clear(&l->out);
	return err;
}

struct live *live_new(const struct live_options *o)
{
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->sink.take = take;
	l->options = *o;
	l->threshold_ns = o->threshold_ns;
	return l;
}

void live_mute(struct live *l, bool muted)
{
	l->muted = muted;
}

struct sink *live_sink(struct live *l)
{
	return &l->sink;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_loops; i++)
		free(l->loops[i]);
	free(l->loops);
	free(l->losses);
	bytes_free(&l->out);
	free(l);
}
