/* SPDX-License-Identifier: Apache-2.0 */
#include "report/phrase.h"

#include "base/array.h"
#include "base/clean.h"
#include "base/duration.h"
#include "model/evidence.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS  52 /* longer names (templates) are cut */
#define NAME_BYTES    38 /* of one beside its file and line, which are what is looked for */
#define PLACE_COLUMNS 60 /* with file and line; beyond it they still fit into a narrow terminal */

static const char *duration(uint64_t ns, char text[DURATION_TEXT_BYTES])
{
	return duration_text(ns, text);
}

static const char *loop_name(const struct fact_loop *l)
{
	return l->process[0] ? l->process : l->comm;
}

static void phrase_loop_number(struct bytes *out, const struct fact_loop *l)
{
	if (!l->pid)
		return; /* several, of which none has a row of its own */
	bytes_printf(out, "[%u", l->pid);
	if (l->tid && l->tid != l->pid)
		bytes_printf(out, "/%u", l->tid);
	bytes_putc(out, ']');
}

void phrase_loop(struct bytes *out, const struct fact_loop *l)
{
	bytes_puts(out, loop_name(l));
	phrase_loop_number(out, l);
}

void phrase_loop_cell(struct pen *p, enum ink ink, unsigned columns, const struct fact_loop *l)
{
	struct bytes number = {0};
	unsigned end = p->column + columns, wide = pen_columns(p, loop_name(l));
	phrase_loop_number(&number, l);
	unsigned rest = number.len < columns ? columns - (unsigned)number.len : 0;
	pen_cell(p, ink, (int)(wide < rest ? wide : rest), loop_name(l));
	pen_cell(p, ink, (int)(end - p->column), bytes_text(&number));
	p->out->failed |= !bytes_ok(&number);
	bytes_free(&number);
}

/* A path that does not fit loses its outer folders: the file and the line are what is looked for. */
static const char *path_end(const char *path, size_t room)
{
	size_t len = strlen(path);
	const char *base = strrchr(path, '/');
	if (len <= room || !base || base == path)
		return path;
	const char *at = strchr(path + (len - room), '/');
	return at && at < base ? at : base;
}

void phrase_place(struct bytes *out, const struct fact_frame *f, size_t room)
{
	char line[16] = "";
	if (f->line)
		snprintf(line, sizeof line, ":%u", f->line);
	size_t taken = strlen(line) + 1; /* and the sign for what is missing */
	const char *path = path_end(f->file, room > taken ? room - taken : 0);
	bytes_printf(out, "%s%s%s", path == f->file ? "" : "…", path, line);
}

void phrase_function(struct bytes *out, const struct fact_frame *f)
{
	if (f->function[0])
		bytes_puts(out, f->function);
	else if (f->kind == FRAME_JS)
		bytes_puts(out, "[JS]");
	else if (!strcmp(f->object, "[JIT]"))
		bytes_puts(out, f->object);
	else
		bytes_printf(out, "%s+0x%llx", f->object[0] ? f->object : "?", (unsigned long long)f->offset);
}

void phrase_frame(struct bytes *out, const struct fact_frame *f)
{
	size_t begin = out->len;
	char name[NAME_BYTES];
	clean_fit(name, sizeof name, f->function);
	if (name[0] && f->file[0])
		bytes_puts(out, name);
	else
		phrase_function(out, f);
	if (f->file[0]) {
		bytes_putc(out, ' ');
		size_t used = out->len - begin;
		phrase_place(out, f, used < PLACE_COLUMNS ? PLACE_COLUMNS - used : 0);
	}
	if (f->method == FRAME_GUESS)
		bytes_puts(out, " (guessed)");
}

void phrase_call(struct bytes *out, const char *call, enum target_kind kind, const char *target,
		 uint64_t object)
{
	static const char *const joint[TARGET_KINDS] = {
		[TARGET_CHILD] = "for", [TARGET_SLEEP] = "of", [TARGET_FAULT] = "at", [TARGET_PATH] = "of"};
	char text[DURATION_TEXT_BYTES];
	if (kind == TARGET_SLEEP && !target[0] && object)
		target = duration(object, text);
	bytes_printf(out, "%s%s", call, strchr(call, ' ') ? "" : "()");
	if (target[0])
		bytes_printf(out, " %s %s", joint[kind] ? joint[kind] : "on", target);
}

