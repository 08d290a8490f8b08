/* SPDX-License-Identifier: Apache-2.0 */
/* What stalled loops waited for: calls, and a CPU. And what the words of the page mean. */
#include "report/page.h"

#include "base/array.h"
#include "base/duration.h"
#include "model/evidence.h"
#include "report/moment.h"
#include "report/phrase.h"
#include "report/phrase_summary.h"

#define BLOCKS_MOST 20
#define ABSENT_MOST 12

static void put_more(const struct page *p, size_t n)
{
	char text[MOMENT_BYTES];
	if (n)
		markup_put(p->out, "<p class=\"told dim\">+ %s more</p>\n", number_text(n, text));
}

/* --- calls --------------------------------------------------------------------------------------- */

static void put_block(const struct page *p, const struct tally_block *b)
{
	struct bytes text = {0};
	char sum[DURATION_TEXT_BYTES], longest[DURATION_TEXT_BYTES], count[MOMENT_BYTES];
	phrase_call(&text, b->call, b->kind, b->target, 0);
	if (b->several)
		bytes_puts(&text, " and others");
	markup_put(p->out, "<tr><td class=\"n over\">%s</td><td class=\"n\">%s ×</td><th scope=\"row\">",
		   duration_text(b->sum_ns, sum), number_text(b->count, count));
	page_phrase(p, &text);
	if (b->waker.tid && b->waker.comm[0])
		markup_put(p->out, " <span class=\"dim\">ended by " PAGE_WORD "[%u]</span>", b->waker.comm,
			   b->waker.tid);
	markup_put(p->out, "</th><td class=\"n\">%s</td></tr>\n", duration_text(b->max_ns, longest));
}

void page_blocked(const struct page *p)
{
	const struct summary *s = p->s;
	size_t n = at_most(s->n_blocks, BLOCKS_MOST);
	if (!n)
		return;
	page_begin(p, "blocked", "Blocked on", "calls that waited inside stalls");
	markup_put(p->out, "<table class=\"lines\"><thead><tr><th scope=\"col\" class=\"n\">in all</th>"
			   "<th scope=\"col\" class=\"n\">times</th><th scope=\"col\">call and target</th>"
			   "<th scope=\"col\" class=\"n\">up to</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++)
		put_block(p, &s->blocks[i]);
	markup_put(p->out, "</tbody></table>\n");
	put_more(p, s->n_blocks - n);
	page_end(p);
}

/* --- a CPU --------------------------------------------------------------------------------------- */

static void put_absent(const struct page *p, struct bytes *who, uint64_t ns, uint64_t longest_ns,
		       uint64_t stalls)
{
	struct bytes often = {0};
	char sum[DURATION_TEXT_BYTES];
	markup_put(p->out, "<tr><td class=\"n over\">%s</td><th scope=\"row\">", duration_text(ns, sum));
	page_phrase(p, who);
	markup_put(p->out, "</th><td>");
	phrase_in_stalls(&often, stalls, longest_ns);
	page_phrase(p, &often);
	markup_put(p->out, "</td></tr>\n");
}

/* How many of them are worth a line: they are sorted. */
static size_t limits_told(const struct absence *a, uint64_t least_ns)
{
	size_t n = 0;
	while (n < a->n_limits && n < ABSENT_MOST && a->limits[n].ns >= least_ns)
		n++;
	return n;
}

static size_t runners_told(const struct absence *a, uint64_t least_ns)
{
	size_t n = 0;
	while (n < a->n_runners && n < ABSENT_MOST && a->runners[n].ns >= least_ns)
		n++;
	return n;
}

void page_absence(const struct page *p)
{
	const struct absence *a = &p->s->absence;
	uint64_t least_ns = p->s->stall_ns / SUMMARY_LEAST_ABSENCE;
	size_t limits = limits_told(a, least_ns), runners = runners_told(a, least_ns);
	if (!limits && !runners)
		return;
	page_begin(p, "absence", "No CPU", "whose limit held loops back, and who ran while they were ready");
	markup_put(p->out,
		   "<table class=\"lines\"><thead><tr><th scope=\"col\" class=\"n\">in all</th>"
		   "<th scope=\"col\">who</th><th scope=\"col\">how often</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < limits; i++) {
		struct bytes who = {0};
		evidence_limit(&who, &a->limits[i].limit);
		put_absent(p, &who, a->limits[i].ns, a->limits[i].longest_ns, a->limits[i].stalls);
	}
	for (size_t i = 0; i < runners; i++) {
		struct bytes who = {0};
		phrase_runner(&who, &a->runners[i]);
		put_absent(p, &who, a->runners[i].ns, a->runners[i].longest_ns, a->runners[i].stalls);
	}
	markup_put(p->out, "</tbody></table>\n");
	put_more(p, a->n_limits - limits + (a->n_runners - runners));
	page_end(p);
}

/* --- words --------------------------------------------------------------------------------------- */

static const char *const verdict_meanings[VERDICTS] = {
	[VERDICT_NONE] = "no event tells what it was",
	[VERDICT_CPU] = "the loop's thread computed",
	[VERDICT_BLOCKED] = "a call made inside the loop waited",
	[VERDICT_LOCK] = "the loop's thread waited for a lock",
	[VERDICT_GIL] = "the loop's thread waited for the Python interpreter's lock",
	[VERDICT_GC] = "a garbage collector ran in the loop's thread or had stopped it",
	[VERDICT_STARVED] = "the loop was ready, and others had the CPU",
	[VERDICT_THROTTLED] = "the loop was ready, and its cgroup's CPU quota was used up",
	[VERDICT_FAULT] = "memory that the loop touched had to be fetched first",
	[VERDICT_STOPPED] = "a signal, a debugger or a freezer had stopped the loop's thread",
};

static bool is_met(const struct summary *s, unsigned v)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (s->loops[i].stalls.verdict_ns[v] ||
		    (s->loops[i].workers->times && s->loops[i].workers->verdict == v))
			return true;
	return false;
}

void page_words(const struct page *p)
{
	static const struct {
		const char *word, *meaning;
	} words[] = {
		{"loop",
		 "what serves one event after the other; while it does anything else, nobody is served"},
		{"lag", "the longest that anything due in the loop had to wait for it"},
		{"p50, p99", "half of all that arrived at a random moment waited less, and 99 of a hundred"},
		{"stall", "a lag of at least the threshold"},
		{"busy", "share of the time in which the loop did not wait for events"},
	};
	page_begin(p, "words", "Words", "");
	markup_put(p->out, "<dl class=\"words\">\n");
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		markup_put(p->out, "<dt>%s</dt><dd>%s</dd>\n", words[i].word, words[i].meaning);
	for (unsigned v = 0; v < VERDICTS; v++) {
		if (!is_met(p->s, v))
			continue;
		markup_put(p->out, "<dt>");
		page_verdict(p, v);
		markup_put(p->out, "</dt><dd>%s</dd>\n", verdict_meanings[v]);
	}
	markup_put(p->out, "</dl>\n");
	page_end(p);
}
