/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page that report_html() writes, part by part; each is one heading of it, and nothing where there is nothing to tell. Markup is valid
 * XML, text goes through report/markup.h, numbers in drawings through share_text().
 */
#ifndef LOOPSTALL_REPORT_PAGE_H
#define LOOPSTALL_REPORT_PAGE_H

#include "model/summary.h"
#include "report/markup.h"

/* For markup_put(): as much of a function, path or target as has a place, and of a process or a word. */
#define PAGE_NAME "%.240s"
#define PAGE_WORD "%.80s"

struct page {
	struct bytes *out;
	const struct summary *s;
	bool verbose; /* loops of hidden classes too */
};

void page_timeline(const struct page *p);
void page_loops(const struct page *p);
void page_culprits(const struct page *p);
void page_without(const struct page *p);
void page_blocked(const struct page *p);
void page_absence(const struct page *p);
void page_words(const struct page *p);

/* --- what they are made of ----------------------------------------------------------------------- */

/* <section> with its heading, up to page_end(). */
void page_begin(const struct page *p, const char *id, const char *title, const char *legend);
void page_end(const struct page *p);
/* Puts a phrase as PAGE_NAME, and frees it. */
void page_phrase(const struct page *p, struct bytes *text);
void page_place(const struct page *p, const struct fact_frame *f);
void page_loop_name(const struct page *p, const struct fact_loop *l);
/* The word with its colour. */
void page_verdict(const struct page *p, enum verdict v);
/* A stack in one line, and all of it when opened. Nothing for NULL. */
void page_stack(const struct page *p, const struct fact_stack *stack, uint32_t culprit_frame);
/* "subprocess, the longest: child pid 4180: 640 ms" and "→ remedy"; any may be "". */
void page_told(const struct page *p, const char *name, const char *evidence, const char *remedy);

static inline size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

#define SHARE_BYTES 24
/* "12.34%", of 0 to 1 and no more; the same in every locale. Returns text. */
const char *share_text(double share, char text[SHARE_BYTES]);
/* A bar of a share of its place. ink: class of its colour. */
void page_bar(const struct page *p, double share, const char *ink, const char *label);
/* Class of a verdict's colour. */
const char *verdict_ink(enum verdict v);

extern const char page_style[];

#endif
