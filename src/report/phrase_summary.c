/* SPDX-License-Identifier: Apache-2.0 */
#include "report/phrase_summary.h"

#include "base/array.h"
#include "base/duration.h"
#include "report/answer.h"
#include "report/moment.h"
#include "report/naming.h"
#include "report/phrase.h"

#include <string.h>

/* --- loops --------------------------------------------------------------------------------------- */

#define QUIET_LOOPS 3		/* told even though there is nothing to tell */
#define OPEN_NS	    1000000000u /* a shorter one at the end of the run is just the stall that was cut off */

bool summary_is_quiet(const struct summary_loop *l)
{
	return !l->stalls.stalls && !l->saturated_ns && !l->workers->times &&
	       l->arrival.p99_ns < ANSWER_QUIET_NS;
}

/* One of the loops that a runtime keeps for itself and hardly ever runs. */
static bool is_idle(const struct summary_loop *l)
{
	return summary_is_quiet(l) && l->utilisation < 0.0005;
}

size_t summary_loops_told(const struct summary *s, size_t most)
{
	size_t n = s->n_loops - s->n_hidden, told = 0;
	for (; told < n && told < most; told++) {
		const struct summary_loop *l = &s->loops[told];
		if ((told >= QUIET_LOOPS && summary_is_quiet(l)) || (told && is_idle(l)))
			break;
	}
	return told;
}

bool summary_is_open(const struct summary_loop *l)
{
	return l->open && (l->open->state == STALL_STUCK || l->open->lag_ns >= OPEN_NS);
}

const struct fact_stack *summary_saturated_stack(const struct summary *s, const struct summary_loop *l,
						 uint32_t *culprit_frame)
{
	const struct fact_saturated *last = l->last_saturated;
	struct weighted_stack stacks[ARRAY_LEN(last->samples)];
	size_t n = 0;
	for (uint32_t i = 0; last && i < last->n_samples && i < ARRAY_LEN(stacks); i++)
		if (last->samples[i].stack)
			stacks[n++] = (struct weighted_stack){last->samples[i].stack, last->samples[i].ns};
	struct culprit c = culprit_of(stacks, n, s->dictionary);
	*culprit_frame = c.frame;
	return c.stack ? dictionary_stack(s->dictionary, c.stack) : NULL;
}

void phrase_more_loops(struct bytes *out, const struct summary *s, size_t told, size_t of)
{
	bytes_printf(out, "+ %zu more loop%s, %s", of - told, of - told == 1 ? "" : "s",
		     summary_is_quiet(&s->loops[told]) ? "all quiet" : "harmed less");
}

void phrase_not_judged(struct bytes *out, const struct summary *s)
{
	bytes_printf(out, "+ %zu not judged: slave, sleep-poll or single-client", s->n_hidden);
}

void phrase_saturated(struct bytes *out, const struct summary_loop *l)
{
	char text[DURATION_TEXT_BYTES];
	bytes_printf(out, "saturated for %s%s", duration_text(l->saturated_ns, text),
		     l->saturated ? ", and still is" : "");
}

void phrase_workers(struct bytes *out, const struct blocked_workers *w)
{
	char text[DURATION_TEXT_BYTES], times[MOMENT_BYTES];
	bytes_printf(out, "workers blocked %s time%s, ≥ %s", number_text(w->times, times),
		     w->times == 1 ? "" : "s", duration_text(w->longest_ns, text));
}

/* --- culprits ------------------------------------------------------------------------------------ */

static const char *const cause_words[CAUSE_KINDS] = {
	[CAUSE_THROTTLED] = "no CPU: the cgroup's quota was used up",
	[CAUSE_NO_CPU] = "no CPU: others ran",
	[CAUSE_STOPPED] = "stopped by a signal, debugger or freezer",
	[CAUSE_NO_STACK] = "on CPU or blocked, but no stack was taken",
	[CAUSE_UNACCOUNTED] = "unaccounted: no event tells",
	[CAUSE_OTHER] = "other functions",
};

size_t summary_causes_told(const struct summary *s, size_t most)
{
	size_t n = 0;
	while (n < s->n_causes && n < most && (!n || s->causes[n].share >= SUMMARY_LEAST_SHARE))
		n++;
	return n;
}

void phrase_cause(struct bytes *out, const struct summary_cause *c)
{
	if (c->frame)
		phrase_frame(out, c->frame);
	else
		bytes_puts(out, c->tally.kind == CAUSE_FRAME ? "?" : cause_words[c->tally.kind]);
}

/* What was found of one stall stands for all of a row: it says so. */
void phrase_told(struct bytes *out, const struct summary_cause *c)
{
	bytes_puts(out, c->named);
	if (c->named[0] && c->evidence[0] && c->tally.stalls > 1)
		bytes_puts(out, c->tally.told_ns < c->tally.longest_ns ? ", one of them" : ", the longest");
}

void phrase_in_stalls(struct bytes *out, uint64_t stalls, uint64_t longest_ns)
{
	char count[MOMENT_BYTES], longest[DURATION_TEXT_BYTES];
	bytes_printf(out, "in %s stall%s, up to %s", number_text(stalls, count), stalls == 1 ? "" : "s",
		     duration_text(longest_ns, longest));
}

void phrase_runner(struct bytes *out, const struct absence_runner *r)
{
	bytes_printf(out, "%s%s", r->own ? "its own thread " : "", r->comm);
	if (r->several)
		bytes_puts(out, ", several");
	else
		bytes_printf(out, "[%u]", r->pid);
}

/* --- names that are missing ---------------------------------------------------------------------- */

/* The one that is a JVM's; of several nobody knows which a stack is of. */
static const struct fact_loop *java_loop(const struct summary *s)
{
	const struct fact_loop *found = NULL;
	for (size_t i = 0; i < s->n_loops; i++) {
		const struct fact_loop *l = s->loops[i].loop;
		if (strncmp(l->runtime, "jvm", strlen("jvm")) != 0)
			continue;
		if (found && found->pid != l->pid)
			return NULL;
		found = l;
	}
	return found;
}

static bool has_named_js(const struct summary *s, const struct summary_cause *c)
{
	for (uint32_t i = 0; c->stack && i < c->stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(s->dictionary, c->stack->frames[i]);
		if (f && f->kind == FRAME_JS && f->function[0])
			return true;
	}
	return false;
}

/* A few functions that have no name are no reason to start a program anew whose others have one. */
static bool names_js(const struct summary *s, uint32_t loop)
{
	for (size_t i = 0; i < s->n_causes; i++)
		if (s->causes[i].tally.loop == loop && has_named_js(s, &s->causes[i]))
			return true;
	return false;
}

/* Whose runtime a culprit is told by. */
static const struct fact_loop *loop_of(const struct summary *s, const struct summary_cause *c)
{
	const struct fact_loop *l = dictionary_loop(s->dictionary, c->tally.loop);
	return l && !strncmp(l->runtime, "jvm", strlen("jvm")) ? java_loop(s) : l;
}

void phrase_naming(struct bytes *out, const struct summary *s)
{
	for (size_t i = 0; i < s->n_causes && !out->len; i++)
		if (!names_js(s, s->causes[i].tally.loop))
			naming_remedy(out, s->dictionary, s->causes[i].stack, loop_of(s, &s->causes[i]));
}
