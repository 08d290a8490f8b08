/* SPDX-License-Identifier: Apache-2.0 */
/* What one finished stall adds to the totals: its loop's sums, what its time is put down to, its blocks. */
#include "model/tally.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOTEWORTHY 100 /* a part below 1/100 of its stall is noise */

bool tally_is_hidden(const struct fact_loop *l)
{
	return l && (l->class == LOOP_SLAVE || l->class == LOOP_SLEEP_POLL || l->class == LOOP_SINGLE_CLIENT);
}

static void add_ledger(struct ledger *to, const struct ledger *l)
{
	to->cpu_ns += l->cpu_ns;
	to->blocked_ns += l->blocked_ns;
	to->runnable_ns += l->runnable_ns;
	to->stopped_ns += l->stopped_ns;
	to->throttled_ns += l->throttled_ns;
	to->fault_ns += l->fault_ns;
	to->reclaim_ns += l->reclaim_ns;
	to->unaccounted_ns += l->unaccounted_ns;
	to->preempted += l->preempted;
	to->minor_faults += l->minor_faults;
	to->major_faults += l->major_faults;
	to->stolen_ns += l->stolen_ns;
	to->interrupts_ns += l->interrupts_ns;
}

void tally_stalls_add(struct tally_loop_stalls *t, const struct fact_stall *s)
{
	t->stalls++;
	t->stall_ns += s->lag_ns;
	if (s->lag_ns > t->longest_ns)
		t->longest_ns = s->lag_ns;
	t->by_verdict[s->verdict]++;
	t->verdict_ns[s->verdict] += s->lag_ns;
	t->by_harm[s->harm]++;
	t->ready_fds += s->ready_fds;
	t->died += s->state == STALL_DIED;
	t->delay_ns += s->delay_ns;
	add_ledger(&t->ledger, &s->ledger);
}

void tally_stalls_merge(struct tally_loop_stalls *into, const struct tally_loop_stalls *from)
{
	into->stalls += from->stalls;
	into->stall_ns += from->stall_ns;
	if (from->longest_ns > into->longest_ns)
		into->longest_ns = from->longest_ns;
	for (unsigned v = 0; v < VERDICTS; v++) {
		into->by_verdict[v] += from->by_verdict[v];
		into->verdict_ns[v] += from->verdict_ns[v];
	}
	for (unsigned h = 0; h < HARMS; h++)
		into->by_harm[h] += from->by_harm[h];
	into->ready_fds += from->ready_fds;
	into->died += from->died;
	into->delay_ns += from->delay_ns;
	add_ledger(&into->ledger, &from->ledger);
}

/* Keeps the heaviest; a new one pushes the lightest out only if it is heavier by itself. */
static void add_stack(struct weighted_stack stacks[TALLY_TOP_STACKS], uint32_t stack, uint64_t ns)
{
	struct weighted_stack *lightest = &stacks[0];
	for (size_t i = 0; i < TALLY_TOP_STACKS; i++) {
		if (stacks[i].stack == stack) {
			stacks[i].ns += ns;
			return;
		}
		if (stacks[i].ns < lightest->ns)
			lightest = &stacks[i];
	}
	if (ns > lightest->ns)
		*lightest = (struct weighted_stack){stack, ns};
}

/* The cause's index, SIZE_MAX without memory. */
static size_t cause_index(struct tally_totals *t, enum cause_kind kind, uint64_t key, uint32_t frame)
{
	if (kind == CAUSE_FRAME && t->n_causes >= TALLY_MAX_CAUSES)
		kind = CAUSE_OTHER;
	if (kind != CAUSE_FRAME)
		key = frame = 0;
	for (size_t i = 0; i < t->n_causes; i++)
		if (t->causes[i].kind == kind && t->causes[i].key == key)
			return i;
	if (!array_reserve(&t->causes, &t->causes_cap, t->n_causes + 1, sizeof *t->causes))
		return SIZE_MAX;
	t->causes[t->n_causes] = (struct tally_cause){.kind = kind, .key = key, .frame = frame};
	return t->n_causes++;
}

static void vote(struct tally_naming *to, const struct fact_stall *s, uint64_t ns)
{
	const char *cause = s->cause ? s->cause : "";
	if (!to->cause || (strcmp(to->cause, cause) != 0 && to->votes_ns <= ns))
		*to = (struct tally_naming){cause, s->remedy ? s->remedy : "",
					    to->cause ? ns - to->votes_ns : ns};
	else if (strcmp(to->cause, cause) != 0)
		to->votes_ns -= ns;
	else
		to->votes_ns += ns;
}

