/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary as one file to attach to an incident review: no script, nothing from elsewhere, times in UTC, readable on a phone and on
 * paper. It says what the text says, in the same words; in the order of the questions: can I trust it, how bad is it, since when, what is
 * it, what would a fix bring.
 */
#include "base/duration.h"
#include "report/answer.h"
#include "report/moment.h"
#include "report/page.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

#define LOSSES_MOST 40

static const struct report_style utc = {.width = 400};

static const char *target_of(const struct summary *s)
{
	return s->header && s->header->target[0] ? s->header->target : "loopstall";
}

static const struct summary_loop *worst_loop(const struct summary *s)
{
	return s->n_loops && !s->loops[0].hidden ? &s->loops[0] : NULL;
}

/* "7 stalls, 4.05 s in all." */
static void put_answer(const struct page *p)
{
	struct bytes text = {0};
	struct pen pen = pen_on(&text, &utc);
	answer_line(&pen, p->s);
	markup_text(p->out, bytes_text(&text), strcspn(bytes_text(&text), "\n"));
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

static void put_title(const struct page *p)
{
	char date[MOMENT_BYTES];
	markup_put(p->out, "<title>" PAGE_WORD, target_of(p->s));
	if (p->s->header && p->s->header->host[0])
		markup_put(p->out, " on " PAGE_WORD, p->s->header->host);
	if (p->s->start_wall_us)
		markup_put(p->out, ", %s UTC", moment_date(&utc, p->s->start_wall_us, date));
	markup_put(p->out, ": loopstall</title>\n");
}

static void put_top(const struct page *p)
{
	markup_put(p->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
			   "<meta http-equiv=\"Content-Security-Policy\" "
			   "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
			   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
			   "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
			   "<meta name=\"referrer\" content=\"no-referrer\"/>\n");
	put_title(p);
	markup_put(p->out, "<style>\n");
	bytes_puts(p->out, page_style);
	markup_put(p->out, "</style>\n</head>\n<body>\n<main>\n");
}

/* --- losses -------------------------------------------------------------------------------------- */

static size_t losses_of(const struct summary *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n_losses; i++)
		n += s->losses[i].count != 0;
	return n;
}

static void put_losses(const struct page *p)
{
	const struct summary *s = p->s;
	size_t n = losses_of(s), told = 0;
	char count[MOMENT_BYTES];
	if (!n && !s->cut_short)
		return;
	markup_put(p->out, "<aside class=\"lost\" aria-label=\"What was not seen\">\n");
	for (size_t i = 0; i < s->n_losses && told < LOSSES_MOST; i++) {
		const struct tally_loss *l = &s->losses[i];
		if (!l->count)
			continue;
		markup_put(p->out, "<p><strong>LOST %s</strong> " PAGE_NAME "</p>\n",
			   number_text(l->count, count), l->meaning[0] ? l->meaning : l->reason);
		told++;
	}
	if (told < n)
		markup_put(p->out, "<p>+ %s more</p>\n", number_text(n - told, count));
	if (s->cut_short)
		markup_put(p->out, "<p><strong>CUT SHORT:</strong> the recording has no end; "
				   "what came after is not known</p>\n");
	markup_put(p->out, "</aside>\n");
}

/* --- the head ------------------------------------------------------------------------------------ */

static void put_when(const struct page *p)
{
	const struct summary *s = p->s;
	char text[DURATION_TEXT_BYTES], from[MOMENT_BYTES], to[MOMENT_BYTES];
	markup_put(p->out, "<p class=\"when\">%s", duration_text(s->elapsed_ns, text));
	if (s->start_wall_us) {
		moment_date(&utc, s->start_wall_us, from);
		moment_date(&utc, s->start_wall_us + s->elapsed_ns / 1000, to);
		bool is_one_day = !strncmp(from, to, strlen("2026-11-20"));
		markup_put(p->out, " from %s to %s UTC", from, is_one_day ? to + strlen("2026-11-20 ") : to);
	}
	markup_put(p->out, "</p>\n");
}

