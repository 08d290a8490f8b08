/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stall time by stack, one line each, as flame graph programs read it: process, frames from the outermost in, and microseconds. A call
 * that blocked and time without a stack are frames in brackets, so that the whole adds up to all stall time.
 */
#include "report/phrase.h"
#include "report/place_words.h"
#include "report/report.h"

#include "base/intern.h"

#include <errno.h>
#include <stdlib.h>

/* A semicolon ends a frame; nothing else in a cleaned name can end one or the line. */
static void put_frame(struct bytes *out, const struct bytes *name)
{
	if (!name->len)
		return;
	if (out->len)
		bytes_putc(out, ';');
	for (const char *c = bytes_text(name); *c; c++)
		if (*c == ';')
			bytes_putc(out, ':');
		else
			bytes_putc(out, *c);
}

static void name_frame(struct bytes *name, const struct fact_frame *f)
{
	phrase_function(name, f);
	if (f->kind == FRAME_IN_KERNEL)
		bytes_puts(name, "_[k]"); /* how flame graphs tell the kernel's apart */
	if (f->file[0])
		bytes_printf(name, " (%s", f->file);
	if (f->file[0] && f->line)
		bytes_printf(name, ":%u", f->line);
	if (f->file[0])
		bytes_putc(name, ')');
}

static void put_stack(struct bytes *out, struct bytes *name, const struct dictionary *d, uint32_t id)
{
	const struct fact_stack *stack = dictionary_stack(d, id);
	if (!stack)
		return;
	if (stack->state != STACK_COMPLETE)
		bytes_puts(out, ";[outer frames missing]"); /* a process stands before it */
	for (uint32_t i = stack->n; i > 0; i--) {
		const struct fact_frame *f = dictionary_frame(d, stack->frames[i - 1]);
		if (!f)
			continue;
		bytes_clear(name);
		name_frame(name, f);
		put_frame(out, name);
	}
}

/* The line's text without its number, in line. */
static void fold(struct bytes *line, struct bytes *name, const struct dictionary *d, const struct place *p)
{
	bytes_clear(line);
	bytes_clear(name);
	bytes_puts(name, p->process[0] ? p->process : "?");
	put_frame(line, name);
	put_stack(line, name, d, p->stack);
	bytes_clear(name);
	place_put_missing(name, p);
	put_frame(line, name);
	bytes_clear(name);
	place_put_call(name, p);
	put_frame(line, name);
}

/* Places that differ in what a line does not show, such as the verdict, are one line, at the heaviest one's place. */
static void write_lines(struct bytes *out, const struct summary *s, struct intern *lines, uint64_t *ns)
{
	struct bytes line = {0}, name = {0};
	for (size_t i = 0; i < places_count(s->places); i++) {
		const struct place *p = places_at(s->places, i);
		fold(&line, &name, s->dictionary, p);
		uint32_t id = intern_id(lines, bytes_text(&line), line.len);
		if (id == INTERN_NONE)
			out->failed = true;
		else
			ns[id] += p->ns;
	}
	for (uint32_t id = 0; id < intern_count(lines); id++) {
		size_t len;
		const char *text = intern_key(lines, id, &len);
		uint64_t us = (ns[id] + 500) / 1000;
		if (us)
			bytes_printf(out, "%s %llu\n", text, (unsigned long long)us);
	}
	out->failed |= !bytes_ok(&line) || !bytes_ok(&name);
	bytes_free(&line);
	bytes_free(&name);
}

int report_folded(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	size_t n = s->places ? places_count(s->places) : 0;
	struct intern *lines = intern_new();
	uint64_t *ns = calloc(n + 1, sizeof *ns);
	(void)style;
	if (lines && ns && n)
		write_lines(out, s, lines, ns);
	out->failed |= !lines || !ns;
	intern_free(lines);
	free(ns);
	return bytes_ok(out) ? 0 : -ENOMEM;
}
