/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "base/clean.h"
#include "report/phrase.h"

#include <stdio.h>
#include <string.h>

#define WIDE	    400 /* columns of a pen that writes one line */
#define STACK_MOST  64	/* frames of one stack */
#define LOOP_BYTES  80	/* of its process' name */
#define PLACE_BYTES 230 /* a little less than PAGE_NAME */

static const char *const verdict_inks[VERDICTS] = {
	[VERDICT_NONE] = "unknown",    [VERDICT_CPU] = "cpu",
	[VERDICT_BLOCKED] = "blocked", [VERDICT_LOCK] = "lock",
	[VERDICT_GIL] = "gil",	       [VERDICT_GC] = "gc",
	[VERDICT_STARVED] = "starved", [VERDICT_THROTTLED] = "throttled",
	[VERDICT_FAULT] = "fault",     [VERDICT_STOPPED] = "stopped",
};

const char *verdict_ink(enum verdict v)
{
	return (unsigned)v < VERDICTS ? verdict_inks[v] : verdict_inks[VERDICT_NONE];
}

void page_verdict(const struct page *p, enum verdict v)
{
	markup_put(p->out, "<span class=\"v %s\">%s</span>", verdict_ink(v), verdict_word(v));
}

void page_begin(const struct page *p, const char *id, const char *title, const char *legend)
{
	markup_put(p->out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s", id, id, title);
	if (legend[0])
		markup_put(p->out, " <span>%s</span>", legend);
	markup_put(p->out, "</h2>\n");
}

void page_end(const struct page *p)
{
	markup_put(p->out, "</section>\n");
}

static void free_phrase(const struct page *p, struct bytes *text)
{
	p->out->failed |= !bytes_ok(text);
	bytes_free(text);
}

void page_phrase(const struct page *p, struct bytes *text)
{
	markup_put(p->out, PAGE_NAME, bytes_text(text));
	free_phrase(p, text);
}

/* Of a long path the end is what is looked for. */
void page_place(const struct page *p, const struct fact_frame *f)
{
	struct bytes text = {0};
	phrase_place(&text, f, PLACE_BYTES);
	page_phrase(p, &text);
}

static void put_cut(const struct page *p, const char *name, size_t len)
{
	char fitted[LOOP_BYTES + 1];
	struct bytes whole = {0};
	bytes_put(&whole, name, len);
	clean_fit(fitted, sizeof fitted, bytes_text(&whole));
	markup_put(p->out, "%s", fitted);
	free_phrase(p, &whole);
}

/* On a narrow line the number goes below the name. */
void page_loop_name(const struct page *p, const struct fact_loop *l)
{
	struct bytes text = {0};
	phrase_loop(&text, l);
	const char *name = bytes_text(&text), *number = strrchr(name, '[');
	size_t len = l->pid && number ? (size_t)(number - name) : strlen(name);
	put_cut(p, name, len);
	markup_put(p->out, "<wbr/>%s", name + len);
	free_phrase(p, &text);
}

void page_told(const struct page *p, const char *name, const char *evidence, const char *remedy)
{
	if (evidence[0] && name[0])
		markup_put(p->out, "<p class=\"told\"><b>%s:</b> %s</p>\n", name, evidence);
	else if (evidence[0])
		markup_put(p->out, "<p class=\"told\">%s</p>\n", evidence);
	else if (name[0])
		markup_put(p->out, "<p class=\"told\"><b>%s</b></p>\n", name);
	if (remedy[0])
		markup_put(p->out, "<p class=\"told\"><span class=\"arrow\">→</span> %s</p>\n", remedy);
}

/* --- stacks -------------------------------------------------------------------------------------- */

static void put_line(const struct page *p, const struct fact_stack *stack, uint32_t culprit_frame)
{
	static const struct report_style plain = {.width = WIDE};
	struct bytes text = {0};
	struct pen pen = pen_on(&text, &plain);
	phrase_stack(&pen, p->s->dictionary, stack, culprit_frame, 1);
	markup_put(p->out, PAGE_NAME, bytes_text(&text));
	free_phrase(p, &text);
}

static void put_frame(const struct page *p, const struct fact_frame *f, bool is_culprit)
{
	struct bytes text = {0};
	const char *ink = is_culprit ? "it" : f->application ? "own" : "lib";
	if (f->function[0])
		bytes_puts(&text, f->function);
	else
		phrase_frame(&text, f);
	markup_put(p->out, "<li class=\"%s\">" PAGE_NAME, ink, bytes_text(&text));
	markup_put(p->out, " <i>");
	if (f->function[0] && f->file[0])
		page_place(p, f);
	else if (f->function[0])
		markup_put(p->out, PAGE_NAME, f->object);
	markup_put(p->out, is_culprit ? "</i> <i>← culprit</i></li>\n" : "</i></li>\n");
	free_phrase(p, &text);
}

static void put_frames(const struct page *p, const struct fact_stack *stack, uint32_t culprit_frame)
{
	static const char *const rest[STACK_STATES] = {
		[STACK_COMPLETE] = "", [STACK_TRUNCATED] = "… cut off", [STACK_BROKEN] = "… unknown"};
	const struct fact_frame *culprit = dictionary_frame(p->s->dictionary, culprit_frame);
	uint32_t n = (uint32_t)at_most(stack->n, STACK_MOST);
	for (uint32_t i = 0; i < n; i++) {
		const struct fact_frame *f = dictionary_frame(p->s->dictionary, stack->frames[i]);
		bool is_culprit = f && culprit && culprit_key(f) == culprit_key(culprit);
		if (f)
			put_frame(p, f, is_culprit);
		if (is_culprit)
			culprit = NULL; /* of a recursion one is enough */
	}
	if (n < stack->n)
		markup_put(p->out, "<li>… %u more</li>\n", stack->n - n);
	else if ((unsigned)stack->state < STACK_STATES && rest[stack->state][0])
		markup_put(p->out, "<li>%s</li>\n", rest[stack->state]);
}

void page_stack(const struct page *p, const struct fact_stack *stack, uint32_t culprit_frame)
{
	if (!stack || !stack->n)
		return;
	markup_put(p->out, "<details><summary><code>");
	put_line(p, stack, culprit_frame);
	markup_put(p->out, "</code></summary>\n<ol class=\"stack\">\n");
	put_frames(p, stack, culprit_frame);
	markup_put(p->out, "</ol></details>\n");
}

/* --- drawing ------------------------------------------------------------------------------------- */

const char *share_text(double share, char text[SHARE_BYTES])
{
	unsigned hundredths = share > 0 ? share < 1 ? (unsigned)(share * 10000 + 0.5) : 10000 : 0;
	snprintf(text, SHARE_BYTES, "%u.%02u%%", hundredths / 100, hundredths % 100);
	return text;
}

void page_bar(const struct page *p, double share, const char *ink, const char *label)
{
	char width[SHARE_BYTES];
	markup_put(p->out,
		   "<svg class=\"bar\" role=\"img\" aria-label=\"%s\"><rect class=\"place\" width=\"100%%\" "
		   "height=\"100%%\"/><rect class=\"%s\" width=\"%s\" height=\"100%%\"/></svg>",
		   label, ink, share_text(share, width));
}
