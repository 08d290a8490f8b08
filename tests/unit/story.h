/* SPDX-License-Identifier: Apache-2.0 */
/* Tells facts to a dictionary and to sinks, for tests: numbers, times and counts are kept in step. */
#ifndef LOOPSTALL_TESTS_STORY_H
#define LOOPSTALL_TESTS_STORY_H

#include "model/dictionary.h"
#include "model/fact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MS		1000000ull
#define S		(1000 * MS)
#define STORY_WALL_US	1795183390000000ull /* 2026-11-20 14:03:10 UTC */
#define STORY_MAX_LOOPS 32
#define STORY_MAX_SINKS 4

struct story {
	struct dictionary *dictionary;
	struct sink *sinks[STORY_MAX_SINKS];
	size_t n_sinks;
	uint64_t at_ns;
	uint32_t loops, frames, stacks;
	struct fact_counts counts[STORY_MAX_LOOPS + 1]; /* of the running second, by loop */
};

static inline void story_tell(struct story *t, struct fact f)
{
	f.at_ns = t->at_ns;
	assert_int_equal(dictionary_take(t->dictionary, &f), 0);
	for (size_t i = 0; i < t->n_sinks; i++)
		assert_int_equal(t->sinks[i]->take(t->sinks[i], &f), 0);
}

static inline struct story *story_new(void)
{
	struct story *t = calloc(1, sizeof *t);
	assert_non_null(t);
	t->dictionary = dictionary_new();
	assert_non_null(t->dictionary);
	return t;
}

static inline void story_free(struct story *t)
{
	dictionary_free(t->dictionary);
	free(t);
}

static inline void story_header(struct story *t, const char *target, uint64_t threshold_ns)
{
	story_tell(t, (struct fact){.kind = FACT_HEADER,
				    .header = {.wall_us = STORY_WALL_US,
					       .threshold_ns = threshold_ns,
					       .record_ns = 10 * MS,
					       .sample_hz = 199,
					       .version = "0.1.0",
					       .host = "web-3",
					       .boot_id = "",
					       .kernel = "6.1.0",
					       .machine = "x86_64",
					       .target = target,
					       .rung = "tracepoint"}});
}

static inline uint32_t story_loop(struct story *t, const char *process, uint32_t pid, const char *runtime)
{
	struct fact_loop l = {.id = ++t->loops,
			      .pid = pid,
			      .tid = pid,
			      .ns_pid = pid,
			      .fd = 3,
			      .comm = process,
			      .process = process,
			      .runtime = runtime,
			      .wait_call = "epoll_wait",
			      .container = "",
			      .unit = "",
			      .threads = 1};
	assert_true(t->loops <= STORY_MAX_LOOPS);
	story_tell(t, (struct fact){.kind = FACT_LOOP, .loop = l});
	t->counts[l.id].loop = l.id;
	return l.id;
}

/* Tells a loop again, as something else. */
static inline void story_loop_class(struct story *t, uint32_t id, enum loop_class class)
{
	struct fact_loop l = *dictionary_loop(t->dictionary, id);
	l.class = class;
	story_tell(t, (struct fact){.kind = FACT_LOOP, .loop = l});
}

static inline uint32_t story_frame_full(struct story *t, struct fact_frame f)
{
	f.id = ++t->frames;
	f.function = f.function ? f.function : "";
	f.object = f.object ? f.object : "";
	f.file = f.file ? f.file : "";
	story_tell(t, (struct fact){.kind = FACT_FRAME, .frame = f});
	return f.id;
}

/* Application frame of the program itself. */
static inline uint32_t story_own(struct story *t, const char *function)
{
	return story_frame_full(
		t, (struct fact_frame){.function = function, .object = "app", .application = true});
}

static inline uint32_t story_library(struct story *t, const char *function, const char *object)
{
	return story_frame_full(t, (struct fact_frame){.function = function, .object = object});
}