/* Of the longest, but of one with the name that leads before all others. */
static void keep_evidence(struct tally_cause *c, const struct fact_stall *s, uint64_t ns)
{
	if (!s->cause || !s->cause[0])
		return;
	bool named = !strcmp(s->cause, c->naming.cause);
	bool was_named = c->told_cause && !strcmp(c->told_cause, c->naming.cause);
	if (named < was_named || (named == was_named && ns <= c->told_ns))
		return;
	c->told_ns = ns;
	c->told_cause = s->cause;
	memcpy(c->evidence, s->evidence, sizeof c->evidence);
}

/* Welford's sums: no list of times. */
static void beat(struct tally_rhythm *r, uint64_t start_ns)
{
	if (r->last_ns && start_ns > r->last_ns) {
		double between_ns = (double)(start_ns - r->last_ns), before_ns = between_ns - r->mean_ns;
		r->n++;
		r->mean_ns += before_ns / (double)r->n;
		r->squares += before_ns * (between_ns - r->mean_ns);
	}
	if (start_ns)
		r->last_ns = start_ns;
}

/* A stall's cause speaks for its first culprit, and a cause that is not in the code for its own kind of time. */
static bool speaks_for(const struct fact_stall *s, enum cause_kind kind, const struct tally_stall *so_far)
{
	static const char *const words[CAUSE_KINDS] = {
		[CAUSE_THROTTLED] = "throttled", [CAUSE_NO_CPU] = "no_cpu", [CAUSE_STOPPED] = "stopped"};
	bool outside = s->verdict == VERDICT_STARVED || s->verdict == VERDICT_THROTTLED ||
		       s->verdict == VERDICT_STOPPED;
	if (kind == CAUSE_FRAME)
		return !so_far->n_parts && !outside;
	return words[kind] && s->cause && !strcmp(words[kind], s->cause);
}

