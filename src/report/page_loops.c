/* SPDX-License-Identifier: Apache-2.0 */
/* The loops: their lag in one row each, below it what their stalls were, what many iterations show, and their histogram. */
#include "report/page.h"

#include "base/array.h"
#include "base/duration.h"
#include "report/bars.h"
#include "report/moment.h"
#include "report/phrase_summary.h"

#define LOOPS_MOST 40
#define COLUMNS	   "6" /* of the table */

/* --- the row ------------------------------------------------------------------------------------- */

static void put_lag(const struct page *p, uint64_t ns)
{
	char text[DURATION_TEXT_BYTES];
	bool is_over = p->s->threshold_ns && ns >= p->s->threshold_ns;
	markup_put(p->out, is_over ? "<td class=\"n over\">%s</td>" : "<td class=\"n\">%s</td>",
		   duration_text(ns, text));
}

static void put_row(const struct page *p, const struct summary_loop *l)
{
	char stalls[MOMENT_BYTES], busy[MOMENT_BYTES];
	markup_put(p->out, "<tr><th scope=\"row\">");
	page_loop_name(p, l->loop);
	if (summary_is_open(l))
		markup_put(p->out, " <span class=\"flag\">%s</span>",
			   l->open->state == STALL_STUCK ? "STUCK" : "OPEN");
	markup_put(p->out, "</th>");
	put_lag(p, l->arrival.p50_ns);
	put_lag(p, l->arrival.p99_ns);
	put_lag(p, l->arrival.max_ns);
	markup_put(p->out, "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
		   number_text(l->stalls.stalls, stalls), percent_text(l->utilisation, busy));
}

/* --- what its stalls were ------------------------------------------------------------------------ */