/* Frame numbers, innermost first, ended by 0. */
static inline uint32_t story_stack(struct story *t, ...)
{
	uint32_t frames[64], n = 0;
	va_list args;
	va_start(args, t);
	for (uint32_t f; (f = va_arg(args, uint32_t));)
		frames[n++] = f;
	va_end(args);
	story_tell(t,
		   (struct fact){.kind = FACT_STACK, .stack = {.id = ++t->stacks, .n = n, .frames = frames}});
	return t->stacks;
}

/* Iterations without delay in the running second. */
static inline void story_iterations(struct story *t, uint32_t loop, uint64_t n, uint64_t gap_ns)
{
	struct fact_counts *c = &t->counts[loop];
	c->iterations += n;
	c->waits += n;
	c->slept_waits += n;
	c->events += n + n / 2;
	c->busy_ns += n * gap_ns;
	c->max_lag_ns = gap_ns > c->max_lag_ns ? gap_ns : c->max_lag_ns;
	histogram_add(&c->lag, gap_ns, n);
	histogram_add(&c->gap, gap_ns, n);
}

static inline void story_stall(struct story *t, const struct fact_stall *s)
{
	struct fact_counts *c = &t->counts[s->loop];
	if (s->state == STALL_ENDED) {
		c->iterations++;
		c->waits++;
		c->over_threshold++;
		c->busy_ns += s->gap_ns;
		c->max_lag_ns = s->lag_ns > c->max_lag_ns ? s->lag_ns : c->max_lag_ns;
		histogram_add(&c->lag, s->lag_ns, 1);
		histogram_add(&c->gap, s->gap_ns, 1);
		histogram_add(&c->delay, s->delay_ns, 1);
	}
	story_tell(t, (struct fact){.kind = FACT_STALL, .stall = s});
}

/* The second is over: its counts, then the tick. */
static inline void story_second(struct story *t)
{
	t->at_ns += S - t->at_ns % S;
	for (uint32_t i = 1; i <= t->loops; i++) {
		struct fact_counts *c = &t->counts[i];
		uint64_t max_lag_ns = c->max_lag_ns;
		c->elapsed_ns = S;
		story_tell(t, (struct fact){.kind = FACT_COUNTS, .counts = c});
		*c = (struct fact_counts){.loop = i, .max_lag_ns = max_lag_ns};
	}
	story_tell(t, (struct fact){.kind = FACT_TICK});
}

static inline void story_seconds(struct story *t, unsigned n, uint32_t loop, uint64_t iterations,
				 uint64_t gap_ns)
{
	for (unsigned i = 0; i < n; i++) {
		story_iterations(t, loop, iterations, gap_ns);
		story_second(t);
	}
}

static inline void story_loss(struct story *t, const char *reason, const char *meaning, uint64_t count)
{
	story_tell(t, (struct fact){.kind = FACT_LOSS, .loss = {reason, meaning, count}});
}

static inline void story_end(struct story *t, const char *reason)
{
	story_tell(t, (struct fact){.kind = FACT_END, .end = {.reason = reason}});
}

/* A stall of a loop that ends now: the ledger is the caller's, lag and gap follow from it. */
static inline struct fact_stall story_stall_of(struct story *t, uint32_t loop, uint64_t gap_seq,
					       struct ledger ledger, uint64_t delay_ns)
{
	const struct fact_loop *l = dictionary_loop(t->dictionary, loop);
	struct fact_stall s = {
		.loop = loop, .pid = l->pid, .tid = l->tid, .comm = l->comm, .gap_seq = gap_seq};
	s.ledger = ledger;
	s.delay_ns = delay_ns;
	s.gap_ns = ledger.cpu_ns + ledger.blocked_ns + ledger.runnable_ns + ledger.stopped_ns +
		   ledger.unaccounted_ns;
	s.lag_ns = s.gap_ns + delay_ns;
	s.start_ns = t->at_ns > s.lag_ns ? t->at_ns - s.lag_ns : 0;
	return s;
}

#endif
