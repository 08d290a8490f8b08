/* SPDX-License-Identifier: Apache-2.0 */
#include "model/places.h"

#include "base/array.h"
#include "base/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Samples and one without a stack, blocks and what they do not cover, and the kinds without a stack. */
#define MOST_PARTS (FACT_MAX_SAMPLES + FACT_MAX_BLOCKS + 2 + PLACE_KINDS)

struct places {
	struct sink sink; /* first member */
	const struct dictionary *dictionary;
	uint64_t threshold_ns;
	struct place **list;
	size_t n, cap;
	struct idmap by_key;
	struct place beyond;
};

/* One stall's time, while it is divided. */
struct division {
	const struct fact_stall *stall;
	uint64_t left_ns;
	struct place parts[MOST_PARTS];
	size_t n;
};

static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

static uint64_t hash_number(uint64_t h, uint64_t n)
{
	h = (h ^ n) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* Numbers in the names of children and pipes tell nobody anything, as in tally_block_key(). */
static uint64_t key_of(const struct place *p)
{
	struct block b = {.call = p->call, .target = p->target, .kind = p->target_kind};
	uint64_t h = hash_text(tally_block_key(&b), p->process);
	h = hash_text(h, p->cause);
	h = hash_number(h, (uint64_t)p->pid << 32 | p->stack);
	return hash_number(h, (uint64_t)p->kind << 8 | (uint64_t)p->verdict);
}

static bool is_same(const struct place *a, const struct place *b)
{
	return a->kind == b->kind && a->pid == b->pid && a->stack == b->stack && a->verdict == b->verdict &&
	       a->target_kind == b->target_kind && !strcmp(a->process, b->process) &&
	       !strcmp(a->call, b->call) && !strcmp(a->cause, b->cause);
}

static struct place *new_place(struct places *p, uint64_t key, const struct place *part)
{
	if (p->n >= PLACES_MAX)
		return &p->beyond;
	struct place *place = malloc(sizeof *place);
	if (!place || !array_reserve(&p->list, &p->cap, p->n + 1, sizeof(struct place *)) ||
	    !idmap_put(&p->by_key, key, place)) {
		free(place);
		return NULL;
	}
	*place = *part;
	place->ns = place->longest_ns = place->stalls = 0;
	place->order = p->n;
	p->list[p->n++] = place;
	return place;
}

/* NULL without memory. A key that another place has is passed over: names come from outside, and may be made to meet. */
static struct place *place_of(struct places *p, const struct place *part)
{
	uint64_t key = key_of(part);
	struct place *place;
	while ((place = idmap_get(&p->by_key, key)) && !is_same(place, part))
		key++;
	return place ? place : new_place(p, key, part);
}

/* Of sleeps: what is left until one moment is asked for with a few microseconds more or less. */
static bool is_apart(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) > a / 16;
}

static int add_part(struct places *p, const struct place *part, bool is_heaviest)
{
	struct place *to = place_of(p, part);
	if (!to)
		return -ENOMEM;
	to->several |=
		to->ns && (strcmp(to->target, part->target) != 0 || is_apart(to->object, part->object));
	to->ns += part->ns;
	to->stalls += is_heaviest;
	if (part->ns > to->longest_ns) {
		to->longest_ns = part->ns;
		to->target = part->target;
		to->object = part->object;
	}
	return 0;
}

/* --- dividing a stall ------------------------------------------------------------------------------ */