/* Verdicts that have time, most first; how many. */
static size_t verdicts_of(const struct tally_loop_stalls *t, enum verdict sorted[VERDICTS])
{
	size_t n = 0;
	for (unsigned v = 0; v < VERDICTS; v++) {
		size_t at = n;
		if (!t->verdict_ns[v])
			continue;
		for (; at && t->verdict_ns[sorted[at - 1]] < t->verdict_ns[v]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = v;
		n++;
	}
	return n;
}

static double spent_ns(const struct tally_loop_stalls *t)
{
	double ns = 0;
	for (unsigned v = 0; v < VERDICTS; v++)
		ns += (double)t->verdict_ns[v];
	return ns;
}

/* Stall time by verdict, as parts of a bar that is as long as the loop's share of the worst one's. */
static void put_parts(const struct page *p, const struct tally_loop_stalls *t, const enum verdict *verdicts,
		      size_t n, double worst_ns)
{
	double from_ns = 0;
	markup_put(p->out, "<svg class=\"bar\" role=\"img\" aria-label=\"stall time by verdict\">"
			   "<rect class=\"place\" width=\"100%%\" height=\"100%%\"/>");
	for (size_t i = 0; i < n; i++) {
		enum verdict v = verdicts[i];
		char x[SHARE_BYTES], width[SHARE_BYTES], text[DURATION_TEXT_BYTES];
		double ns = (double)t->verdict_ns[v];
		markup_put(p->out,
			   "<rect class=\"%s\" x=\"%s\" width=\"%s\" height=\"100%%\">"
			   "<title>%s %s</title></rect>",
			   verdict_ink(v), share_text(from_ns / worst_ns, x),
			   share_text(ns / worst_ns, width), verdict_word(v),
			   duration_text(t->verdict_ns[v], text));
		from_ns += ns;
	}
	markup_put(p->out, "</svg>");
}

static void put_spent(const struct page *p, const struct tally_loop_stalls *t, double worst_ns)
{
	char text[DURATION_TEXT_BYTES];
	enum verdict verdicts[VERDICTS];
	size_t n = verdicts_of(t, verdicts);
	if (!n)
		return;
	markup_put(p->out, "<div class=\"spent\">");
	put_parts(p, t, verdicts, n, worst_ns);
	for (size_t i = 0; i < n; i++) {
		markup_put(p->out, "<span>");
		page_verdict(p, verdicts[i]);
		markup_put(p->out, " <span class=\"small\">%s</span></span>",
			   duration_text(t->verdict_ns[verdicts[i]], text));
	}
	markup_put(p->out, "</div>\n");
}

static void put_saturated(const struct page *p, const struct summary_loop *l)
{
	struct bytes text = {0};
	uint32_t frame;
	if (!l->saturated_ns)
		return;
	const struct fact_stack *stack = summary_saturated_stack(p->s, l, &frame);
	phrase_saturated(&text, l);
	markup_put(p->out, "<p class=\"told\"><b>");
	page_phrase(p, &text);
	markup_put(p->out, "</b>");
	if (l->last_saturated && l->last_saturated->evidence[0])
		markup_put(p->out, ": %s", l->last_saturated->evidence);
	markup_put(p->out, "</p>\n");
	page_stack(p, stack, frame);
}

static void put_workers(const struct page *p, const struct blocked_workers *w)
{
	struct bytes text = {0};
	if (!w->times)
		return;
	phrase_workers(&text, w);
	markup_put(p->out, "<p class=\"told\"><b>");
	page_phrase(p, &text);
	markup_put(p->out, "</b> ");
	page_verdict(p, w->verdict);
	markup_put(p->out, "</p>\n");
	page_told(p, "", "", w->remedy ? w->remedy : "");
	page_stack(p, w->stack ? dictionary_stack(p->s->dictionary, w->stack) : NULL, w->culprit_frame);
}

/* --- its histogram ------------------------------------------------------------------------------- */

static const char *edge_text(double ns, char text[DURATION_TEXT_BYTES])
{
	return ns > 1e18 ? "more" : duration_text((uint64_t)ns, text);
}

static void put_bucket(const struct page *p, const struct bars_row *r, double elapsed_ns, double longest_ns)
{
	char low[DURATION_TEXT_BYTES], high[DURATION_TEXT_BYTES], n[MOMENT_BYTES], share[MOMENT_BYTES];
	percent_text(elapsed_ns > 0 ? (double)r->sum_ns / elapsed_ns : 0, share);
	markup_put(p->out,
		   "<tr><th scope=\"row\" class=\"n\">%s to %s</th><td class=\"n\">%s</td>"
		   "<td class=\"n\">%s</td><td>",
		   edge_text(r->low_ns, low), edge_text(r->high_ns, high), number_text(r->n, n), share);
	page_bar(p, longest_ns > 0 ? (double)r->sum_ns / longest_ns : 0,
		 bars_is_stall(r, p->s->threshold_ns) ? "hot" : "calm", share);
	markup_put(p->out, "</td></tr>\n");
}

static void put_histogram(const struct page *p, const struct summary_loop *l)
{
	struct bars_rows r = bars_rows(&l->lag);
	if (r.first >= r.end)
		return;
	markup_put(p->out, "<table class=\"histogram\"><thead><tr><th scope=\"col\" class=\"n\">lag</th>"
			   "<th scope=\"col\" class=\"n\">iterations</th><th scope=\"col\" "
			   "colspan=\"2\">share of the time</th></tr></thead><tbody>\n");
	for (size_t i = r.first; i < r.end; i++) {
		size_t empty = bars_empty(&r, i);
		if (empty > BARS_EMPTY) {
			markup_put(p->out, "<tr><td class=\"n dim\">…</td><td colspan=\"3\"></td></tr>\n");
			i += empty;
		}
		put_bucket(p, &r.rows[i], (double)l->elapsed_ns, (double)r.longest_ns);
	}
	markup_put(p->out, "</tbody></table>\n");
}

static void put_whereabouts(const struct page *p, const struct fact_loop *l)
{
	const struct {
		const char *before, *name;
	} all[] = {{"", l->runtime}, {"unit ", l->unit}, {"container ", l->container}};
	markup_put(p->out, "%s", loop_class_word(l->class));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].name[0])
			markup_put(p->out, " · %s" PAGE_NAME, all[i].before, all[i].name);
	markup_put(p->out, "</p>\n");
}

