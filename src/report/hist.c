/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms and nothing else, loop by loop. */
#include "base/duration.h"
#include "report/bars.h"
#include "report/moment.h"
#include "report/phrase.h"
#include "report/report.h"

#include <errno.h>

static void put_loop(struct pen *p, const struct summary *s, const struct summary_loop *l)
{
	struct bytes name = {0};
	char count[MOMENT_BYTES], text[DURATION_TEXT_BYTES];
	phrase_loop(&name, l->loop);
	p->indent = 2;
	pen_put(p, INK_BOLD, bytes_text(&name));
	pen_piecef(p, INK_PLAIN, " · ", "%s iterations", number_text(l->iterations, count));
	pen_piecef(p, INK_PLAIN, " · ", "lag p99 %s", duration_text(l->arrival.p99_ns, text));
	pen_piecef(p, INK_PLAIN, " · ", "max %s", duration_text(l->arrival.max_ns, text));
	pen_end(p);
	bars_histogram(p, &l->lag, s->threshold_ns, l->elapsed_ns);
	p->out->failed |= !bytes_ok(&name);
	bytes_free(&name);
}

int report_hist(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct pen p = pen_on(out, style);
	for (size_t i = 0; i < s->n_losses; i++) {
		char count[MOMENT_BYTES];
		p.indent = 6;
		pen_printf(&p, INK_RED, "lost: %s", number_text(s->losses[i].count, count));
		pen_words(&p, INK_RED, s->losses[i].meaning);
		pen_end(&p);
	}
	bool is_narrow = p.width < PEN_NARROW;
	pen_cell(&p, INK_DIM, is_narrow ? 11 : 21, "      lag");
	pen_cell(&p, INK_DIM, is_narrow ? -11 : -12, "iterations");
	pen_cell(&p, INK_DIM, is_narrow ? -8 : -9, "of time");
	pen_put(&p, INK_DIM, p.width < STYLE_WIDTH ? "  bar" : "  bar: share of the time");
	pen_end(&p);
	for (size_t i = 0; i < s->n_loops; i++)
		if (style->verbose || !s->loops[i].hidden)
			put_loop(&p, s, &s->loops[i]);
	return bytes_ok(out) ? 0 : -ENOMEM;
}
