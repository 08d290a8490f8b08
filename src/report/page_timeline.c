/* SPDX-License-Identifier: Apache-2.0 */
/* The longest stall at each moment, drawn over the time of day. x is in shares of the width, so that it fits a phone; y in pixels. */
#include "report/page.h"

#include "base/array.h"
#include "base/duration.h"
#include "report/moment.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS	    240
#define FEW	    60	  /* cells: wide enough for a gap between them */
#define GAP	    0.06  /* of a cell */
#define HEIGHT	    160.0 /* of what is drawn; the times stand below it */
#define LEAST	    2.0	  /* pixels of a bar: something was there */
#define LOG_FROM    20	  /* times the threshold, from which on a linear scale would hide the short ones */
#define TEXT_HEIGHT 12.0
#define X_MARKS	    9
#define Y_MARKS	    4
#define SECOND_US   1000000ull
#define MINUTE_US   (60 * SECOND_US)
#define HOUR_US	    (60 * MINUTE_US)
#define DAY_US	    (24 * HOUR_US)
#define PIXEL_BYTES 24

static const struct report_style utc = {0};

/* Of 1 and more. */
static double log2_of(double x)
{
	double power = 0, digit = 1;
	while (x >= 2) {
		x /= 2;
		power++;
	}
	for (int i = 0; i < 20; i++) {
		x *= x;
		digit /= 2;
		if (x < 2)
			continue;
		x /= 2;
		power += digit;
	}
	return power;
}

/* Of a recording that says anything, too. */
static uint64_t whole_ns(double ns)
{
	return ns < 1e19 ? (uint64_t)ns : UINT64_MAX;
}

/* --- heights ------------------------------------------------------------------------------------- */

struct scale {
	bool is_log;
	double low_ns, high_ns, step_ns; /* step: from one mark to the next, of a linear scale */
};

static double decade_from(double ns)
{
	double decade = 1;
	while (decade < ns)
		decade *= 10;
	return decade;
}

/* 1, 2 or 5 of some power of ten, so that there are few of them. */
static double step_for(double high_ns)
{
	static const double steps[] = {1, 2, 5};
	for (double decade = 1;; decade *= 10)
		for (size_t i = 0; i < ARRAY_LEN(steps); i++)
			if (high_ns <= decade * steps[i] * Y_MARKS)
				return decade * steps[i];
}

static struct scale scale_of(uint64_t longest_ns, uint64_t threshold_ns)
{
	double high_ns = (double)(longest_ns > threshold_ns ? longest_ns : threshold_ns);
	if (threshold_ns && high_ns / (double)threshold_ns > LOG_FROM) {
		double low_ns = decade_from((double)threshold_ns) / 10;
		return (struct scale){true, low_ns, decade_from(high_ns), 0};
	}
	double step_ns = step_for(high_ns), marks = 0;
	while (marks * step_ns < high_ns)
		marks++;
	return (struct scale){false, 0, marks * step_ns, step_ns};
}

static double height_of(const struct scale *s, double ns)
{
	if (ns <= s->low_ns)
		return 0;
	if (!s->is_log)
		return HEIGHT * ns / s->high_ns;
	return HEIGHT * log2_of(ns / s->low_ns) / log2_of(s->high_ns / s->low_ns);
}

static const char *pixels(double px, char text[PIXEL_BYTES])
{
	unsigned tenths = px > 0 ? (unsigned)(px * 10 + 0.5) : 0;
	snprintf(text, PIXEL_BYTES, "%u.%u", tenths / 10, tenths % 10);
	return text;
}

static void put_level(const struct page *p, double px, double ns, const char *ink)
{
	char y[PIXEL_BYTES], below[PIXEL_BYTES], text[DURATION_TEXT_BYTES];
	markup_put(p->out,
		   "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%s\" y2=\"%s\"/>"
		   "<text class=\"%s\" x=\"-8\" y=\"%s\" text-anchor=\"end\">%s</text>\n",
		   ink, pixels(HEIGHT - px, y), y, ink, pixels(HEIGHT - px + 4, below),
		   duration_text(whole_ns(ns), text));
}

