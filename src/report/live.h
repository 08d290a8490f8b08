/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live view: a sink that turns facts into lines while they come. A status line with the first tick and
 * about every five seconds after it, each stall as it ends, open and stuck ones as they grow, saturation,
 * losses. It reads no clock: times are the facts', so a replayed recording prints the same bytes.
 */
#ifndef LOOPSTALL_REPORT_LIVE_H
#define LOOPSTALL_REPORT_LIVE_H

#include "model/dictionary.h"
#include "model/fact.h"
#include "report/style.h"

struct live;

/* Gets whole lines, once per fact that printed something. Returns 0 or a negative errno, which take() passes
 * on. */
typedef int live_flush(void *context, const char *text, size_t bytes);

struct live_options {
	struct report_style style;
	const struct dictionary *dictionary; /* has taken a fact before the live view sees it */
	uint64_t threshold_ns;		     /* stalls shown from here on; 0: the header's */
	bool only_open;			     /* stalls that are not over, and no status lines: a snapshot */
	live_flush *flush;
	void *context;
};

/* NULL without memory. */
struct live *live_new(const struct live_options *o);
void live_free(struct live *l);
/* While muted it prints no stalls and remembers none. */
void live_mute(struct live *l, bool muted);
/* Valid until live_free(). take(): 0, -ENOMEM, or what flush returned. */
struct sink *live_sink(struct live *l);

#endif
