/* SPDX-License-Identifier: Apache-2.0 */
/* export -f FORMAT FILE…: recordings in a form that other programs read, on standard output. */
#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "model/places.h"
#include "report/report.h"
#include "report/trace.h"

#include <errno.h>
#include <string.h>

/* Of the summary, and of all places if the format reads them. */
static int write_summary(const struct replay *r, struct places *places, const struct options *o,
			 struct diag *d)
{
	struct report_style style = terminal_style(o);
	struct bytes out = {0};
	struct summary *summary = summary_new(r->tally);
	int err = summary ? 0 : -ENOMEM;
	if (!err && places)
		err = places_close(places, summary);
	if (!err)
		err = report_format_find(o->format)->write(summary, &style, &out);
	err = err ? diag_fail(d, err, "out of memory") : terminal_finish(&out, d);
	summary_free(summary);
	bytes_free(&out);
	return err;
}

static int export_summary(struct replay *r, const struct options *o, struct diag *d)
{
	struct places *places = NULL;
	bool failed = false;
	if (report_format_find(o->format)->by_place) {
		places = places_new(r->facts.dictionary, o->threshold_ns);
		if (!places)
			return diag_fail(d, -ENOMEM, "out of memory");
		fanout_add(&r->facts, places_sink(places));
	}
	int err = replay_read(r, &failed, d);
	struct diag later = {0};
	int later_err = failed ? 0 : write_summary(r, places, o, &later);
	places_free(places);
	if (later_err)
		*d = later;
	return later_err ? later_err : err;
}

static int export_trace(struct replay *r, const struct options *o, struct diag *d)
{
	const struct trace_options how = {
		.dictionary = r->facts.dictionary, .threshold_ns = o->threshold_ns, .flush = terminal_write};
	struct trace *trace = trace_new(&how);
	bool failed = false;
	if (!trace)
		return diag_fail(d, -ENOMEM, "out of memory");
	fanout_add(&r->facts, trace_sink(trace));
	int err = replay_read(r, &failed, d);
	int end_err = failed ? 0 : trace_end(trace);
	trace_free(trace);
	return end_err ? diag_fail(d, end_err, "cannot write to standard output: %s", strerror(-end_err))
		       : err;
}

int cmd_export(const struct options *o, struct diag *d)
{
	const struct report_format *format = report_format_find(o->format);
	struct replay replay = {0};
	if (format->is_binary && terminal_is_tty()) {
		diag_hint(d, "loopstall export -f %s %s > FILE", format->name, o->files[0]);
		return diag_fail(d, -EINVAL, "%s is not for a terminal", format->name);
	}
	int err = replay_open(&replay, o, d);
	if (!err)
		err = format->write ? export_summary(&replay, o, d) : export_trace(&replay, o, d);
	replay_close(&replay);
	return err;
}
