/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timeline in Chrome's trace event format, which Perfetto, chrome://tracing and speedscope open: a track per loop thread, on it each
 * stall with its delay and its gap, and everything known of it as arguments; how busy each loop was as a counter; losses as marks. A
 * sink, as the live view is: it keeps no stalls but the open one of each loop.
 */
#ifndef LOOPSTALL_REPORT_TRACE_H
#define LOOPSTALL_REPORT_TRACE_H

#include "model/dictionary.h"
#include "report/live.h"

struct trace;

struct trace_options {
	const struct dictionary *dictionary; /* has taken a fact before the trace sees it */
	uint64_t threshold_ns;		     /* stalls from here on; 0: the header's */
	live_flush *flush;
	void *context;
};

/* NULL without memory. */
struct trace *trace_new(const struct trace_options *o);
void trace_free(struct trace *t);
/* Valid until trace_free(). take(): 0, -ENOMEM, or what flush returned. */
struct sink *trace_sink(struct trace *t);
/* After the last fact, also of a recording without an end: what is still open, and the end of the document. As take(). */
int trace_end(struct trace *t);

#endif
