/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source: turns what the capture sees into facts. It joins three things that know nothing of each other: records and slots
 * (capture), named stacks (symbol) and the facts' order (model). One thread; live_source_step() is called when there is something to read and
 * at least every 100 ms.
 */
#ifndef LOOPSTALL_CLI_LIVE_H
#define LOOPSTALL_CLI_LIVE_H

#include "base/diag.h"
#include "capture/capture.h"
#include "cli/target.h"
#include "model/dictionary.h"
#include "model/fact.h"

struct live_source;

struct live_source_options {
	struct capture_options capture;
	struct target_set *targets; /* gets those that they begin until it is attached */
	const char *target_text;    /* as typed */
	struct sink *sink;
	const struct dictionary *dictionary; /* that the sink fills */
	const char *version;
	bool source; /* read the text of culprits' lines */
};

/* Loads, attaches, seeds and sends the header. NULL with the diag filled. */
struct live_source *live_source_open(const struct live_source_options *o, struct diag *d);
/* Two descriptors to poll for reading: what the kernel has to say, and what the helpers that find names have. */
int live_source_fd(const struct live_source *s);
int live_source_names_fd(const struct live_source *s);
/* How long a poll may take before the next step: short while names of stacks are under way. */
int live_source_patience_ms(const struct live_source *s);
/* Reads what is there, sends what is due. 0 or a negative errno. */
int live_source_step(struct live_source *s);
/* Adds a process to follow, unless it has ended. */
int live_source_follow(struct live_source *s, uint32_t pid);
/* True when every process that was followed has ended. */
bool live_source_is_over(const struct live_source *s);
/* Reports every loop that has a gap open now, whatever its age. For `dump`. */
void live_source_dump(struct live_source *s);
/* Nanoseconds since the header. */
uint64_t live_source_now_ns(const struct live_source *s);
/* Last counts, open stalls, losses and the end fact. */
void live_source_finish(struct live_source *s, const char *reason);
void live_source_close(struct live_source *s);

#endif
