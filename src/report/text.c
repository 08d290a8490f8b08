/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary for people. In the order of the questions: can I trust it, how bad is it, since when, what is
 * it, what would a fix bring.
 */
#include "base/array.h"
#include "base/duration.h"
#include "model/evidence.h"
#include "report/answer.h"
#include "report/bars.h"
#include "report/moment.h"
#include "report/phrase.h"
#include "report/phrase_summary.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

#define TOP_LOOPS  12
#define TOP_CAUSES 8
#define TOP_BLOCKS 6

/* Puts a phrase and frees it. */
static void put_phrase(struct pen *p, enum ink ink, struct bytes *text)
{
	pen_put(p, ink, bytes_text(text));
	p->out->failed |= !bytes_ok(text);
	bytes_free(text);
}

static void put_heading(struct pen *p, const char *title, const char *legend)
{
	pen_end(p);
	p->indent = 2;
	pen_put(p, INK_BOLD, title);
	if (legend[0])
		pen_flow(p, INK_DIM, "  ", legend);
	pen_end(p);
}

static void put_losses(struct pen *p, const struct summary *s)
{
	char count[MOMENT_BYTES];
	for (size_t i = 0; i < s->n_losses; i++) {
		const struct tally_loss *l = &s->losses[i];
		if (!l->count)
			continue;
		p->indent = 5;
		pen_printf(p, INK_RED, "LOST %s", number_text(l->count, count));
		pen_words(p, INK_RED, l->meaning[0] ? l->meaning : l->reason);
		pen_end(p);
	}
	if (s->cut_short) {
		pen_put(p, INK_RED, "CUT SHORT: the recording has no end; what came after is not known");
		pen_end(p);
	}
}

static void put_head(struct pen *p, const struct summary *s)
{
	char text[DURATION_TEXT_BYTES], date[MOMENT_BYTES];
	const struct fact_header *h = s->header;
	p->indent = 2;
	if (h && h->target[0])
		pen_piece(p, INK_BOLD, "", h->target);
	if (h && h->host[0])
		pen_piecef(p, INK_PLAIN, " · ", "host %s", h->host);
	pen_piecef(p, INK_PLAIN, " · ", "%s", duration_text(s->elapsed_ns, text));
	if (s->start_wall_us)
		pen_piecef(p, INK_PLAIN, " ", "from %s", moment_date(p->style, s->start_wall_us, date));
	if (s->threshold_ns)
		pen_piecef(p, INK_PLAIN, " · ", "threshold %s", duration_text(s->threshold_ns, text));
	if (s->end_reason[0])
		pen_piecef(p, INK_DIM, " · ", "ended by %s", s->end_reason);
	pen_end(p);
}

/* --- loops --------------------------------------------------------------------------------------- */

/* Room for names where the line has it. */
static int name_columns(const struct pen *p)
{
	return p->width >= 110 ? 44 : p->width >= 95 ? 34 : p->width >= STYLE_WIDTH ? 22 : 18;
}

/* Where there is no room the lower ones go first. */
static size_t first_quantile(const struct pen *p)
{
	return p->width >= STYLE_WIDTH ? 0 : 2;
}

static void put_quantiles(struct pen *p, const struct summary_quantiles *q, uint64_t threshold_ns)
{
	const uint64_t ns[] = {q->p50_ns, q->p90_ns, q->p99_ns, q->max_ns};
	char text[DURATION_TEXT_BYTES];
	for (size_t i = first_quantile(p); i < ARRAY_LEN(ns); i++)
		pen_cell(p, threshold_ns && ns[i] >= threshold_ns ? INK_YELLOW : INK_PLAIN, -8,
			 ns[i] ? duration_text(ns[i], text) : "0");
}