/* Those too near to the threshold's give way to it. */
static void put_levels(const struct page *p, const struct scale *s)
{
	double threshold = height_of(s, (double)p->s->threshold_ns);
	double ns = s->low_ns;
	do {
		ns = s->is_log ? ns * 10 : ns + s->step_ns;
		double px = height_of(s, ns);
		if (px > threshold + TEXT_HEIGHT || px < threshold - TEXT_HEIGHT)
			put_level(p, px, ns, "level");
	} while (ns < s->high_ns * 0.999);
}

static void put_threshold(const struct page *p, const struct scale *s)
{
	double ns = (double)p->s->threshold_ns;
	if (ns > 0)
		put_level(p, height_of(s, ns), ns, "threshold");
}

/* --- moments ------------------------------------------------------------------------------------- */

/* Time of day, or since the start where that is not known. */
static const char *moment_at(const struct page *p, double ns, char text[DURATION_TEXT_BYTES])
{
	if (p->s->start_wall_us)
		return moment_text(&utc, p->s->start_wall_us + whole_ns(ns) / 1000, false, text);
	return duration_text(whole_ns(ns), text);
}

static uint64_t mark_every(uint64_t span_us)
{
	static const uint64_t steps[] = {
		SECOND_US, 2 * SECOND_US, 5 * SECOND_US, 10 * SECOND_US, 15 * SECOND_US, 30 * SECOND_US,
		MINUTE_US, 2 * MINUTE_US, 5 * MINUTE_US, 10 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US,
		HOUR_US,   2 * HOUR_US,	  3 * HOUR_US,	 6 * HOUR_US,	 12 * HOUR_US};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (span_us / steps[i] < X_MARKS)
			return steps[i];
	uint64_t days = DAY_US;
	while (span_us / days >= X_MARKS)
		days *= 2;
	return days;
}

/* "14:03:20", "14:05", "11-20 14:00", "11-21" */
static void put_mark_text(const struct page *p, uint64_t wall_us, uint64_t every_us, bool is_long)
{
	char text[DURATION_TEXT_BYTES];
	if (!p->s->start_wall_us)
		markup_put(p->out, "%s", duration_text(wall_us * 1000, text));
	else if (every_us >= DAY_US)
		markup_text(p->out, moment_date(&utc, wall_us, text) + 5, strlen("11-21"));
	else if (is_long)
		markup_text(p->out, moment_date(&utc, wall_us, text) + 5, strlen("11-20 14:00"));
	else
		markup_text(p->out, moment_text(&utc, wall_us, false, text),
			    strlen(every_us < MINUTE_US ? "14:03:20" : "14:05"));
}

/* On a phone there is room for every second one. */
static void put_mark(const struct page *p, double at, bool is_second)
{
	char x[SHARE_BYTES];
	share_text(at, x);
	markup_put(p->out,
		   "<line class=\"base\" x1=\"%s\" x2=\"%s\" y1=\"160\" y2=\"165\"/><text class=\"%s\" ", x,
		   x, is_second ? "second" : "first");
	markup_put(p->out, "x=\"%s\" y=\"180\" text-anchor=\"%s\">", x,
		   at < 0.03   ? "start"
		   : at > 0.95 ? "end"
			       : "middle");
}

static void put_marks(const struct page *p, uint64_t span_us)
{
	uint64_t start_us = p->s->start_wall_us, every_us = mark_every(span_us);
	uint64_t at_us = (every_us - start_us % every_us) % every_us;

	for (unsigned i = 0; at_us <= span_us && i <= X_MARKS; at_us += every_us, i++) {
		put_mark(p, (double)at_us / (double)span_us, i % 2);
		put_mark_text(p, start_us + at_us, every_us, span_us >= DAY_US);
		markup_put(p->out, "</text>\n");
	}
}

/* --- bars ---------------------------------------------------------------------------------------- */

/* Neighbouring cells of one length: a stall that ran through all of them, or what shares one column. */
struct run {
	size_t from, to;
	uint64_t longest_ns, stalls; /* stalls: ended in it */
};

static struct run run_at(const struct summary *s, size_t from, size_t per_column)
{
	struct run r = {.from = from};
	for (size_t to = from; to < s->n_cells; to = r.to) {
		uint64_t longest_ns = 0, stalls = 0;
		size_t end = to + per_column < s->n_cells ? to + per_column : s->n_cells;
		for (size_t i = to; i < end; i++) {
			longest_ns =
				s->cells[i].max_lag_ns > longest_ns ? s->cells[i].max_lag_ns : longest_ns;
			stalls += s->cells[i].stalls;
		}
		if (to > from && longest_ns != r.longest_ns)
			break;
		r.longest_ns = longest_ns;
		r.stalls += stalls;
		r.to = end;
	}
	return r;
}

