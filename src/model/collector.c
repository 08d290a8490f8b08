/* SPDX-License-Identifier: Apache-2.0 */
#include "model/collector.h"

#include "base/array.h"
#include "model/library.h"

#include <string.h>

#define BIT(n) (1u << (n))
/* A pause was a collection if its threads ran for a tenth of it: of one on a busy host for 22 % (measured), else for 3 %. */
#define SHARE 10

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool collector_is_thread(const char *comm)
{
	static const char *const threads[] = {"GC Thread#", "GC task thread", "ParGC", "ZWorker",
					      "Shenandoah GC"};

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		if (begins(comm, threads[i]))
			return true;
	return false;
}

/* The VM Thread ends every pause of a JVM, whatever it was for. */
static bool is_safepoint(const struct block *b, const struct library_trace *trace)
{
	return (trace->kinds & BIT(LIBRARY_SAFEPOINT)) ||
	       (b->waker.tid && begins(b->waker.comm, "VM Thread"));
}

enum pause collector_pause(const struct fact_stall *s, const struct block *b, const struct fact_loop *l,
			   const struct dictionary *d)
{
	struct library_trace trace = library_of_stack(d, b->stack);

	if (b->paused || (trace.kinds & BIT(LIBRARY_GC)))
		return PAUSE_COLLECTION;
	if (b->kind != TARGET_FUTEX || !l || !begins(l->runtime, "jvm"))
		return PAUSE_NONE;
	if (b->waker.tid && collector_is_thread(b->waker.comm))
		return PAUSE_COLLECTION;
	if (!is_safepoint(b, &trace))
		return PAUSE_NONE;
	return s->collector_ns >= b->sum_ns / SHARE ? PAUSE_COLLECTION : PAUSE_SAFEPOINT;
}

void collector_measure(struct fact_stall *s, const struct fact_loop *l, const struct dictionary *d)
{
	uint64_t collecting_ns = 0;

	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++)
		if (library_of_stack(d, s->samples[i].stack).kinds & BIT(LIBRARY_GC))
			collecting_ns += s->samples[i].ns;
	if (s->collecting_ns < collecting_ns)
		s->collecting_ns = collecting_ns;
	s->paused_ns = 0;
	for (uint32_t i = 0; i < s->n_blocks && i < FACT_MAX_BLOCKS; i++)
		if (collector_pause(s, &s->blocks[i], l, d) == PAUSE_COLLECTION)
			s->paused_ns += s->blocks[i].sum_ns;
}