static void put_detail(struct pen *p, const struct summary_loop *l)
{
	char share[MOMENT_BYTES], rate[MOMENT_BYTES];
	pen_indent(p, 4);
	pen_piecef(p, INK_DIM, " · ", "%s iterations/s",
		   number_text((uint64_t)(l->iterations_per_s + 0.5), rate));
	pen_piecef(p, INK_DIM, " · ", "%.1f events per wait", l->events_per_wait);
	pen_piecef(p, INK_DIM, " · ", "%s zero-timeout waits", percent_text(l->zero_wait_share, share));
	pen_piece(p, INK_DIM, " · ", loop_class_word(l->loop->class));
	if (l->loop->runtime[0])
		pen_piece(p, INK_DIM, " · ", l->loop->runtime);
	pen_end(p);
	pen_cell(p, INK_DIM, name_columns(p), "    per iteration");
	put_quantiles(p, &l->iteration, 0);
	pen_end(p);
}

static void put_saturated(struct pen *p, const struct summary *s, const struct summary_loop *l)
{
	struct bytes text = {0};
	uint32_t frame;
	const struct fact_saturated *last = l->last_saturated;
	const struct fact_stack *stack = summary_saturated_stack(s, l, &frame);
	pen_indent(p, 4);
	phrase_saturated(&text, l);
	put_phrase(p, INK_RED, &text);
	if (stack) {
		pen_put(p, INK_PLAIN, ":");
		phrase_stack(p, s->dictionary, stack, frame, 2);
	}
	pen_end(p);
	if (!last || !last->evidence[0])
		return;
	pen_indent(p, 4);
	pen_words(p, INK_PLAIN, last->evidence);
	pen_end(p);
}

static void put_workers(struct pen *p, const struct summary *s, const struct blocked_workers *w)
{
	struct bytes text = {0};
	const struct fact_stack *stack = w->stack ? dictionary_stack(s->dictionary, w->stack) : NULL;
	pen_indent(p, 4);
	phrase_workers(&text, w);
	put_phrase(p, INK_YELLOW, &text);
	if (stack) {
		pen_put(p, INK_PLAIN, ":");
		phrase_stack(p, s->dictionary, stack, w->culprit_frame, 2);
	}
	pen_end(p);
	if (!w->remedy || !w->remedy[0])
		return;
	pen_indent(p, 4);
	pen_put(p, INK_GREEN, "→");
	p->indent = 6;
	pen_words(p, INK_GREEN, w->remedy);
	pen_end(p);
}

static void put_state(struct pen *p, const struct summary_loop *l)
{
	pen_put(p, INK_PLAIN, "  ");
	if (summary_is_open(l))
		pen_put(p, INK_RED, l->open->state == STALL_STUCK ? "STUCK" : "OPEN");
	else if (l->stalls.stalls)
		pen_put(p, phrase_verdict_ink(l->top_verdict), verdict_word(l->top_verdict));
}

static void put_loop(struct pen *p, const struct summary *s, const struct summary_loop *l)
{
	char text[MOMENT_BYTES];
	pen_put(p, INK_PLAIN, "  ");
	phrase_loop_cell(p, INK_BOLD, (unsigned)name_columns(p) - 2, l->loop);
	put_quantiles(p, &l->arrival, s->threshold_ns);
	bool has_room = p->width >= PEN_NARROW;
	if (has_room)
		pen_cell(p, INK_PLAIN, -7, number_text(l->stalls.stalls, text));
	pen_cell(p, INK_PLAIN, has_room ? -7 : -6, percent_text(l->utilisation, text));
	if (has_room)
		put_state(p, l);
	pen_end(p);
	if (p->style->verbose)
		put_detail(p, l);
	if (l->saturated_ns)
		put_saturated(p, s, l);
	if (l->workers->times)
		put_workers(p, s, l->workers);
}

/* The loops that were not told, and those that are none to judge: told is all of them then. */
static void put_folded(struct pen *p, const struct summary *s, size_t told, size_t of)
{
	struct bytes text = {0};
	bytes_puts(&text, "  ");
	if (told < of)
		phrase_more_loops(&text, s, told, of);
	else
		phrase_not_judged(&text, s);
	bytes_puts(&text, " (-v)");
	put_phrase(p, INK_DIM, &text);
	pen_end(p);
}