static int add_part(struct tally_totals *t, struct tally_stall *to, const struct fact_stall *s,
		    enum cause_kind kind, uint64_t key, const struct culprit *c)
{
	if (c->ns <= s->lag_ns / NOTEWORTHY)
		return 0;
	size_t i = cause_index(t, kind, key, c->frame);
	if (i == SIZE_MAX)
		return -ENOMEM;
	struct tally_cause *cause = &t->causes[i];
	if (!cause->stalls)
		cause->loop = s->loop;
	cause->loop_bits |= (uint64_t)1 << (s->loop % 64);
	cause->stalls++;
	cause->ns += c->ns;
	cause->verdict_ns[s->verdict] += c->ns;
	if (c->ns > cause->longest_ns)
		cause->longest_ns = c->ns;
	if (speaks_for(s, kind, to)) {
		vote(&cause->naming, s, c->ns);
		keep_evidence(cause, s, c->ns);
		beat(&cause->rhythm, s->start_ns);
	}
	if (c->stack)
		add_stack(cause->stacks, c->stack, c->ns);
	to->parts[to->n_parts++] = (struct cause_part){(uint32_t)i, c->ns};
	return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Time that no frame explains, by kind. */
static int add_other_parts(struct tally_totals *t, struct tally_stall *to, const struct fact_stall *s,
			   uint64_t framed_ns)
{
	const struct ledger *l = &s->ledger;
	uint64_t taken_ns = l->stolen_ns + l->interrupts_ns;
	const struct {
		enum cause_kind kind;
		uint64_t ns;
	} others[] = {
		{CAUSE_THROTTLED, l->throttled_ns},
		{CAUSE_NO_CPU, less(l->runnable_ns + s->delay_ns, l->throttled_ns) + taken_ns},
		{CAUSE_STOPPED, l->stopped_ns},
		{CAUSE_NO_STACK, less(l->cpu_ns + l->blocked_ns, framed_ns + taken_ns)},
		{CAUSE_UNACCOUNTED, l->unaccounted_ns},
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct culprit c = {.ns = others[i].ns};
		int err = add_part(t, to, s, others[i].kind, 0, &c);
		if (err)
			return err;
	}
	return 0;
}

static int add_causes(struct tally_totals *t, struct tally_stall *to, const struct fact_stall *s,
		      const struct dictionary *d)
{
	struct culprit parts[TALLY_PARTS];
	size_t n = culprit_split(s, d, parts, TALLY_PARTS);
	uint64_t framed_ns = 0;
	for (size_t i = 0; i < n; i++) {
		int err = add_part(t, to, s, CAUSE_FRAME, culprit_key(dictionary_frame(d, parts[i].frame)),
				   &parts[i]);
		if (err)
			return err;
		framed_ns += parts[i].ns;
	}
	return add_other_parts(t, to, s, framed_ns);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

uint64_t tally_block_key(const struct block *b)
{
	bool numbers_tell = b->kind != TARGET_CHILD && b->kind != TARGET_PIPE && b->kind != TARGET_FAULT;
	uint64_t h = 0xcbf29ce484222325u ^ b->kind;
	for (const char *p = b->call; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	h = (h ^ 0xff) * 0x100000001b3u;
	for (const char *p = b->target; *p; p++)
		if (numbers_tell || !is_digit(*p))
			h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return h;
}

static int add_block(struct tally_totals *t, const struct block *b)
{
	uint64_t key = tally_block_key(b);
	size_t i = 0;
	while (i < t->n_blocks && t->blocks[i].key != key)
		i++;
	if (i == TALLY_MAX_BLOCKS) {
		t->beyond_blocks++;
		return 0;
	}
	if (!array_reserve(&t->blocks, &t->blocks_cap, i + 1, sizeof *t->blocks))
		return -ENOMEM;
	struct tally_block *to = &t->blocks[i];
	if (i == t->n_blocks) {
		*to = (struct tally_block){.key = key, .call = b->call, .target = b->target, .kind = b->kind};
		t->n_blocks++;
	}
	to->several |= strcmp(to->target, b->target) != 0;
	to->count += b->count;
	to->sum_ns += b->sum_ns;
	to->stalls++;
	if (b->max_ns >= to->max_ns) {
		to->max_ns = b->max_ns;
		to->target = b->target;
		to->stack = b->stack ? b->stack : to->stack;
		to->waker = b->waker;
	}
	return 0;
}

bool tally_takes(const struct fact_stall *s)
{
	return (unsigned)s->verdict < VERDICTS && (unsigned)s->harm < HARMS;
}

int tally_totals_add(struct tally_totals *t, const struct fact_stall *s, const struct dictionary *d)
{
	if (tally_is_hidden(dictionary_loop(d, s->loop)))
		return 0;
	absence_add(&t->absence, s);
	struct tally_stall compact = {s->start_ns, s->lag_ns, s->loop, s->verdict, s->state};
	int err = add_causes(t, &compact, s, d);
	for (uint32_t i = 0; !err && i < s->n_blocks && i < FACT_MAX_BLOCKS; i++)
		err = add_block(t, &s->blocks[i]);
	if (err)
		return err;
	if (t->n_stalls >= TALLY_MAX_STALLS) {
		t->beyond_stalls++;
		return 0;
	}
	if (!array_reserve(&t->stalls, &t->stalls_cap, t->n_stalls + 1, sizeof *t->stalls))
		return -ENOMEM;
	t->stalls[t->n_stalls++] = compact;
	return 0;
}

/* A copy of an array with room for nothing more; NULL for an empty one. */
static bool copy_array(void *to, size_t *to_n, size_t *to_cap, const void *from, size_t n, size_t item_bytes)
{
	if (!n)
		return true;
	if (!array_reserve(to, to_cap, n, item_bytes))
		return false;
	void *items;
	memcpy(&items, to, sizeof items);
	memcpy(items, from, n * item_bytes);
	*to_n = n;
	return true;
}

int tally_totals_copy(struct tally_totals *to, const struct tally_totals *from)
{
	*to = (struct tally_totals){.absence = from->absence,
				    .beyond_stalls = from->beyond_stalls,
				    .beyond_blocks = from->beyond_blocks};
#define COPY(name)                                                                                           \
	copy_array(&to->name, &to->n_##name, &to->name##_cap, from->name, from->n_##name, sizeof *to->name)
	if (COPY(causes) && COPY(blocks) && COPY(stalls))
		return 0;
#undef COPY
	tally_totals_free(to);
	return -ENOMEM;
}

void tally_totals_free(struct tally_totals *t)
{
	free(t->causes);
	free(t->blocks);
	free(t->stalls);
	*t = (struct tally_totals){0};
}