static void put_iterations(const struct page *p, const struct summary_loop *l)
{
	char rate[MOMENT_BYTES], share[MOMENT_BYTES], p50[DURATION_TEXT_BYTES], p99[DURATION_TEXT_BYTES];
	uint64_t tenths = l->events_per_wait > 0 ? (uint64_t)(l->events_per_wait * 10 + 0.5) : 0;
	markup_put(p->out, "<p class=\"small dim\">%s iterations/s · ",
		   number_text((uint64_t)(l->iterations_per_s + 0.5), rate));
	markup_put(p->out, "%s.%u events per wait · ", number_text(tenths / 10, share),
		   (unsigned)(tenths % 10));
	markup_put(p->out, "%s zero-timeout waits · per iteration p50 %s, p99 %s · ",
		   percent_text(l->zero_wait_share, share), duration_text(l->iteration.p50_ns, p50),
		   duration_text(l->iteration.p99_ns, p99));
	put_whereabouts(p, l->loop);
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void put_loop(const struct page *p, const struct summary_loop *l, double worst_ns, bool is_open)
{
	markup_put(p->out, "<tbody>\n");
	put_row(p, l);
	markup_put(p->out, "<tr class=\"more\"><td colspan=\"" COLUMNS "\"><div class=\"under\">\n");
	put_spent(p, &l->stalls, worst_ns);
	put_saturated(p, l);
	put_workers(p, l->workers);
	for (size_t i = 0; i < l->n_patterns; i++)
		page_told(p, l->patterns[i].name, l->patterns[i].evidence, l->patterns[i].remedy);
	markup_put(p->out, is_open ? "<details class=\"lags\" open=\"open\">" : "<details class=\"lags\">");
	markup_put(p->out, "<summary>histogram of its lag</summary>\n<div class=\"inside\">\n");
	put_iterations(p, l);
	put_histogram(p, l);
	markup_put(p->out, "</div></details></div></td></tr>\n</tbody>\n");
}

static void put_folded(const struct page *p, size_t told, size_t n)
{
	struct bytes more = {0}, hidden = {0};
	if (told < n) {
		phrase_more_loops(&more, p->s, told, n);
		markup_put(p->out, "<p class=\"told dim\">");
		page_phrase(p, &more);
		markup_put(p->out, "</p>\n");
	}
	if (n == p->s->n_loops)
		return;
	phrase_not_judged(&hidden, p->s);
	markup_put(p->out, "<p class=\"told dim\">");
	page_phrase(p, &hidden);
	markup_put(p->out, "</p>\n");
}

static void put_table(const struct page *p, size_t told)
{
	double worst_ns = 1;
	for (size_t i = 0; i < told; i++)
		worst_ns = spent_ns(&p->s->loops[i].stalls) > worst_ns ? spent_ns(&p->s->loops[i].stalls)
								       : worst_ns;
	markup_put(p->out, "<table class=\"loops\"><thead><tr><th scope=\"col\">loop</th>"
			   "<th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">p99</th>"
			   "<th scope=\"col\" class=\"n\">max</th><th scope=\"col\" class=\"n\">stalls</th>"
			   "<th scope=\"col\" class=\"n\">busy</th></tr></thead>\n");
	for (size_t i = 0; i < told; i++)
		put_loop(p, &p->s->loops[i], worst_ns, !i);
	markup_put(p->out, "</table>\n");
}

void page_loops(const struct page *p)
{
	const struct summary *s = p->s;
	size_t n = p->verbose ? s->n_loops : s->n_loops - s->n_hidden;
	size_t told = p->verbose ? at_most(n, LOOPS_MOST) : summary_loops_told(s, LOOPS_MOST);
	if (!s->n_loops)
		return;
	page_begin(p, "lag", "Lag", "how long one that arrived at a random moment had to wait for the loop");
	if (told)
		put_table(p, told);
	put_folded(p, told, n);
	page_end(p);
}
