/* SPDX-License-Identifier: Apache-2.0 */
#include "report/bars.h"

#include "base/array.h"
#include "base/duration.h"
#include "report/moment.h"

static size_t rows_of(const struct histogram *h, struct bars_row *rows)
{
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		struct bars_row *r = &rows[(b + BARS_PER_OCTAVE - 1) / BARS_PER_OCTAVE];
		if (!r->high_ns)
			r->low_ns = histogram_lower_ns(b);
		r->high_ns = histogram_upper_ns(b);
		r->n += h->count[b];
		r->sum_ns += h->sum_ns[b];
	}
	return (HISTOGRAM_BUCKETS + BARS_PER_OCTAVE - 2) / BARS_PER_OCTAVE + 1;
}

struct bars_rows bars_rows(const struct histogram *h)
{
	struct bars_rows r = {.first = BARS_ROWS};
	size_t n = rows_of(h, r.rows);
	for (size_t i = 0; i < n; i++) {
		if (!r.rows[i].n)
			continue;
		r.first = r.first < i ? r.first : i;
		r.end = i + 1;
		r.longest_ns = r.rows[i].sum_ns > r.longest_ns ? r.rows[i].sum_ns : r.longest_ns;
	}
	return r;
}

size_t bars_empty(const struct bars_rows *r, size_t at)
{
	size_t empty = 0;
	while (!r->rows[at + empty].n) /* ends: the last row is not empty */
		empty++;
	return empty;
}

bool bars_is_stall(const struct bars_row *r, uint64_t threshold_ns)
{
	return threshold_ns && r->high_ns > (double)threshold_ns;
}

static void put_edge(struct pen *p, double ns, int columns)
{
	char text[DURATION_TEXT_BYTES];
	pen_cell(p, INK_PLAIN, columns, ns > 1e18 ? "more" : duration_text((uint64_t)ns, text));
}

static void put_row(struct pen *p, const struct bars_row *r, uint64_t threshold_ns, uint64_t elapsed_ns,
		    uint64_t longest_ns)
{
	char count[MOMENT_BYTES], share[MOMENT_BYTES];
	enum ink ink = bars_is_stall(r, threshold_ns) ? INK_RED : INK_CYAN;
	bool is_narrow = p->width < PEN_NARROW;
	put_edge(p, r->low_ns, is_narrow ? -7 : -9);
	pen_put(p, INK_DIM, is_narrow ? "-" : " to ");
	put_edge(p, r->high_ns, is_narrow ? 7 : 8);
	pen_cell(p, INK_PLAIN, is_narrow ? -7 : -12, number_text(r->n, count));
	pen_cell(p, INK_PLAIN, is_narrow ? -8 : -9,
		 elapsed_ns ? percent_text((double)r->sum_ns / (double)elapsed_ns, share) : "");
	pen_put(p, INK_PLAIN, "  ");
	unsigned columns = pen_room(p) < 40 ? pen_room(p) : 40;
	if (longest_ns)
		pen_bar(p, ink, (double)r->sum_ns / (double)longest_ns, columns);
	pen_end(p);
}

void bars_histogram(struct pen *p, const struct histogram *h, uint64_t threshold_ns, uint64_t elapsed_ns)
{
	struct bars_rows r = bars_rows(h);
	for (size_t i = r.first; i < r.end; i++) {
		size_t empty = bars_empty(&r, i);
		if (empty > BARS_EMPTY) {
			pen_cell(p, INK_DIM, -9, "…");
			pen_end(p);
			i += empty;
		}
		put_row(p, &r.rows[i], threshold_ns, elapsed_ns, r.longest_ns);
	}
}

void bars_timeline(struct pen *p, const struct tally_cell *cells, size_t n, uint64_t cell_ns)
{
	static const char *const heights[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const size_t top = ARRAY_LEN(heights) - 1;
	char text[DURATION_TEXT_BYTES];
	size_t columns = p->width - 4 < 100 ? p->width - 4 : 100, per_column = (n + columns - 1) / columns;
	uint64_t longest_ns = 0;
	for (size_t i = 0; i < n; i++)
		longest_ns = cells[i].max_lag_ns > longest_ns ? cells[i].max_lag_ns : longest_ns;
	if (!longest_ns)
		return;
	pen_indent(p, 2);
	for (size_t i = 0; i < n; i += per_column) {
		uint64_t ns = 0;
		for (size_t j = i; j < n && j < i + per_column; j++)
			ns = cells[j].max_lag_ns > ns ? cells[j].max_lag_ns : ns;
		size_t height = (size_t)((double)ns * (double)top / (double)longest_ns + 0.5);
		height = ns && !height ? 1 : height;
		pen_put(p, height ? INK_RED : INK_DIM, heights[height]);
	}
	pen_end(p);
	pen_indent(p, 2);
	pen_printf(p, INK_DIM, "one column is %s", duration_text(per_column * cell_ns, text));
	pen_piecef(p, INK_DIM, "; ", "the highest is a stall of %s", duration_text(longest_ns, text));
	pen_end(p);
}