void phrase_block(struct bytes *out, const struct block *b)
{
	char mean[DURATION_TEXT_BYTES], longest[DURATION_TEXT_BYTES];
	if (b->count > 1)
		bytes_printf(out, "%u × ", b->count);
	phrase_call(out, b->call, b->kind, b->target, b->object);
	if (b->count < 2)
		return;
	uint64_t mean_ns = b->sum_ns / b->count;
	bytes_printf(out, ", %s each", duration(mean_ns, mean));
	if (b->max_ns > mean_ns + mean_ns / 2)
		bytes_printf(out, ", longest %s", duration(b->max_ns, longest));
}

/* --- what a stall was spent on, by verdict ------------------------------------------------------- */

static void spent_on_block(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	(void)d;
	if (!s->n_blocks)
		return;
	const struct block *b = &s->blocks[0];
	phrase_block(out, b);
	bool is_over = stall_is_over(s);
	if (is_over && b->waker.tid && b->waker.comm[0])
		bytes_printf(out, ", ended by %s[%u]", b->waker.comm, b->waker.tid);
}

/* "480 of 640 ms in 5 waits, ended by worker[812]" */
static void spent_on_gil(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	const struct block *b = &s->blocks[0];
	char waited[DURATION_TEXT_BYTES], gap[DURATION_TEXT_BYTES];
	if (!s->n_blocks || b->kind != TARGET_GIL) {
		spent_on_block(out, s, d);
		return;
	}
	bytes_printf(out, "%s of %s", duration(b->sum_ns, waited), duration(s->gap_ns, gap));
	if (b->count > 1)
		bytes_printf(out, " in %u waits", b->count);
	if (b->waker.tid && b->waker.comm[0])
		bytes_printf(out, ", held by %s[%u]", b->waker.comm, b->waker.tid);
}

static void spent_on_cpu(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	const struct fact_frame *f = s->culprit_frame ? dictionary_frame(d, s->culprit_frame) : NULL;
	if (!f)
		return;
	bytes_puts(out, "in ");
	phrase_frame(out, f);
}

static void spent_on_collection(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	if (s->paused_ns > s->ledger.cpu_ns)
		spent_on_block(out, s, d);
	else
		spent_on_cpu(out, s, d);
}

static void spent_starved(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	char text[DURATION_TEXT_BYTES];
	const struct runner *r = &s->runners[0];
	(void)d;
	uint64_t stolen_ns = s->ledger.stolen_ns, interrupts_ns = s->ledger.interrupts_ns;
	uint64_t waited_ns = s->ledger.runnable_ns + s->delay_ns;
	bytes_printf(out, "had no CPU for %s: ", duration(waited_ns + stolen_ns + interrupts_ns, text));
	if (stolen_ns + interrupts_ns > waited_ns)
		bytes_puts(out, stolen_ns > interrupts_ns ? "the hypervisor had it" : "interrupts had it");
	else if (!s->n_runners)
		bytes_puts(out, "others ran");
	else
		bytes_printf(out, "%s%s[%u]%s ran", r->own ? "its own thread " : "", r->comm, r->pid,
			     s->n_runners > 1 ? " and others" : "");
}

static void spent_throttled(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	char text[DURATION_TEXT_BYTES];
	(void)d;
	if (!s->limit.period_ns) {
		bytes_printf(out, "the cgroup's CPU quota was used up for %s",
			     duration(s->ledger.throttled_ns, text));
		return;
	}
	bytes_printf(out, "held back for %s: ", duration(s->ledger.throttled_ns, text));
	evidence_limit(out, &s->limit);
}

static void spent_stopped(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	char text[DURATION_TEXT_BYTES];
	(void)d;
	bytes_printf(out, "stopped for %s by ", duration(s->ledger.stopped_ns, text));
	evidence_stopper(out, &s->stopper);
}

static void spent_unknown(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	if (s->n_blocks)
		spent_on_block(out, s, d);
	else
		bytes_puts(out, "unexplained: see unaccounted");
}

