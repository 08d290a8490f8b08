/* SPDX-License-Identifier: Apache-2.0 */
#include "report/status.h"

#include "base/duration.h"
#include "report/moment.h"
#include "report/phrase.h"

#include <errno.h>
#include <stdlib.h>

#define NEARLY_FULL 0.8 /* busier than this is not "look elsewhere" */
#define QUIET_NS    10000000

/* What a loop looks like since the last status lines. */
struct status {
	const struct live_loop *loop;
	uint64_t lag_p99_ns, open_ns;
	double busy;
};

static uint64_t open_lag_ns(const struct live_loop *loop, uint64_t at_ns)
{
	return loop->open ? loop->last_open.lag_ns + at_ns - loop->open_at_ns : 0;
}

/* As it was counted; recordings that do not have it know an open stall's. */
uint64_t status_open_gap_ns(const struct live_loop *loop, uint64_t at_ns)
{
	if (loop->open_gap_ns)
		return loop->open_gap_ns + at_ns - loop->counted_at_ns;
	return loop->open && loop->last_open.gap_ns ? open_lag_ns(loop, at_ns) : 0;
}

static uint64_t at_most(uint64_t ns, uint64_t most_ns)
{
	return ns < most_ns ? ns : most_ns;
}

/*
 * What of its gaps lies between the last status lines and these: of one that was open then only what came after, and of one that is open
 * now what has passed of it.
 */
static uint64_t busy_inside_ns(const struct live_loop *loop, uint64_t open_gap_ns, uint64_t elapsed_ns)
{
	uint64_t ns = loop->busy_ns + open_gap_ns;
	return at_most(ns > loop->before_ns ? ns - loop->before_ns : 0, elapsed_ns);
}

/* The same of the lags; the gap that was open then is the longest, if it has ended. */
static struct histogram lag_inside(const struct live_loop *loop, uint64_t open_ns, uint64_t elapsed_ns)
{
	struct histogram lag = loop->lag;
	histogram_shorten_longest(&lag, loop->before_ns);
	if (open_ns)
		histogram_add(&lag, at_most(open_ns, elapsed_ns), 1);
	return lag;
}

static struct status status_of(const struct live_loop *loop, const struct status_line *of)
{
	struct status s = {.loop = loop, .open_ns = open_lag_ns(loop, of->at_ns)};
	uint64_t open_gap_ns = status_open_gap_ns(loop, of->at_ns),
		 elapsed_ns = loop->elapsed_ns || !loop->open ? loop->elapsed_ns : of->at_ns - of->since_ns;
	struct histogram lag =
		lag_inside(loop, s.open_ns > open_gap_ns ? s.open_ns : open_gap_ns, elapsed_ns);
	s.lag_p99_ns = histogram_arrival_quantile_ns(&lag, 0.99, elapsed_ns);
	if (elapsed_ns)
		s.busy = (double)busy_inside_ns(loop, open_gap_ns, elapsed_ns) / (double)elapsed_ns;
	return s;
}

static int worst_first(const void *a, const void *b)
{
	const struct status *x = a, *y = b;
	if (x->loop->open != y->loop->open)
		return x->loop->open ? -1 : 1;
	if (x->loop->new_stalls != y->loop->new_stalls)
		return x->loop->new_stalls < y->loop->new_stalls ? 1 : -1;
	if (x->lag_p99_ns != y->lag_p99_ns)
		return x->lag_p99_ns < y->lag_p99_ns ? 1 : -1;
	if (x->busy != y->busy)
		return x->busy < y->busy ? 1 : -1;
	return x->loop->id < y->loop->id ? -1 : 1;
}

/* "Look elsewhere" is said of a target, so only when nothing in it is wrong. */
static bool is_innocent(const struct status *s)
{
	return !s->loop->open && !s->loop->stalls && !s->loop->was_saturated && s->busy < NEARLY_FULL;
}

/* Runtimes keep loops for themselves that hardly ever run: beside another one they are not worth a line. */
static bool is_idle(const struct status *s)
{
	return is_innocent(s) && s->busy < 0.0005;
}

static void put_stalls(struct pen *p, const struct status *s, bool is_first, bool all_innocent)
{
	const struct live_loop *loop = s->loop;
	char text[DURATION_TEXT_BYTES];
	if (loop->open)
		pen_piecef(p, INK_RED, " · ", "%s %s",
			   loop->last_open.state == STALL_STUCK ? "STUCK ≥" : "stalled so far",
			   duration_text(s->open_ns, text));
	if (loop->stalls)
		pen_piecef(p, INK_YELLOW, " · ", "%llu stall%s, longest %s", (unsigned long long)loop->stalls,
			   loop->stalls == 1 ? "" : "s", duration_text(loop->longest_ns, text));
	if (loop->open || loop->stalls)
		return;
	/* The first look is of a fraction of a second, in which a program may just have started. */
	if (!is_first && (loop->saturated || s->busy >= NEARLY_FULL))
		pen_piece(p, INK_YELLOW, " · ", "no long stall, but hardly ever idle");
	else
		pen_piece(p, INK_GREEN, " · ",
			  is_first	 ? "no stalls yet"
			  : all_innocent ? "no stalls: look elsewhere"
					 : "no stalls");
}