static void put_worst(const struct page *p)
{
	const struct summary_loop *worst = worst_loop(p->s);
	char busy[MOMENT_BYTES];
	if (!worst)
		return;
	markup_put(p->out, "<p>%s <b>", p->s->n_loops - p->s->n_hidden > 1 ? "Worst loop:" : "The loop:");
	page_loop_name(p, worst->loop);
	markup_put(p->out, "</b>, %s busy", percent_text(worst->utilisation, busy));
	if (worst->loop->runtime[0])
		markup_put(p->out, ", " PAGE_WORD, worst->loop->runtime);
	markup_put(p->out, "</p>\n");
}

static void put_figure(const struct page *p, const char *value, const char *what)
{
	markup_put(p->out, "<div><dt>%s</dt><dd>%s</dd></div>\n", what, value);
}

static void put_figures(const struct page *p)
{
	const struct summary_loop *worst = worst_loop(p->s);
	char text[DURATION_TEXT_BYTES];
	if (!worst)
		return;
	markup_put(p->out, "<dl class=\"figures\">\n");
	put_figure(p, number_text(p->s->stalls, text), p->s->stalls == 1 ? "stall" : "stalls");
	put_figure(p, duration_text(p->s->stall_ns, text), "stalled in all");
	put_figure(p, duration_text(worst->arrival.p99_ns, text),
		   "lag p99 of that loop: one arrival in a hundred waited longer");
	put_figure(p, duration_text(worst->arrival.max_ns, text), "longest lag of that loop");
	markup_put(p->out, "</dl>\n");
}

static void put_fact(const struct page *p, const char *name, const char *value, const char *more)
{
	if (value[0])
		markup_put(p->out, "<div><dt>%s</dt><dd>" PAGE_NAME "%s" PAGE_WORD "</dd></div>\n", name,
			   value, more[0] ? " " : "", more);
}

/* What a reviewer asks for. */
static void put_facts(const struct page *p)
{
	const struct fact_header *h = p->s->header;
	char text[DURATION_TEXT_BYTES] = "", rate[MOMENT_BYTES];
	markup_put(p->out, "<dl class=\"facts\">\n");
	if (p->s->threshold_ns)
		put_fact(p, "threshold", duration_text(p->s->threshold_ns, text), "");
	if (h) {
		put_fact(p, "kernel", h->kernel, h->machine);
		put_fact(p, "waits traced by", h->rung, "");
		put_fact(p, "sampled at", h->sample_hz ? number_text(h->sample_hz, rate) : "", "Hz");
		put_fact(p, "recorded by loopstall", h->version, "");
	}
	put_fact(p, "ended by", p->s->end_reason, "");
	markup_put(p->out, "</dl>\n");
}

static void put_head(const struct page *p)
{
	markup_put(p->out, "<header>\n<p class=\"kind\">Event loop stalls</p>\n<h1>%s" PAGE_NAME,
		   target_of(p->s)[0] == '-' ? "loopstall " : "", target_of(p->s));
	if (p->s->header && p->s->header->host[0])
		markup_put(p->out, " <span>on " PAGE_WORD "</span>", p->s->header->host);
	markup_put(p->out, "</h1>\n");
	put_when(p);
	markup_put(p->out, "<p class=\"answer %s\">", answer_is_well(p->s) ? "good" : "bad");
	put_answer(p);
	markup_put(p->out, "</p>\n");
	put_worst(p);
	put_figures(p);
	put_facts(p);
	markup_put(p->out, "</header>\n");
}

int report_html(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct page p = {out, s, style->verbose};
	put_top(&p);
	put_losses(&p);
	put_head(&p);
	page_timeline(&p);
	page_loops(&p);
	page_culprits(&p);
	page_without(&p);
	page_blocked(&p);
	page_absence(&p);
	page_words(&p);
	markup_put(out, "<footer>written by loopstall; no script, nothing loaded from elsewhere</footer>\n"
			"</main>\n</body>\n</html>\n");
	return bytes_ok(out) ? 0 : -ENOMEM;
}
