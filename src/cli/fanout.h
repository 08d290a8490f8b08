/* SPDX-License-Identifier: Apache-2.0 */
/* One stream of facts to several sinks: the dictionary first, so that every sink can look up what a fact names. */
#ifndef LOOPSTALL_CLI_FANOUT_H
#define LOOPSTALL_CLI_FANOUT_H

#include "model/dictionary.h"
#include "model/fact.h"

#define FANOUT_SINKS 6

struct fanout {
	struct sink sink; /* first member: a fanout is a sink */
	struct dictionary *dictionary;
	struct sink *sinks[FANOUT_SINKS];
	size_t n;
	int error;	     /* first error of a sink, 0 none */
	struct sink *failed; /* the sink it came from; it has been taken out */
};

int fanout_init(struct fanout *f);
/* Sinks are called in the order they were added. False when there are too many. */
bool fanout_add(struct fanout *f, struct sink *sink);
void fanout_free(struct fanout *f);

#endif
