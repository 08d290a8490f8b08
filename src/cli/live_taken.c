/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hypervisor and interrupts took of this host's CPUs: read every second, and again when a stall has ended in which its thread
 * was on a CPU for longer than the scheduler counted.
 */
#include "cli/live_parts.h"

#include "base/bytes.h"
#include "cli/proc.h"
#include "cli/proc_text.h"

#include <unistd.h>

static bool look(uint64_t now, struct taken_look *l)
{
	struct bytes text = {0};
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	bool is = !proc_file(&text, "/proc/stat") &&
		  proc_text_taken(bytes_text(&text), ticks_per_s > 0 ? (unsigned)ticks_per_s : 0, &l->taken);

	l->at_ns = now;
	bytes_free(&text);
	return is;
}

void taken_look(struct live_source *s, uint64_t now)
{
	struct taken_look l;

	if (look(now, &l))
		s->takens[s->taken_looks++ % TAKEN_LOOKS] = l;
}

/* The last look before a time; the oldest there is if all came later, NULL if there was none. */
static const struct taken_look *last_before(const struct live_source *s, uint64_t start_ns)
{
	uint64_t kept = s->taken_looks < TAKEN_LOOKS ? s->taken_looks : TAKEN_LOOKS;

	for (uint64_t back = 1; back <= kept; back++) {
		const struct taken_look *l = &s->takens[(s->taken_looks - back) % TAKEN_LOOKS];
		if (l->at_ns <= start_ns || back == kept)
			return l;
	}
	return NULL;
}

static uint64_t rise(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void taken_measure(struct live_source *s, struct fact_stall *stall, uint64_t ran_ns)
{
	struct taken_look now;

	if (!taken_missing_ns(stall, ran_ns) || !look(kernel_now_ns(), &now))
		return;
	const struct taken_look *before = last_before(s, s->start_ns + stall->start_ns);
	if (!before)
		return;
	struct taken meanwhile = {rise(now.taken.stolen_ns, before->taken.stolen_ns),
				  rise(now.taken.interrupts_ns, before->taken.interrupts_ns)};
	taken_fill(stall, ran_ns, &meanwhile);
}
