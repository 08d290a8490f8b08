/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include "capture/capture.h"
#include "cli/proc.h"
#include "cli/runtime_version.h"
#include "report/pen.h"
#include "report/phrase.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct column {
	const char *title;
	int columns; /* negative: right-aligned */
	void (*text)(const struct summary_loop *l,
		     char text[64]); /* NULL: the loop's name, of which its numbers are never cut */
	const char *label;	     /* where there are no titles; NULL: needs none */
};

static void name_text(const struct summary_loop *l, char text[64])
{
	snprintf(text, 64, "%s[%u]", l->loop->process, l->loop->pid);
}

static void runtime_text(const struct summary_loop *l, char text[64])
{
	char version[RUNTIME_VERSION_BYTES];
	bool known = runtime_version(l->loop->pid, l->loop->runtime, version);
	snprintf(text, 64, "%s%s%s", l->loop->runtime[0] ? l->loop->runtime : "-", known ? " " : "",
		 known ? version : "");
}

static void class_text(const struct summary_loop *l, char text[64])
{
	snprintf(text, 64, "%s", loop_class_word(l->loop->class));
}

static void threads_text(const struct summary_loop *l, char text[64])
{
	snprintf(text, 64, "%u", l->loop->threads);
}

/* The call by its own name while the thread is in it, which is nearly always. */
static void fd_text(const struct summary_loop *l, char text[64])
{
	struct bytes now = {0};
	unsigned nr;
	bool in_call = !proc_file(&now, "/proc/%u/task/%u/syscall", l->loop->pid, l->loop->tid) &&
		       sscanf(bytes_text(&now), "%u", &nr) == 1;
	const char *name = in_call ? call_name(nr) : NULL;

	bytes_free(&now);
	bool is_wait = name && !strncmp(name, "epoll_", strlen("epoll_"));
	snprintf(text, 64, "%s:%u", is_wait ? name : l->loop->wait_call, l->loop->fd);
}

static void busy_text(const struct summary_loop *l, char text[64])
{
	snprintf(text, 64, "%.0f %%", l->utilisation * 100);
}

static void place_text(const struct summary_loop *l, char text[64])
{
	snprintf(text, 64, "%s",
		 l->loop->container[0] ? l->loop->container
		 : l->loop->unit[0]    ? l->loop->unit
				       : "-");
}

static const struct column columns[] = {
	{"loop", 19, NULL},	   {"runtime", 13, runtime_text},	  {"class", 13, class_text},
	{"waits in", 15, fd_text}, {"thr", -3, threads_text, "threads "}, {"busy", -5, busy_text, "busy "},
	{"group", 15, place_text},
};

#define COLUMNS (sizeof columns / sizeof columns[0])

static void cell(struct pen *p, size_t i, enum ink ink, const char *text)
{
	pen_cell(p, ink, columns[i].columns, text);
	pen_put(p, INK_PLAIN, " ");
}

/* Where the table has no room: what it has in its columns, one after the other. */
static void put_flowing(struct pen *p, const struct summary_loop *l)
{
	char text[64];

	p->indent = 2;
	name_text(l, text);
	pen_flow(p, INK_BOLD, "", text);
	for (size_t i = 1; i < COLUMNS; i++) {
		columns[i].text(l, text);
		if (strcmp(text, "-") != 0)
			pen_piecef(p, INK_PLAIN, " · ", "%s%s", columns[i].label ? columns[i].label : "",
				   text);
	}
	pen_end(p);
}

int listing_loops(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct pen p = pen_on(out, style);
	char text[64];

	bool is_table = p.width >= STYLE_WIDTH;
	for (size_t i = 0; i < COLUMNS && s->n_loops && is_table; i++)
		cell(&p, i, INK_DIM, columns[i].title);
	if (s->n_loops && is_table)
		pen_end(&p);
	for (size_t k = 0; k < s->n_loops; k++) {
		if (!is_table) {
			put_flowing(&p, &s->loops[k]);
			continue;
		}
		phrase_loop_cell(&p, INK_BOLD, (unsigned)columns[0].columns, s->loops[k].loop);
		pen_put(&p, INK_PLAIN, " ");
		for (size_t i = 1; i < COLUMNS; i++) {
			columns[i].text(&s->loops[k], text);
			cell(&p, i, INK_PLAIN, text);
		}
		pen_end(&p);
	}
	if (!s->n_loops) {
		pen_put(&p, INK_PLAIN, "no loop has waited on an epoll object");
		pen_end(&p);
	}
	return bytes_ok(out) ? 0 : -ENOMEM;
}

int listing_waiting(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct pen p = pen_on(out, style);
	char text[64];

	for (size_t k = 0; k < s->n_loops; k++) {
		const struct summary_loop *l = &s->loops[k];
		if (l->open || l->loop->gone)
			continue;
		name_text(l, text);
		p.indent = 2;
		pen_put(&p, INK_BOLD, text);
		pen_piecef(&p, INK_PLAIN, "  ", "waits in %s, fd %u", l->loop->wait_call, l->loop->fd);
		pen_piecef(&p, INK_DIM, "  ", "%.0f %% busy, %.0f iterations/s", l->utilisation * 100,
			   l->iterations_per_s);
		pen_end(&p);
	}
	if (!s->n_loops) {
		pen_put(&p, INK_PLAIN, "no loop has waited on an epoll object");
		pen_end(&p);
	}
	return bytes_ok(out) ? 0 : -ENOMEM;
}
