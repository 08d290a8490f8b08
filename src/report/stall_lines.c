/* SPDX-License-Identifier: Apache-2.0 */
#include "report/stall_lines.h"

#include "base/array.h"
#include "base/duration.h"
#include "report/moment.h"
#include "report/phrase.h"

#include <string.h>

#define ALSO_SHARE  10 /* a further block is named if it has at least 1/10 of the lag */
#define STACK_LINES 2
#define READY_NS    50000000 /* without a CPU for less than this is a turn of the scheduler's */

/* A new line below the head; a line that stayed empty is used again. */
static void begin_detail(struct pen *p)
{
	if (p->begun)
		pen_end(p);
	pen_indent(p, pen_below(p, STALL_INDENT));
}

/* "stalled 643 ms", "stalled so far 2.1 s", "STUCK ≥ 38 s" */
static void put_length(struct pen *p, const struct fact_stall *s)
{
	char text[DURATION_TEXT_BYTES];
	duration_text(s->lag_ns, text);
	switch (s->state) {
	case STALL_OPEN: pen_piecef(p, INK_YELLOW, "  ", "stalled so far %s (open)", text); break;
	case STALL_STUCK: pen_piecef(p, INK_RED, "  ", "STUCK ≥ %s", text); break;
	case STALL_DIED:
		pen_piecef(p, INK_RED, "  ", "died stalled %s", text);
		if (s->signal)
			pen_piecef(p, INK_RED, " ", "(signal %u)", s->signal);
		break;
	case STALL_EXEC:
		pen_piecef(p, INK_BOLD, "  ", "stalled %s%s", s->lower_bound ? "≥ " : "", text);
		pen_piece(p, INK_RED, " ", "(ended in exec)");
		break;
	default: pen_piecef(p, INK_BOLD, "  ", "stalled %s%s", s->lower_bound ? "≥ " : "", text);
	}
}

/* Who, of a loop with many threads. */
static void put_worker(struct pen *p, const struct fact_stall *s)
{
	char text[DURATION_TEXT_BYTES];
	pen_piecef(p, INK_YELLOW, "  ", "worker %s[%u] blocked ≥ %s", s->comm, s->tid,
		   duration_text(s->lag_ns, text));
}

/* What it waited for may have come, or its CPU may be another's: then it is no longer where its time went. */
static void put_ready(struct pen *p, const struct fact_stall *s)
{
	char text[DURATION_TEXT_BYTES];
	bool is_told = s->verdict == VERDICT_STARVED || s->verdict == VERDICT_THROTTLED;
	if (!is_told && s->ready_ns >= READY_NS)
		pen_piecef(p, INK_YELLOW, "  ", "now ready for %s and without a CPU",
			   duration_text(s->ready_ns, text));
}

static void put_head(struct pen *p, const struct fact_stall *s, const struct dictionary *d, uint64_t wall_us,
		     void (*put_what)(struct pen *p, const struct fact_stall *s))
{
	const struct fact_loop *l = dictionary_loop(d, s->loop);
	struct bytes name = {0}, spent = {0};
	char time[MOMENT_BYTES];
	if (l)
		phrase_loop(&name, l);
	phrase_stall(&spent, s, d);
	pen_put(p, INK_DIM, moment_text(p->style, wall_us, true, time));
	p->indent = pen_below(p, STALL_INDENT);
	pen_to(p, STALL_INDENT);
	pen_put(p, INK_PLAIN, bytes_text(&name));
	put_what(p, s);
	pen_piece(p, phrase_verdict_ink(s->verdict), "  ", verdict_word(s->verdict));
	if (spent.len)
		pen_flow(p, INK_BOLD, "  ", bytes_text(&spent));
	put_ready(p, s);
	if (!bytes_ok(&name) || !bytes_ok(&spent))
		p->out->failed = true;
	bytes_free(&name);
	bytes_free(&spent);
}

static void put_ledger(struct pen *p, const struct fact_stall *s)
{
	struct bytes harm = {0};
	begin_detail(p);
	phrase_ledger(p, &s->ledger, s->delay_ns, s->lag_ns);
	phrase_harm(&harm, s);
	if (harm.len)
		pen_piece(p, INK_PLAIN, " · ", bytes_text(&harm));
	if (!bytes_ok(&harm))
		p->out->failed = true;
	bytes_free(&harm);
}

/* The longest block is what the stall was spent on: phrase_stall() names it. */
static bool names_block(const struct fact_stall *s)
{
	return s->verdict == VERDICT_BLOCKED || s->verdict == VERDICT_LOCK || s->verdict == VERDICT_GIL ||
	       s->verdict == VERDICT_FAULT || s->verdict == VERDICT_NONE ||
	       (s->verdict == VERDICT_GC && s->paused_ns > s->ledger.cpu_ns);
}

static void put_other_blocks(struct pen *p, const struct fact_stall *s)
{
	for (uint32_t i = names_block(s); i < s->n_blocks && i < FACT_MAX_BLOCKS; i++) {
		const struct block *b = &s->blocks[i];
		struct bytes text = {0};
		char sum[DURATION_TEXT_BYTES];
		if (b->sum_ns < s->lag_ns / ALSO_SHARE)
			continue;
		bytes_printf(&text, "%s %s in ", i ? "also" : "of it", duration_text(b->sum_ns, sum));
		phrase_block(&text, b);
		begin_detail(p);
		pen_words(p, INK_PLAIN, bytes_text(&text));
		p->out->failed |= !bytes_ok(&text);
		bytes_free(&text);
	}
}