static void put_loops(struct pen *p, const struct summary *s)
{
	static const char *const titles[] = {"p50", "p90", "p99", "max"};
	size_t n = p->style->verbose ? s->n_loops : s->n_loops - s->n_hidden;
	if (n) {
		put_heading(p, "Lag",
			    "how long one that arrived at a random moment had to wait for the loop");
		pen_cell(p, INK_DIM, name_columns(p), "  loop");
		for (size_t i = first_quantile(p); i < ARRAY_LEN(titles); i++)
			pen_cell(p, INK_DIM, -8, titles[i]);
		pen_put(p, INK_DIM, p->width >= PEN_NARROW ? " stalls   busy  mostly" : "  busy");
		pen_end(p);
	}
	size_t told = p->style->verbose ? n : summary_loops_told(s, TOP_LOOPS);
	for (size_t i = 0; i < told; i++)
		put_loop(p, s, &s->loops[i]);
	if (told < n)
		put_folded(p, s, told, n);
	if (n < s->n_loops)
		put_folded(p, s, s->n_loops, n);
}

static void put_histogram(struct pen *p, const struct summary *s)
{
	const struct summary_loop *l = s->n_loops ? &s->loops[0] : NULL;
	struct bytes title = {0};
	if (!l || l->hidden || !l->lag.n)
		return;
	bytes_puts(&title, "Lag of ");
	phrase_loop(&title, l->loop);
	put_heading(p, bytes_text(&title), "iterations; share of the time, which the bar shows");
	bars_histogram(p, &l->lag, s->threshold_ns, l->elapsed_ns);
	p->out->failed |= !bytes_ok(&title);
	bytes_free(&title);
}

/* --- causes -------------------------------------------------------------------------------------- */

/* "name evidence" and "→ remedy", on one line where there is no evidence. */
static void put_named(struct pen *p, unsigned indent, const char *name, const char *evidence,
		      const char *remedy)
{
	pen_indent(p, indent);
	pen_put(p, INK_BOLD, name[0] ? name : "·");
	if (name[0] && evidence[0])
		pen_put(p, INK_BOLD, ":");
	p->indent += 2;
	if (evidence[0]) {
		pen_words(p, INK_PLAIN, evidence);
		pen_end(p);
		if (!remedy[0])
			return;
		pen_indent(p, indent);
	}
	pen_piece(p, INK_GREEN, " ", "→");
	p->indent = indent + 2;
	pen_words(p, INK_GREEN, remedy);
	pen_end(p);
}

static void put_told(struct pen *p, const struct summary_cause *c)
{
	struct bytes name = {0};
	phrase_told(&name, c);
	put_named(p, pen_below(p, 17), bytes_text(&name), c->evidence, c->remedy);
	p->out->failed |= !bytes_ok(&name);
	bytes_free(&name);
}

