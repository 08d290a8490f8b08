/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings in place of the live capture; what follows is the same. Needs no rights but to open the files, and gives them up then, for
 * recordings come from anywhere.
 */
#ifndef LOOPSTALL_CLI_REPLAY_H
#define LOOPSTALL_CLI_REPLAY_H

#include "cli/fanout.h"
#include "cli/options.h"
#include "model/tally.h"
#include "record/reader.h"

struct replay {
	struct recording *recording;
	struct fanout facts; /* the tally is its first sink; others are added before replay_read() */
	struct tally *tally;
};

/* Opens o->files and reads their headers; nothing else can be opened from here on. 0, or negative with the diag filled. */
int replay_open(struct replay *r, const struct options *o, struct diag *d);
/*
 * Gives everything to the sinks, or everything before the damage: what can be told of it is told by the caller in any case, and then the
 * damage is the error. 0, or negative with the diag filled: *sinks_failed says whether a sink refused, and nothing is to be told.
 */
int replay_read(struct replay *r, bool *sinks_failed, struct diag *d);
void replay_close(struct replay *r);

#endif