static bool is_said(const char *text)
{
	return text && text[0];
}

static void put_gil(struct pen *p, const struct fact_stall *s)
{
	struct bytes text = {0};
	if (s->verdict == VERDICT_CPU)
		phrase_gil(&text, s);
	if (text.len)
		pen_piece(p, INK_PLAIN, "  ", bytes_text(&text));
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

static void put_awaiter(struct pen *p, const char *begin, const struct awaiter *a)
{
	struct bytes text = {0};

	bytes_puts(&text, begin);
	if (is_said(a->task))
		bytes_printf(&text, " '%s'", a->task);
	if (is_said(a->coroutine))
		bytes_printf(&text, " (%s)", a->coroutine);
	if (a->others)
		bytes_printf(&text, " and %u other%s", a->others, a->others > 1 ? "s" : "");
	pen_piece(p, INK_CYAN, " ", bytes_text(&text));
	p->out->failed |= !bytes_ok(&text);
	bytes_free(&text);
}

/* "task 'Task-4' awaited by 'fetch-all' (main) < 'Task-1' (serve)"; its own coroutine is in the stack, or else known by name. */
static void put_task(struct pen *p, const struct fact_task *task)
{
	if (!is_said(task->name))
		return;
	pen_piecef(p, INK_CYAN, "  ", is_said(task->coroutine) ? "task '%s' (%s)" : "task '%s'", task->name,
		   task->coroutine);
	for (uint32_t i = 0; i < task->n_awaiters; i++)
		put_awaiter(p, i ? "<" : "awaited by", &task->awaiters[i]);
	if (task->cut)
		pen_piece(p, INK_CYAN, " ", "< …");
}

static void put_stack(struct pen *p, const struct fact_stall *s, const struct dictionary *d)
{
	const struct fact_stack *stack = s->culprit_stack ? dictionary_stack(d, s->culprit_stack) : NULL;
	if (!stack || !stack->n)
		return;
	begin_detail(p);
	phrase_stack(p, d, stack, s->culprit_frame, STACK_LINES);
	put_task(p, &s->task);
	put_gil(p, s);
	if (s->covered_ns < s->gap_ns / 2)
		pen_piecef(p, INK_DIM, "  ", "(stacks cover %u %%)",
			   (unsigned)((double)s->covered_ns * 100 / (double)s->gap_ns + 0.5));
}

/* Causes whose evidence the head and the ledger have said already, but for its share. */
static bool is_told_by_head(const struct fact_stall *s)
{
	static const char *const causes[] = {"subprocess", "sleep",   "sync_io",   "file_io",
					     "fsync",	   "stopped", "throttled", "file_lock"};
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (s->verdict != VERDICT_CPU && !strcmp(s->cause, causes[i]))
			return true;
	return false;
}

/* The named pattern with its numbers, and what would end it. */
static void put_cause(struct pen *p, const struct fact_stall *s)
{
	if (!is_said(s->cause))
		return;
	if (p->style->verbose || !is_told_by_head(s)) {
		begin_detail(p);
		pen_printf(p, INK_BOLD, "%s:", s->cause);
		pen_words(p, INK_PLAIN, s->evidence);
	}
	if (!is_said(s->remedy))
		return;
	begin_detail(p);
	pen_put(p, INK_GREEN, "→");
	p->indent += 2;
	pen_words(p, INK_GREEN, s->remedy);
}

/* "11 │ subprocess.run(["nvidia-smi"])" */
static void put_source(struct pen *p, const struct fact_stall *s, const struct dictionary *d)
{
	const struct fact_frame *f = is_said(s->source) ? dictionary_frame(d, s->culprit_frame) : NULL;
	if (!f)
		return;
	begin_detail(p);
	pen_printf(p, INK_DIM, "line %u: ", f->line);
	pen_put(p, INK_BOLD, s->source);
}

/* Who held the lock, wrote into the pipe, or was waited for: of a wait that is not all but nothing of the stall. */
static void put_waker(struct pen *p, const struct fact_stall *s, const struct dictionary *d)
{
	bool counts = s->n_blocks && (names_block(s) || s->blocks[0].sum_ns >= s->lag_ns / ALSO_SHARE);
	const struct waker *w = counts ? &s->blocks[0].waker : NULL;
	const struct fact_stack *stack = w && w->stack ? dictionary_stack(d, w->stack) : NULL;
	if (!stack || !stack->n)
		return;
	begin_detail(p);
	pen_printf(p, INK_CYAN, "%s[%u] was at:", w->comm, w->tid);
	phrase_stack(p, d, stack, 0, STACK_LINES);
}

void stall_lines(struct pen *p, const struct fact_stall *s, const struct dictionary *d, uint64_t wall_us,
		 bool brief)
{
	put_head(p, s, d, wall_us, put_length);
	if (!brief) {
		put_ledger(p, s);
		put_other_blocks(p, s);
		put_stack(p, s, d);
		put_source(p, s, d);
		put_waker(p, s, d);
		put_cause(p, s);
	}
	if (p->begun)
		pen_end(p);
}

void worker_lines(struct pen *p, const struct fact_stall *s, const struct dictionary *d, uint64_t wall_us)
{
	put_head(p, s, d, wall_us, put_worker);
	begin_detail(p);
	pen_words(p, INK_DIM, "epoll covered: other threads serve; what this one has in hand waits");
	put_stack(p, s, d);
	put_cause(p, s);
	if (p->begun)
		pen_end(p);
}