static void put_rules(struct pen *p, uint64_t threshold_ns)
{
	char text[DURATION_TEXT_BYTES];
	if (threshold_ns)
		pen_piecef(p, INK_DIM, " · ", "threshold %s", duration_text(threshold_ns, text));
	pen_piece(p, INK_DIM, " · ", "Ctrl-C for the summary");
}

static void put_status(struct pen *p, const struct status_line *of, const struct status *s, bool with_rules,
		       bool all_innocent)
{
	const struct fact_loop *loop = dictionary_loop(of->dictionary, s->loop->id);
	struct bytes name = {0};
	char text[DURATION_TEXT_BYTES], share[MOMENT_BYTES], time[MOMENT_BYTES];
	phrase_loop(&name, loop);
	if (!of->is_first)
		pen_printf(p, INK_DIM, "%s      ", moment_text(p->style, of->wall_us, false, time));
	p->indent = of->is_first ? 2 : pen_below(p, 14);
	pen_put(p, INK_BOLD, bytes_text(&name));
	if (of->is_first && loop->runtime[0])
		pen_printf(p, INK_PLAIN, " %s", loop->runtime);
	pen_piecef(p, INK_PLAIN, " · ", "loop %s busy", percent_text(s->busy, share));
	enum ink ink = s->lag_p99_ns >= of->threshold_ns ? INK_YELLOW : INK_PLAIN;
	if (s->open_ns < of->at_ns - of->since_ns) /* else nothing was served, and the age says more */
		pen_piecef(p, ink, " · ", "lag p99 %s",
			   s->lag_p99_ns ? duration_text(s->lag_p99_ns, text) : "0");
	put_stalls(p, s, of->is_first, all_innocent);
	if (loop->class == LOOP_SHARED)
		pen_piece(p, INK_DIM, " · ", "epoll covered: a worker may still block");
	if (with_rules)
		put_rules(p, of->threshold_ns);
	pen_end(p);
	p->out->failed |= !bytes_ok(&name);
	bytes_free(&name);
}

static void put_others(struct pen *p, const struct status_line *of, const struct status *others, size_t n)
{
	char text[DURATION_TEXT_BYTES];
	uint64_t stalls = 0;
	for (size_t i = 0; i < n; i++)
		stalls += others[i].loop->new_stalls;
	pen_to(p, of->is_first ? 0 : pen_below(p, 14));
	pen_printf(p, INK_DIM, "+ %zu more loop%s", n, n == 1 ? "" : "s");
	if (stalls)
		pen_printf(p, INK_YELLOW, ", %llu stalls", (unsigned long long)stalls);
	else if (others[0].lag_p99_ns >= QUIET_NS)
		pen_printf(p, INK_DIM, ", worst lag p99 %s", duration_text(others[0].lag_p99_ns, text));
	else
		pen_put(p, INK_DIM, ", all quiet");
	pen_end(p);
}

int status_lines(struct pen *p, const struct status_line *of, const struct live_loop *const *loops, size_t n)
{
	struct status *statuses = calloc(n + 1, sizeof *statuses);
	size_t living = 0;
	if (!statuses)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!dictionary_loop(of->dictionary, loops[i]->id)->gone)
			statuses[living++] = status_of(loops[i], of);
	qsort(statuses, living, sizeof *statuses, worst_first);
	bool all_innocent = true;
	for (size_t i = 0; i < living; i++)
		all_innocent &= is_innocent(&statuses[i]);
	size_t shown = 0;
	for (; shown < living && shown < STATUS_LOOPS && !(shown && is_idle(&statuses[shown])); shown++)
		put_status(p, of, &statuses[shown], of->is_first && shown == 0, all_innocent);
	if (living > shown)
		put_others(p, of, statuses + shown, living - shown);
	if (!living) {
		pen_put(p, INK_PLAIN,
			n || of->some_ended ? "all loops seen are gone" : "no loop has waited yet");
		if (of->is_first) {
			p->indent = 2;
			put_rules(p, of->threshold_ns);
		}
		pen_end(p);
	}
	free(statuses);
	return 0;
}
