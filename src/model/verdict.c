/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that name a stall, in order; the first that holds wins.
 *
 * Environment before code, but only if the code's own part would not have been a stall: a flood of requests
 * is two thirds runnable on a busy host and still the flood's fault. The other way round, code that crosses
 * the threshold within a lag ten times as long is not what made it long.
 */
#include "model/verdict.h"

#include "base/array.h"

/* Where the lag went, as the rules ask for it. */
struct parts {
	uint64_t lag_ns;
	uint64_t cpu_ns, blocked_ns, code_ns; /* code: both */
	uint64_t waiting_ns; /* runnable without a CPU, the delay and what was taken of its CPU included */
	uint64_t throttled_ns, stopped_ns, unaccounted_ns;
	uint64_t fault_ns, futex_ns, gil_ns;
	uint64_t sampled_ns, collecting_ns; /* of cpu_ns, by its samples */
	uint64_t collection_ns;		    /* of code_ns: running it and waiting for it */
	bool code_alone;		    /* would have been a stall by its code alone */
};

static bool most(uint64_t part_ns, uint64_t whole_ns)
{
	return part_ns && part_ns >= whole_ns - whole_ns / 2;
}

static bool is_unknown(const struct parts *p)
{
	return most(p->unaccounted_ns, p->lag_ns) && !p->code_alone;
}

static bool is_stopped(const struct parts *p)
{
	return !p->code_alone && most(p->stopped_ns, p->lag_ns);
}

/* Half of the lag, or half of what made it starve. */
static bool is_throttled(const struct parts *p)
{
	return !p->code_alone && (most(p->throttled_ns, p->lag_ns) ||
				  (most(p->waiting_ns, p->lag_ns) && most(p->throttled_ns, p->waiting_ns)));
}

static bool is_starved(const struct parts *p)
{
	return !p->code_alone && most(p->waiting_ns, p->lag_ns);
}

static bool is_fault(const struct parts *p)
{
	return most(p->fault_ns, p->code_ns);
}

/* The lock that only one thread of an interpreter may hold. */
static bool is_gil(const struct parts *p)
{
	return most(p->blocked_ns, p->code_ns) && most(p->gil_ns, p->blocked_ns);
}

static bool is_lock(const struct parts *p)
{
	return most(p->blocked_ns, p->code_ns) && most(p->futex_ns, p->blocked_ns);
}

static bool is_blocked(const struct parts *p)
{
	return most(p->blocked_ns, p->code_ns);
}

static bool is_collection(const struct parts *p)
{
	return most(p->collection_ns, p->code_ns);
}

static bool is_cpu(const struct parts *p)
{
	return p->cpu_ns;
}

static const struct {
	bool (*holds)(const struct parts *);
	enum verdict verdict;
} rules[] = {
	{is_unknown, VERDICT_NONE},    {is_stopped, VERDICT_STOPPED}, {is_throttled, VERDICT_THROTTLED},
	{is_starved, VERDICT_STARVED}, {is_fault, VERDICT_FAULT},     {is_collection, VERDICT_GC},
	{is_gil, VERDICT_GIL},	       {is_lock, VERDICT_LOCK},	      {is_blocked, VERDICT_BLOCKED},
	{is_cpu, VERDICT_CPU},
};

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t block_ns(const struct fact_stall *s, enum target_kind kind)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < s->n_blocks; i++)
		if (kind == TARGET_KINDS || s->blocks[i].kind == kind)
			sum += s->blocks[i].sum_ns;
	return sum;
}

static struct parts parts_of(const struct fact_stall *s, uint64_t threshold_ns)
{
	const struct ledger *l = &s->ledger;
	uint64_t taken_ns = l->stolen_ns + l->interrupts_ns;
	struct parts p = {
		.lag_ns = s->lag_ns,
		.cpu_ns = l->cpu_ns > taken_ns ? l->cpu_ns - taken_ns : 0,
		/* A stall found stuck at the attach has blocks but hardly a ledger. */
		.blocked_ns = larger(l->blocked_ns, block_ns(s, TARGET_KINDS)),
		.waiting_ns = l->runnable_ns + s->delay_ns + taken_ns,
		.throttled_ns = l->throttled_ns,
		.stopped_ns = l->stopped_ns,
		.unaccounted_ns = l->unaccounted_ns,
		.fault_ns = larger(l->fault_ns, block_ns(s, TARGET_FAULT)) + l->reclaim_ns,
		.futex_ns = block_ns(s, TARGET_FUTEX) + block_ns(s, TARGET_GIL),
		.gil_ns = block_ns(s, TARGET_GIL),
		.collecting_ns = s->collecting_ns,
	};
	for (uint32_t i = 0; i < s->n_samples; i++)
		p.sampled_ns += s->samples[i].ns;
	p.code_ns = p.cpu_ns + p.blocked_ns;
	p.collection_ns = s->paused_ns;
	if (p.sampled_ns) /* samples are estimates: their share counts */
		p.collection_ns +=
			(uint64_t)((double)p.cpu_ns * (double)p.collecting_ns / (double)p.sampled_ns);
	p.code_alone = p.code_ns >= threshold_ns && p.code_ns >= p.lag_ns / 10;
	return p;
}

void verdict_decide(struct fact_stall *s, uint64_t threshold_ns)
{
	struct parts p = parts_of(s, threshold_ns);
	s->verdict = VERDICT_NONE;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].holds(&p)) {
			s->verdict = rules[i].verdict;
			return;
		}
	}
}