static void put_cause(struct pen *p, const struct summary *s, const struct summary_cause *c)
{
	struct bytes text = {0};
	char sum[DURATION_TEXT_BYTES], share[MOMENT_BYTES];
	phrase_cause(&text, c);
	pen_cell(p, INK_BOLD, -9, duration_text(c->tally.ns, sum));
	pen_cell(p, INK_PLAIN, -6, percent_text(c->share < 1 ? c->share : 1, share));
	pen_put(p, INK_PLAIN, "  ");
	p->indent = pen_below(p, p->column);
	enum ink ink = c->frame ? INK_BOLD : INK_YELLOW;
	if (p->width < PEN_NARROW || (c->frame && c->frame->file[0]))
		pen_flow(p, ink, "", bytes_text(&text));
	else
		pen_put(p, ink, bytes_text(&text)); /* a long name says enough by its beginning */
	if (c->frame)
		pen_piece(p, phrase_verdict_ink(c->verdict), "  ", verdict_word(c->verdict));
	bytes_clear(&text);
	phrase_in_stalls(&text, c->tally.stalls, c->tally.longest_ns);
	pen_piece(p, INK_DIM, "  ", bytes_text(&text));
	if (c->period_ns)
		pen_piecef(p, INK_DIM, ", ", "one every %s", duration_text(c->period_ns, sum));
	if (c->loops > 1)
		pen_piecef(p, INK_DIM, ", ", "%u loops", c->loops);
	pen_end(p);
	if (c->stack && c->frame) {
		pen_indent(p, pen_below(p, 17));
		phrase_stack(p, s->dictionary, c->stack, c->tally.frame, 2);
		pen_end(p);
	}
	if (c->remedy[0])
		put_told(p, c);
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

/* What it takes to have the line and not only what it called. */
static void put_naming(struct pen *p, const struct summary *s)
{
	struct bytes text = {0};
	phrase_naming(&text, s);
	if (text.len) {
		pen_indent(p, 2);
		pen_words(p, INK_DIM, bytes_text(&text));
		pen_end(p);
	}
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

static void put_causes(struct pen *p, const struct summary *s)
{
	if (!s->n_causes)
		return;
	put_heading(p, "Culprits", "where the time of all stalls went; stacks innermost first");
	size_t n = summary_causes_told(s, TOP_CAUSES);
	for (size_t i = 0; i < n; i++)
		put_cause(p, s, &s->causes[i]);
	if (n < s->n_causes) {
		pen_indent(p, pen_below(p, 17));
		pen_printf(p, INK_DIM, "+ %zu smaller", s->n_causes - n);
		pen_end(p);
	}
	put_naming(p, s);
}

static void put_patterns(struct pen *p, const struct summary *s)
{
	bool titled = false;
	for (size_t i = 0; i < s->n_loops; i++) {
		const struct summary_loop *l = &s->loops[i];
		if (!l->n_patterns || (l->hidden && !p->style->verbose))
			continue;
		if (!titled)
			put_heading(p, "Patterns", "what many iterations show together");
		titled = true;
		pen_put(p, INK_PLAIN, "  ");
		phrase_loop_cell(p, INK_BOLD, (unsigned)name_columns(p) - 2, l->loop);
		pen_end(p);
		for (size_t k = 0; k < l->n_patterns; k++)
			put_named(p, 4, l->patterns[k].name, l->patterns[k].evidence, l->patterns[k].remedy);
	}
}

static void put_block(struct pen *p, const struct tally_block *b)
{
	struct bytes text = {0};
	char sum[DURATION_TEXT_BYTES], longest[DURATION_TEXT_BYTES], count[MOMENT_BYTES];
	pen_cell(p, INK_PLAIN, -9, duration_text(b->sum_ns, sum));
	pen_printf(p, INK_PLAIN, "  %s ×", number_text(b->count, count));
	phrase_call(&text, b->call, b->kind, b->target, 0);
	if (b->several)
		bytes_puts(&text, " and others");
	p->indent = pen_below(p, 17);
	pen_words(p, INK_PLAIN, bytes_text(&text));
	pen_piecef(p, INK_DIM, "  ", "up to %s", duration_text(b->max_ns, longest));
	if (b->waker.tid && b->waker.comm[0])
		pen_piecef(p, INK_DIM, "  ", "ended by %s[%u]", b->waker.comm, b->waker.tid);
	pen_end(p);
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

static void put_blocks(struct pen *p, const struct summary *s)
{
	if (!s->n_blocks)
		return;
	put_heading(p, "Blocked on", "calls that waited inside stalls");
	for (size_t i = 0; i < s->n_blocks && i < TOP_BLOCKS; i++)
		put_block(p, &s->blocks[i]);
	if (s->n_blocks > TOP_BLOCKS) {
		pen_printf(p, INK_DIM, "           + %zu more", s->n_blocks - TOP_BLOCKS);
		pen_end(p);
	}
}

/* "120 ms  stress[3120]  in 3 stalls, up to 80 ms", with the heading over the first. */
static void put_absent(struct pen *p, bool *titled, const char *who, uint64_t ns, uint64_t longest_ns,
		       uint64_t stalls)
{
	char sum[DURATION_TEXT_BYTES];
	struct bytes often = {0};
	if (!*titled)
		put_heading(p, "No CPU", "whose limit held loops back, and who ran while they were ready");
	*titled = true;
	pen_cell(p, INK_PLAIN, -9, duration_text(ns, sum));
	pen_put(p, INK_PLAIN, "  ");
	p->indent = pen_below(p, 11);
	pen_flow(p, INK_PLAIN, "", who);
	phrase_in_stalls(&often, stalls, longest_ns);
	pen_piece(p, INK_DIM, "  ", bytes_text(&often));
	pen_end(p);
	p->out->failed |= !bytes_ok(&often);
	bytes_free(&often);
}

static void put_absence(struct pen *p, const struct summary *s)
{
	const struct absence *a = &s->absence;
	uint64_t least_ns = s->stall_ns / SUMMARY_LEAST_ABSENCE;
	struct bytes who = {0};
	bool titled = false;
	for (size_t i = 0; i < a->n_limits && i < TOP_BLOCKS && a->limits[i].ns >= least_ns; i++) {
		const struct absence_limit *l = &a->limits[i];
		bytes_clear(&who);
		evidence_limit(&who, &l->limit);
		put_absent(p, &titled, bytes_text(&who), l->ns, l->longest_ns, l->stalls);
	}
	for (size_t i = 0; i < a->n_runners && i < TOP_BLOCKS && a->runners[i].ns >= least_ns; i++) {
		const struct absence_runner *r = &a->runners[i];
		bytes_clear(&who);
		phrase_runner(&who, r);
		put_absent(p, &titled, bytes_text(&who), r->ns, r->longest_ns, r->stalls);
	}
	p->out->failed |= !bytes_ok(&who);
	bytes_free(&who);
}

static void put_without(struct pen *p, const struct summary *s)
{
	char text[DURATION_TEXT_BYTES];
	const struct summary_without *w = &s->without;
	if (!w->n)
		return;
	struct bytes title = {0}, cause = {0};
	bytes_puts(&title, "Lag p99 of ");
	phrase_loop(&title, s->loops[w->loop].loop);
	put_heading(p, bytes_text(&title), "if a fix took a culprit's time away (first order)");
	pen_cell(p, INK_BOLD, -9, duration_text(w->before_ns, text));
	pen_put(p, INK_PLAIN, "  as it is");
	pen_end(p);
	for (size_t i = 0; i < w->n; i++) {
		bytes_clear(&cause);
		bytes_puts(&cause, "without ");
		phrase_cause(&cause, &s->causes[w->steps[i].cause]);
		bytes_puts(&cause, i ? " too" : "");
		pen_cell(p, INK_GREEN, -9,
			 w->steps[i].after_ns ? duration_text(w->steps[i].after_ns, text) : "0");
		pen_put(p, INK_PLAIN, "  ");
		p->indent = pen_below(p, 11);
		pen_flow(p, INK_PLAIN, "", bytes_text(&cause));
		pen_end(p);
	}
	p->out->failed |= !bytes_ok(&title) || !bytes_ok(&cause);
	bytes_free(&title);
	bytes_free(&cause);
}

int report_text(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct pen p = pen_on(out, style);
	put_losses(&p, s);
	put_head(&p, s);
	answer_line(&p, s);
	put_loops(&p, s);
	put_causes(&p, s);
	put_patterns(&p, s);
	put_without(&p, s);
	put_blocks(&p, s);
	put_absence(&p, s);
	if (s->stalls)
		put_heading(&p, "When", "");
	bars_timeline(&p, s->cells, s->n_cells, s->cell_ns);
	put_histogram(&p, s);
	return bytes_ok(out) ? 0 : -ENOMEM;
}
