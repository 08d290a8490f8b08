/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last minutes in memory, for `record --last 10m`: a sink that keeps facts as a recording does, in compressed frames, forgets them
 * by age, and can be written out at any time as a complete recording of its own. Bounded in bytes; what it drops
 * before its time is counted and becomes a loss in what it writes.
 */
#ifndef LOOPSTALL_RECORD_RING_H
#define LOOPSTALL_RECORD_RING_H

#include "model/fact.h"

struct ring;

struct ring_counts {
	uint64_t facts, bytes; /* kept now, without the definitions */
	uint64_t dropped;      /* facts that were younger than keep_ns and had to go */
};

/* Keeps facts for keep_ns, and at most max_bytes of them (compressed). NULL without memory. */
struct ring *ring_new(uint64_t keep_ns, size_t max_bytes);
void ring_free(struct ring *r);
/* Takes what any sink takes. Loops, frames and stacks are kept for good, as their source does. */
struct sink *ring_sink(struct ring *r);
struct ring_counts ring_counts(const struct ring *r);

/*
 * Gives a whole recording to the sink (a recording writer's): header, the facts kept, each loop, frame and stack before its first use
 * and numbered anew, an end with the given reason. Time 0 is that of the oldest fact kept. The ring is not changed. 0, -ENOMEM,
 * -ENODATA before the header came, or what the sink refused with.
 */
int ring_write(struct ring *r, struct sink *to, const char *reason);

#endif
