/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of culprits' lines, where it was asked for: stalls wait here, in order, until their line has been read, which another process does.
 * Each line is read once a process.
 */
#include "cli/live_parts.h"

#include "base/array.h"
#include "base/bytes.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LINE_PATIENCE_NS (500 * LIVE_MS)
#define LINES_WAITING	 256 /* stalls; beyond, the oldest leaves without */

struct waiting_stall {
	struct fact_stall stall;
	uint64_t at_ns, deadline_ns;
	uint32_t line; /* its number + 1, 0: it has none */
	struct waiting_stall *next;
};

struct told_lines {
	struct intern *keys; /* process, file and line: the line's number */
	const char **texts;  /* by number; NULL: asked for */
	size_t cap;
	struct waiting_stall *first, **last;
	unsigned waiting;
};

static struct told_lines *lines_of(struct live_source *s)
{
	struct told_lines *l = s->lines ? s->lines : calloc(1, sizeof *l);
	if (!l || l->keys)
		return l;
	l->last = &l->first;
	l->keys = intern_new();
	if (l->keys)
		return s->lines = l;
	free(l);
	return NULL;
}

static uint32_t line_number(struct told_lines *l, uint32_t pid, const char *file, uint32_t line)
{
	struct bytes key = {0};
	bytes_printf(&key, "%u %u %s", pid, line, file);
	uint32_t known = intern_count(l->keys);
	uint32_t id = bytes_ok(&key) ? intern_id(l->keys, key.data, key.len) : INTERN_NONE;
	bytes_free(&key);
	if (id == INTERN_NONE || id < known)
		return id;
	if (!array_reserve(&l->texts, &l->cap, id + 1, sizeof *l->texts))
		return INTERN_NONE;
	l->texts[id] = NULL;
	return id;
}

static bool is_known(const struct told_lines *l, const struct waiting_stall *w)
{
	return !w->line || l->texts[w->line - 1];
}

static void pass_on(struct live_source *s)
{
	struct told_lines *l = s->lines;
	struct waiting_stall *w = l->first;

	l->first = w->next;
	if (!l->first)
		l->last = &l->first;
	l->waiting--;
	w->stall.source = w->line && l->texts[w->line - 1] ? l->texts[w->line - 1] : "";
	stalls_emit(s, &w->stall, w->at_ns);
	free(w);
}

void lines_advance(struct live_source *s, uint64_t now_ns)
{
	struct told_lines *l = s->lines;
	while (l && l->first &&
	       (is_known(l, l->first) || now_ns >= l->first->deadline_ns || l->waiting > LINES_WAITING))
		pass_on(s);
}

static void line_read(void *context, uint32_t pid, const char *file, uint32_t line, const char *text)
{
	struct live_source *s = context;
	uint32_t id = line_number(s->lines, pid, file, line);

	if (id != INTERN_NONE)
		s->lines->texts[id] = live_text(s, text + strspn(text, " \t"), strlen(text));
	lines_advance(s, kernel_now_ns());
}

/* The number of the culprit's line + 1; it is asked for when it is new. */
static uint32_t line_of(struct live_source *s, struct told_lines *l, const struct fact_stall *stall)
{
	const struct fact_frame *f = dictionary_frame(s->options.dictionary, stall->culprit_frame);
	uint32_t known = intern_count(l->keys);

	if (!f || !f->file[0] || !f->line)
		return 0;
	uint32_t id = line_number(l, stall->pid, f->file, f->line);
	if (id == INTERN_NONE)
		return 0;
	if (id >= known && resolver_read_line(s->resolver, stall->pid, f->file, f->line, line_read, s))
		l->texts[id] = "";
	return id + 1;
}

void lines_tell(struct live_source *s, const struct fact_stall *stall, uint64_t at_ns)
{
	struct told_lines *l = s->options.source ? lines_of(s) : NULL;
	struct waiting_stall *w = l ? malloc(sizeof *w) : NULL;

	if (!w) {
		stalls_emit(s, stall, at_ns);
		return;
	}
	*w = (struct waiting_stall){*stall, at_ns, kernel_now_ns() + LINE_PATIENCE_NS, line_of(s, l, stall),
				    NULL};
	*l->last = w;
	l->last = &w->next;
	l->waiting++;
	lines_advance(s, kernel_now_ns());
}

void lines_settle(struct live_source *s)
{
	while (s->lines && s->lines->first) {
		struct pollfd p = {.fd = resolver_fd(s->resolver), .events = POLLIN};
		poll(&p, 1, 10);
		resolver_receive(s->resolver, kernel_now_ns());
		lines_advance(s, kernel_now_ns());
	}
}

void lines_free(struct live_source *s)
{
	if (!s->lines)
		return;
	while (s->lines->first) {
		struct waiting_stall *w = s->lines->first;
		s->lines->first = w->next;
		free(w);
	}
	intern_free(s->lines->keys);
	free(s->lines->texts);
	free(s->lines);
	s->lines = NULL;
}