static void put_run(const struct page *p, const struct scale *scale, const struct run *r)
{
	const struct summary *s = p->s;
	char x[SHARE_BYTES], width[SHARE_BYTES], y[PIXEL_BYTES], height[PIXEL_BYTES];
	char from[DURATION_TEXT_BYTES], to[DURATION_TEXT_BYTES], longest[DURATION_TEXT_BYTES];
	double px = height_of(scale, (double)r->longest_ns), n = (double)s->n_cells;
	double wide = (double)(r->to - r->from) - (s->n_cells <= FEW ? GAP : 0);
	px = px < LEAST ? LEAST : px;
	markup_put(p->out, "<rect class=\"hot\" x=\"%s\" width=\"%s\" y=\"%s\" height=\"%s\">",
		   share_text((double)r->from / n, x), share_text(wide / n, width), pixels(HEIGHT - px, y),
		   pixels(px, height));
	markup_put(p->out, "<title>%s to %s: a stall of %s",
		   moment_at(p, (double)r->from * (double)s->cell_ns, from),
		   moment_at(p, (double)r->to * (double)s->cell_ns, to),
		   duration_text(r->longest_ns, longest));
	if (r->stalls > 1)
		markup_put(p->out, ", %u ended", (unsigned)r->stalls);
	markup_put(p->out, "</title></rect>\n");
}

static void put_runs(const struct page *p, const struct scale *scale, size_t per_column)
{
	for (size_t i = 0; i < p->s->n_cells;) {
		struct run r = run_at(p->s, i, per_column);
		if (r.longest_ns)
			put_run(p, scale, &r);
		i = r.to;
	}
}

static uint64_t longest_of(const struct summary *s)
{
	uint64_t longest_ns = 0;
	for (size_t i = 0; i < s->n_cells; i++)
		longest_ns = s->cells[i].max_lag_ns > longest_ns ? s->cells[i].max_lag_ns : longest_ns;
	return longest_ns;
}

static void put_drawing(const struct page *p, const struct scale *scale, size_t per_column, double span_ns)
{
	char from[DURATION_TEXT_BYTES], to[DURATION_TEXT_BYTES], longest[DURATION_TEXT_BYTES];
	markup_put(p->out,
		   "<div class=\"chart\"><svg class=\"time\" role=\"img\" aria-label=\"The longest stall at "
		   "each moment from %s to %s, up to %s\">\n",
		   moment_at(p, 0, from), moment_at(p, span_ns, to),
		   duration_text(longest_of(p->s), longest));
	put_levels(p, scale);
	put_runs(p, scale, per_column);
	put_threshold(p, scale);
	markup_put(p->out, "<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"160\" y2=\"160\"/>\n");
	if (span_ns < 1e18)
		put_marks(p, (uint64_t)(span_ns / 1000));
	markup_put(p->out, "</svg></div>\n");
}

static void put_legend(const struct page *p, const struct scale *scale, uint64_t column_ns,
		       uint64_t longest_ns)
{
	char text[DURATION_TEXT_BYTES];
	markup_put(p->out, "<p class=\"small dim\">one column is %s; ", duration_text(column_ns, text));
	markup_put(p->out, "the highest is a stall of %s; ", duration_text(longest_ns, text));
	if (p->s->threshold_ns)
		markup_put(p->out, "dashed: the threshold, %s; ", duration_text(p->s->threshold_ns, text));
	markup_put(p->out, "the scale is %s</p>\n", scale->is_log ? "logarithmic" : "linear");
}

void page_timeline(const struct page *p)
{
	const struct summary *s = p->s;
	uint64_t longest_ns = longest_of(s);
	size_t per_column = (s->n_cells + COLUMNS - 1) / COLUMNS;
	if (!longest_ns || !s->cell_ns)
		return;
	struct scale scale = scale_of(longest_ns, s->threshold_ns);
	page_begin(p, "when", "When",
		   s->start_wall_us ? "the longest stall at each moment, UTC"
				    : "the longest stall at each moment since the start");
	put_drawing(p, &scale, per_column, (double)s->n_cells * (double)s->cell_ns);
	put_legend(p, &scale, per_column * s->cell_ns, longest_ns);
	page_end(p);
}