static const struct {
	void (*spent)(struct bytes *out, const struct fact_stall *s, const struct dictionary *d);
	enum ink ink;
} verdicts[VERDICTS] = {
	[VERDICT_NONE] = {spent_unknown, INK_DIM},	 [VERDICT_CPU] = {spent_on_cpu, INK_RED},
	[VERDICT_BLOCKED] = {spent_on_block, INK_RED},	 [VERDICT_LOCK] = {spent_on_block, INK_RED},
	[VERDICT_GIL] = {spent_on_gil, INK_RED},	 [VERDICT_GC] = {spent_on_collection, INK_RED},
	[VERDICT_STARVED] = {spent_starved, INK_YELLOW}, [VERDICT_THROTTLED] = {spent_throttled, INK_YELLOW},
	[VERDICT_FAULT] = {spent_on_block, INK_YELLOW},	 [VERDICT_STOPPED] = {spent_stopped, INK_YELLOW},
};

void phrase_stall(struct bytes *out, const struct fact_stall *s, const struct dictionary *d)
{
	if ((unsigned)s->verdict < VERDICTS)
		verdicts[s->verdict].spent(out, s, d);
}

enum ink phrase_verdict_ink(enum verdict v)
{
	return (unsigned)v < VERDICTS ? verdicts[v].ink : INK_PLAIN;
}

void phrase_harm(struct bytes *out, const struct fact_stall *s)
{
	char text[DURATION_TEXT_BYTES];
	if (s->harm == HARM_QUEUED)
		bytes_printf(out, "%u fd%s ready when it came back", s->ready_fds,
			     s->ready_fds == 1 ? "" : "s");
	else if (s->harm == HARM_LATE && s->late_ns)
		bytes_printf(out, "a timer was %s late", duration(s->late_ns, text));
	else if (s->harm == HARM_LATE)
		bytes_puts(out, "work of its own was due");
	else if (s->harm == HARM_OWN)
		bytes_puts(out, "nobody else was waiting");
}

#define NEARLY_ALL 90 /* percent */

void phrase_gil(struct bytes *out, const struct fact_stall *s)
{
	uint64_t held = 0, known = 0;
	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++) {
		held += s->samples[i].gil_held;
		known += s->samples[i].gil_held + s->samples[i].gil_released;
	}
	uint64_t percent = known ? held * 100 / known : 0;
	if (!known)
		return;
	if (percent >= NEARLY_ALL)
		bytes_puts(out, "GIL held");
	else if (percent <= 100 - NEARLY_ALL)
		bytes_puts(out, "GIL released");
	else
		bytes_printf(out, "GIL held in %llu %% of the samples", (unsigned long long)percent);
}

/* --- ledger -------------------------------------------------------------------------------------- */

void phrase_ledger(struct pen *p, const struct ledger *l, uint64_t delay_ns, uint64_t lag_ns)
{
	const struct {
		const char *name;
		uint64_t ns;
		bool inside; /* part of another */
	} parts[] = {
		{"cpu", l->cpu_ns},
		{"stolen", l->stolen_ns, true},
		{"interrupts", l->interrupts_ns, true},
		{"blocked", l->blocked_ns},
		{"runnable", l->runnable_ns},
		{"delay", delay_ns},
		{"throttled", l->throttled_ns, true},
		{"stopped", l->stopped_ns},
		{"faults", l->fault_ns, true},
		{"reclaim", l->reclaim_ns, true},
		{"unaccounted", l->unaccounted_ns},
	};
	bool seconds = lag_ns >= 10000000000u;
	double scale = seconds ? 1e9 : 1e6, least = seconds ? 5e6 : 5e4;
	size_t last = ARRAY_LEN(parts);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if ((double)parts[i].ns >= least)
			last = i;
	if (last == ARRAY_LEN(parts))
		return;
	bool first = true;
	for (size_t i = 0; i <= last; i++) {
		if ((double)parts[i].ns < least)
			continue;
		char text[64];
		snprintf(text, sizeof text, "%s%s%s %.*f%s%s", first ? "ledger: " : "",
			 parts[i].inside ? "(" : "", parts[i].name, seconds ? 2 : 1,
			 (double)parts[i].ns / scale,
			 i < last  ? ""
			 : seconds ? " s"
				   : " ms",
			 parts[i].inside ? ")" : "");
		pen_piece(p, INK_DIM, parts[i].inside ? " " : " · ", text);
		first = false;
	}
}

/* --- stacks -------------------------------------------------------------------------------------- */