static struct place *put_part(struct division *v, enum place_kind kind, uint32_t stack, uint64_t ns)
{
	const struct fact_stall *s = v->stall;
	if (ns > v->left_ns)
		ns = v->left_ns;
	if (!ns)
		return NULL;
	v->left_ns -= ns;
	v->parts[v->n] = (struct place){.kind = kind,
					.stack = stack,
					.call = "",
					.target = "",
					.process = "",
					.verdict = s->verdict,
					.cause = s->cause ? s->cause : "",
					.ns = ns};
	return &v->parts[v->n++];
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Samples are estimates and the ledger is measured: more than it has they cannot stand for. */
static uint64_t scaled(uint64_t ns, double sum_ns, uint64_t most_ns)
{
	return sum_ns > (double)most_ns ? (uint64_t)((double)ns * ((double)most_ns / sum_ns)) : ns;
}

/* As floating point, since a recording's numbers may be anything, and their sum is to be more than each of them. */
static double sampled_ns(const struct fact_stall *s)
{
	double sum_ns = 0;
	for (uint32_t i = 0; i < s->n_samples; i++)
		sum_ns += (double)s->samples[i].ns;
	return sum_ns;
}

static double waited_ns(const struct fact_stall *s)
{
	double sum_ns = 0;
	for (uint32_t i = 0; i < s->n_blocks; i++)
		sum_ns += (double)s->blocks[i].sum_ns;
	return sum_ns;
}

static uint64_t at_most(double ns, uint64_t most_ns)
{
	return ns < (double)most_ns ? (uint64_t)ns : most_ns;
}

static void divide_cpu(struct division *v, uint64_t cpu_ns)
{
	const struct fact_stall *s = v->stall;
	uint64_t before_ns = v->left_ns;
	double sum_ns = sampled_ns(s);
	for (uint32_t i = 0; i < s->n_samples; i++)
		put_part(v, PLACE_CPU, s->samples[i].stack, scaled(s->samples[i].ns, sum_ns, cpu_ns));
	put_part(v, PLACE_CPU, 0, less(cpu_ns, before_ns - v->left_ns));
}

static void divide_blocked(struct division *v, uint64_t blocked_ns)
{
	const struct fact_stall *s = v->stall;
	uint64_t before_ns = v->left_ns;
	double sum_ns = waited_ns(s);
	for (uint32_t i = 0; i < s->n_blocks; i++) {
		const struct block *b = &s->blocks[i];
		struct place *part =
			put_part(v, PLACE_BLOCKED, b->stack, scaled(b->sum_ns, sum_ns, blocked_ns));
		if (!part)
			continue;
		part->call = b->call;
		part->target = b->target;
		part->target_kind = b->kind;
		part->object = b->kind == TARGET_SLEEP ? b->object : 0; /* addresses tell nobody anything */
	}
	put_part(v, PLACE_BLOCKED, 0, less(blocked_ns, before_ns - v->left_ns));
}

/*
 * A stall that began before we came has no ledger: what its stacks stand for is believed up to its age, and of nothing else a length is
 * known.
 */
static void divide(struct division *v)
{
	const struct ledger *l = &v->stall->ledger;
	uint64_t taken_ns = l->stolen_ns + l->interrupts_ns;
	bool is_measured = l->cpu_ns | l->blocked_ns | l->runnable_ns | l->stopped_ns | l->unaccounted_ns;
	divide_cpu(v, is_measured ? less(l->cpu_ns, taken_ns) : at_most(sampled_ns(v->stall), v->left_ns));
	divide_blocked(v, is_measured ? l->blocked_ns : at_most(waited_ns(v->stall), v->left_ns));
	put_part(v, PLACE_THROTTLED, 0, l->throttled_ns);
	put_part(v, PLACE_NO_CPU, 0, less(l->runnable_ns + v->stall->delay_ns, l->throttled_ns) + taken_ns);
	put_part(v, PLACE_STOPPED, 0, l->stopped_ns);
	put_part(v, PLACE_UNACCOUNTED, 0, v->left_ns);
}

static int add_stall(struct places *p, const struct fact_stall *s)
{
	const struct fact_loop *loop = dictionary_loop(p->dictionary, s->loop);
	if (!loop || tally_is_hidden(loop) || !tally_takes(s) || s->lag_ns < p->threshold_ns)
		return 0;
	struct division v = {.stall = s, .left_ns = s->lag_ns};
	size_t heaviest = 0;
	divide(&v);
	for (size_t i = 1; i < v.n; i++)
		if (v.parts[i].ns > v.parts[heaviest].ns)
			heaviest = i;
	for (size_t i = 0; i < v.n; i++) {
		v.parts[i].pid = loop->pid;
		v.parts[i].process = loop->process[0] ? loop->process : loop->comm;
		int err = add_part(p, &v.parts[i], i == heaviest);
		if (err)
			return err;
	}
	return 0;
}

static int places_take(struct sink *self, const struct fact *f)
{
	struct places *p = (struct places *)self;
	if (f->kind == FACT_HEADER && !p->threshold_ns)
		p->threshold_ns = f->header.threshold_ns;
	return f->kind == FACT_STALL && stall_is_over(f->stall) ? add_stall(p, f->stall) : 0;
}

static int by_time(const void *a, const void *b)
{
	const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int places_close(struct places *p, struct summary *s)
{
	for (size_t i = 0; i < s->n_loops; i++) {
		int err = s->loops[i].open ? add_stall(p, s->loops[i].open) : 0;
		if (err)
			return err;
	}
	if (p->n)
		qsort(p->list, p->n, sizeof(struct place *), by_time);
	s->places = p;
	return 0;
}

size_t places_count(const struct places *p)
{
	return p->n + (p->beyond.ns != 0);
}

const struct place *places_at(const struct places *p, size_t i)
{
	return i < p->n ? p->list[i] : &p->beyond;
}

struct places *places_new(const struct dictionary *d, uint64_t threshold_ns)
{
	struct places *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->sink.take = places_take;
	p->dictionary = d;
	p->threshold_ns = threshold_ns;
	p->beyond =
		(struct place){.kind = PLACE_BEYOND, .process = "", .call = "", .target = "", .cause = ""};
	return p;
}

struct sink *places_sink(struct places *p)
{
	return &p->sink;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
	idmap_free(&p->by_key);
	free(p);
}
