/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the facts of a run go: the live view or a JSON stream on standard output, a recording, the last minutes in memory, and the tally that becomes
 * the summary. Which of them is the verb's and the options' choice; here they are opened, and closed in the right order.
 */
#ifndef LOOPSTALL_CLI_OUTPUTS_H
#define LOOPSTALL_CLI_OUTPUTS_H

#include "base/diag.h"
#include "cli/fanout.h"
#include "cli/options.h"
#include "model/gate.h"
#include "model/tally.h"

struct outputs {
	struct fanout facts; /* the sink to feed */
	const struct options *options;
	struct tally *tally;
	struct live *live;
	struct json_stream *stream;
	struct recording_writer *writer;
	struct ring *ring;
	struct gate gate; /* check */
	size_t breaches;
	bool told_failure; /* of the recording: it is not to be said again */
	bool kept_first;
};

/* 0, or a negative errno with the diag filled and everything closed. */
int outputs_open(struct outputs *out, const struct options *o, struct diag *d);
/* Every beat: flushes what is old enough, tells at once when a recording can no longer be written. */
void outputs_beat(struct outputs *out, uint64_t at_ns);
/* record --last: writes what is in memory to the file now (SIGUSR2). */
void outputs_keep(struct outputs *out);
/* dump: lets the live view show what comes now, or no longer. */
void outputs_unmute(struct outputs *out, bool shown);
/* A table in between (hist INTERVAL). */
int outputs_interval(struct outputs *out);
/* After the end fact: the summary, and the file. 0 or a negative errno with the diag filled; 0 where told_failure said it. */
int outputs_finish(struct outputs *out, struct diag *d);
void outputs_close(struct outputs *out);

#endif