/* Which frames are worth the room. */
struct chosen {
	const struct fact_frame *frames[32];
	unsigned repeated[32], n;
	bool more;
};

/* Compiled at run time, and not known by name: one address tells as little as the next. */
static bool is_jit(const struct fact_frame *f)
{
	return !f->function[0] && !strcmp(f->object, "[JIT]");
}

static bool same_function(const struct fact_frame *a, const struct fact_frame *b)
{
	if (a->kind != b->kind || a->begins != b->begins || strcmp(a->function, b->function) ||
	    strcmp(a->object, b->object))
		return false;
	return a->function[0] || a->offset == b->offset || a->kind == FRAME_JS || is_jit(a);
}

static void choose(struct chosen *c, const struct fact_frame *f)
{
	if (c->n && same_function(c->frames[c->n - 1], f)) {
		c->repeated[c->n - 1]++;
	} else if (c->n < ARRAY_LEN(c->frames)) {
		c->frames[c->n] = f;
		c->repeated[c->n++] = 1;
	} else {
		c->more = true;
	}
}

static bool is_of(const struct dictionary *d, const struct fact_frame *f, uint32_t frame)
{
	const struct fact_frame *culprit = frame ? dictionary_frame(d, frame) : NULL;
	return culprit && same_function(culprit, f);
}

static struct chosen choose_frames(const struct dictionary *d, const struct fact_stack *s,
				   uint32_t culprit_frame)
{
	struct chosen c = {0};
	bool any_application = false, any_user = false;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		any_application |= f && f->application;
		any_user |= f && f->kind != FRAME_IN_KERNEL;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (!f || (any_user && f->kind == FRAME_IN_KERNEL))
			continue;
		if (!c.n || f->application || !any_application || is_of(d, f, culprit_frame))
			choose(&c, f);
	}
	return c;
}

static void put_name(struct pen *p, const struct chosen *c, unsigned i, bool is_culprit)
{
	struct bytes text = {0}, cut = {0};
	struct report_style plain = {.ascii = p->style->ascii};
	bool has_place = c->frames[i]->file[0];
	struct pen measure = {
		.out = &cut, .style = &plain, .width = has_place ? PLACE_COLUMNS + 4 : NAME_COLUMNS};
	bytes_puts(&text, i ? "< " : "");
	if (c->repeated[i] > 1 && is_jit(c->frames[i]))
		bytes_puts(&text, c->frames[i]->object);
	else
		phrase_frame(&text, c->frames[i]);
	if (c->repeated[i] > 1)
		bytes_printf(&text, " ×%u", c->repeated[i]);
	pen_put(&measure, INK_PLAIN, bytes_text(&text));
	enum ink ink = is_culprit ? INK_BOLD : c->frames[i]->application ? INK_PLAIN : INK_DIM;
	pen_flow(p, ink, " ", bytes_text(&cut));
	if (!bytes_ok(&text) || !bytes_ok(&cut))
		p->out->failed = true;
	bytes_free(&text);
	bytes_free(&cut);
}

/* Without a name it is told by its object and an address. */
static unsigned room_for(const struct fact_frame *f)
{
	const char *name = f->function[0] ? f->function : f->object;
	return (unsigned)(strlen(name) + strlen(f->file)) + (f->function[0] ? 3 : 3 + 9);
}

void phrase_stack(struct pen *p, const struct dictionary *d, const struct fact_stack *s,
		  uint32_t culprit_frame, unsigned lines)
{
	static const char *const rest[STACK_STATES] = {
		[STACK_COMPLETE] = "", [STACK_TRUNCATED] = "< … cut off", [STACK_BROKEN] = "< … unknown"};
	struct chosen c = choose_frames(d, s, culprit_frame);
	unsigned room = lines * (p->width - p->indent), used = 0;
	for (unsigned i = 0; i < c.n; i++) {
		used += room_for(c.frames[i]);
		if (i > 1 && used > room) {
			c.more = true;
			break;
		}
		put_name(p, &c, i, is_of(d, c.frames[i], culprit_frame));
	}
	if (c.more)
		pen_piece(p, INK_DIM, " ", "< …");
	else if ((unsigned)s->state < STACK_STATES && rest[s->state][0])
		pen_piece(p, INK_DIM, " ", rest[s->state]);
}
