/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of all stalls went, and what a fix would bring. */
#include "report/page.h"

#include "base/duration.h"
#include "report/moment.h"
#include "report/phrase.h"
#include "report/phrase_summary.h"

#define CAUSES_MOST 20

static double at_most_one(double share)
{
	return share < 1 ? share : 1;
}

/* What is not in the code has the colour of the verdict that it would be by itself. */
static const char *ink_of(const struct summary_cause *c)
{
	static const enum verdict verdicts[CAUSE_KINDS] = {[CAUSE_THROTTLED] = VERDICT_THROTTLED,
							   [CAUSE_NO_CPU] = VERDICT_STARVED,
							   [CAUSE_STOPPED] = VERDICT_STOPPED};
	return verdict_ink(c->frame ? c->verdict : verdicts[c->tally.kind]);
}

static void put_share(const struct page *p, const struct summary_cause *c, unsigned rank)
{
	char share[MOMENT_BYTES], sum[DURATION_TEXT_BYTES];
	percent_text(at_most_one(c->share), share);
	markup_put(p->out, "<div class=\"rank\">%u</div>\n<div class=\"share\"><b>%s</b>", rank, share);
	page_bar(p, c->share, ink_of(c), share);
	markup_put(p->out, "<span class=\"small dim\">%s</span></div>\n", duration_text(c->tally.ns, sum));
}

/* The name and the place apart: both are looked for. */
static void put_frame(const struct page *p, const struct fact_frame *f)
{
	struct bytes text = {0};
	if (!f->function[0]) {
		phrase_frame(&text, f);
		markup_put(p->out, "<code>");
		page_phrase(p, &text);
		markup_put(p->out, "</code>");
		return;
	}
	markup_put(p->out, "<code>" PAGE_NAME "</code>", f->function);
	if (f->file[0]) {
		markup_put(p->out, " <code class=\"place\">");
		page_place(p, f);
		markup_put(p->out, "</code>");
	}
	if (f->method == FRAME_GUESS)
		markup_put(p->out, " <span class=\"place dim\">(guessed)</span>");
}

static void put_title(const struct page *p, const struct summary_cause *c)
{
	struct bytes text = {0};
	markup_put(p->out, "<h3>");
	if (c->frame) {
		put_frame(p, c->frame);
		markup_put(p->out, " ");
		page_verdict(p, c->verdict);
	} else {
		phrase_cause(&text, c);
		markup_put(p->out, "<span class=\"place\">");
		page_phrase(p, &text);
		markup_put(p->out, "</span>");
	}
	markup_put(p->out, "</h3>\n");
}

static void put_often(const struct page *p, const struct summary_cause *c)
{
	struct bytes text = {0};
	char every[DURATION_TEXT_BYTES];
	phrase_in_stalls(&text, c->tally.stalls, c->tally.longest_ns);
	if (c->period_ns)
		bytes_printf(&text, ", one every %s", duration_text(c->period_ns, every));
	if (c->loops > 1)
		bytes_printf(&text, ", %u loops", c->loops);
	markup_put(p->out, "<p class=\"small dim\">");
	page_phrase(p, &text);
	markup_put(p->out, "</p>\n");
}

static void put_cause(const struct page *p, const struct summary_cause *c, unsigned rank)
{
	struct bytes name = {0};
	markup_put(p->out, "<li>");
	put_share(p, c, rank);
	markup_put(p->out, "<div class=\"what\">");
	put_title(p, c);
	put_often(p, c);
	if (c->remedy[0]) {
		phrase_told(&name, c);
		page_told(p, bytes_text(&name), c->evidence, c->remedy);
	}
	if (c->frame)
		page_stack(p, c->stack, c->tally.frame);
	markup_put(p->out, "</div></li>\n");
	p->out->failed |= !bytes_ok(&name);
	bytes_free(&name);
}

static void put_naming(const struct page *p)
{
	struct bytes text = {0};
	phrase_naming(&text, p->s);
	if (text.len)
		markup_put(p->out, "<p class=\"told small dim\">%s</p>\n", bytes_text(&text));
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

void page_culprits(const struct page *p)
{
	const struct summary *s = p->s;
	char more[MOMENT_BYTES];
	if (!s->n_causes)
		return;
	size_t n = summary_causes_told(s, CAUSES_MOST);
	page_begin(p, "culprits", "Culprits", "where the time of all stalls went; stacks innermost first");
	markup_put(p->out, "<ol class=\"culprits\">\n");
	for (size_t i = 0; i < n; i++)
		put_cause(p, &s->causes[i], (unsigned)i + 1);
	markup_put(p->out, "</ol>\n");
	if (n < s->n_causes)
		markup_put(p->out, "<p class=\"told dim\">+ %s smaller</p>\n",
			   number_text(s->n_causes - n, more));
	put_naming(p);
	page_end(p);
}

/* --- what a fix would bring ---------------------------------------------------------------------- */

static void put_step(const struct page *p, uint64_t ns, struct bytes *what, const char *ink)
{
	char text[DURATION_TEXT_BYTES];
	double before_ns = (double)p->s->without.before_ns;
	duration_text(ns, text);
	markup_put(p->out, "<tr><td class=\"n over\">%s</td><th scope=\"row\">", text);
	page_phrase(p, what);
	markup_put(p->out, "</th><td>");
	page_bar(p, before_ns > 0 ? (double)ns / before_ns : 0, ink, text);
	markup_put(p->out, "</td></tr>\n");
}

void page_without(const struct page *p)
{
	const struct summary_without *w = &p->s->without;
	struct bytes title = {0};
	if (!w->n)
		return;
	bytes_puts(&title, "Lag p99 of ");
	phrase_loop(&title, p->s->loops[w->loop].loop);
	page_begin(p, "without", bytes_text(&title), "if a fix took a culprit's time away (first order)");
	bytes_clear(&title);
	bytes_puts(&title, "as it is");
	markup_put(p->out, "<table class=\"steps\"><thead><tr><th scope=\"col\" class=\"n\">lag p99</th>"
			   "<th scope=\"col\">with which fix</th><th scope=\"col\">against what it "
			   "is</th></tr></thead><tbody>\n");
	put_step(p, w->before_ns, &title, "hot");
	for (size_t i = 0; i < w->n; i++) {
		struct bytes cause = {0};
		bytes_puts(&cause, "without ");
		phrase_cause(&cause, &p->s->causes[w->steps[i].cause]);
		bytes_puts(&cause, i ? " too" : "");
		put_step(p, w->steps[i].after_ns, &cause, "good");
	}
	markup_put(p->out, "</tbody></table>\n");
	page_end(p);
}
