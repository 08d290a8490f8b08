/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outputs.h"

#include "cli/json_stream.h"
#include "cli/listing.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "model/summary.h"
#include "record/ring.h"
#include "record/writer.h"
#include "report/live.h"
#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RING_BYTES (64u << 20) /* compressed; ten minutes of the worst stalling need a third of it */

static bool shows_live(const struct options *o)
{
	return !o->json &&
	       (o->verb == VERB_LIVE || o->verb == VERB_DUMP || (o->verb == VERB_RECORD && o->verbose));
}

static bool shows_stream(const struct options *o)
{
	return o->json && (o->verb == VERB_LIVE || o->verb == VERB_RECORD || o->verb == VERB_DUMP);
}

static struct live *live_open(struct outputs *out)
{
	const struct live_options live = {
		.style = terminal_style(out->options),
		.dictionary = out->facts.dictionary,
		.threshold_ns = out->options->verb == VERB_DUMP ? 1 : out->options->threshold_ns,
		.flush = terminal_write,
		.only_open = out->options->verb == VERB_DUMP,
	};
	return live_new(&live);
}

/* The file is opened even if only the ring's contents go there, so that a wrong path is told now and not in the incident. */
static int file_open(struct outputs *out, struct diag *d)
{
	const struct options *o = out->options;
	if (!o->output)
		return 0;
	if (o->last_ns) {
		out->ring = ring_new(o->last_ns, RING_BYTES);
		if (!out->ring)
			return -ENOMEM;
		fanout_add(&out->facts, ring_sink(out->ring));
		return 0;
	}
	out->writer = recording_writer_open(o->output, d);
	if (!out->writer)
		return -EIO;
	fanout_add(&out->facts, recording_writer_sink(out->writer));
	return 0;
}

static int sinks_open(struct outputs *out, struct diag *d)
{
	const struct options *o = out->options;
	int err = o->verb == VERB_CHECK ? gate_parse(&out->gate, o->fail_if, o->ignore, d) : 0;

	if (!err)
		err = fanout_init(&out->facts);
	if (!err)
		err = file_open(out, d);
	if (err)
		return err;
	out->tally = tally_new(out->facts.dictionary, o->threshold_ns);
	if (!out->tally)
		return -ENOMEM;
	fanout_add(&out->facts, tally_sink(out->tally));
	if (shows_live(o) && !(out->live = live_open(out)))
		return -ENOMEM;
	if (out->live && o->verb == VERB_DUMP)
		live_mute(out->live, true); /* until the moment that is to be shown */
	if (out->live)
		fanout_add(&out->facts, live_sink(out->live));
	if (shows_stream(o) && !(out->stream = json_stream_new(out->facts.dictionary,
							       o->verb == VERB_DUMP ? 0 : o->threshold_ns)))
		return -ENOMEM;
	if (out->stream)
		fanout_add(&out->facts, json_stream_sink(out->stream));
	return 0;
}

int outputs_open(struct outputs *out, const struct options *o, struct diag *d)
{
	*out = (struct outputs){.options = o};
	int err = sinks_open(out, d);
	if (!err)
		return 0;
	outputs_close(out);
	return d && d->text[0] ? err : diag_fail(d, err, "the output cannot be set up: %s", strerror(-err));
}

/* A recording that fails is said at once and once; the rest of the run goes on. */
static void failure_tell(struct outputs *out)
{
	if (out->told_failure || !out->writer || out->facts.failed != recording_writer_sink(out->writer))
		return;
	out->told_failure = true;
	const struct diag *d = recording_writer_error(out->writer);
	fprintf(stderr, "loopstall: %s\n           %s\n", d->text, d->hint);
}

void outputs_beat(struct outputs *out, uint64_t at_ns)
{
	if (out->writer && !out->told_failure && recording_writer_flush(out->writer, at_ns) &&
	    !out->facts.failed)
		out->facts.failed = recording_writer_sink(out->writer);
	failure_tell(out);
	if (out->ring && out->tally->totals.n_stalls && !out->kept_first) {
		out->kept_first = true; /* the first stall over the limit: once */
		outputs_keep(out);
	}
}

static int ring_save(struct outputs *out, const char *reason, struct diag *d)
{
	struct recording_writer *w = recording_writer_open(out->options->output, d);
	if (!w)
		return -EIO;
	int err = ring_write(out->ring, recording_writer_sink(w), reason);
	int close_err = recording_writer_close(w, d);
	return err ? diag_fail(d, err, "%s cannot be written: %s", out->options->output, strerror(-err))
		   : close_err;
}

void outputs_keep(struct outputs *out)
{
	struct diag d = {0};
	if (!out->ring)
		return;
	if (ring_save(out, "kept", &d))
		fprintf(stderr, "loopstall: %s\n", d.text);
	else
		fprintf(stderr, "loopstall: kept the last minutes in %s\n", out->options->output);
}

void outputs_unmute(struct outputs *out, bool shown)
{
	if (out->live)
		live_mute(out->live, !shown);
}

static int summary_write(struct outputs *out,
			 int (*write)(const struct summary *, const struct report_style *, struct bytes *))
{
	struct report_style style = terminal_style(out->options);
	struct bytes text = {0};
	struct summary *summary = summary_new(out->tally);
	int err = summary ? write(summary, &style, &text) : -ENOMEM;

	if (!err)
		err = terminal_write(NULL, bytes_text(&text), text.len);
	summary_free(summary);
	bytes_free(&text);
	return err;
}

int outputs_interval(struct outputs *out)
{
	return summary_write(out, out->options->json ? report_json : report_hist);
}

static int summary_show(struct outputs *out)
{
	const struct options *o = out->options;
	switch (o->verb) {
	case VERB_HIST: return o->interval_ns ? 0 : outputs_interval(out);
	case VERB_LIST: return summary_write(out, o->json ? report_json : listing_loops);
	case VERB_DUMP: return o->json ? 0 : summary_write(out, listing_waiting);
	case VERB_LIVE:
	case VERB_RECORD: return summary_write(out, o->json ? report_json : report_text);
	case VERB_CHECK: return o->json ? summary_write(out, report_json) : 0;
	default: return 0;
	}
}

/* What broke a condition, on standard error: the command's own output stays its own. */
static int gate_show(struct outputs *out)
{
	struct bytes text = {0};
	struct summary *summary = summary_new(out->tally);
	if (!summary)
		return -ENOMEM;
	out->breaches = gate_judge(&out->gate, out->tally, summary, &text);
	for (size_t i = 0; i < summary->n_losses; i++)
		fprintf(stderr, "loopstall: not seen: %llu %s\n",
			(unsigned long long)summary->losses[i].count, summary->losses[i].meaning);
	if (!bytes_ok(&text))
		fprintf(stderr, "loopstall: no memory for the list of breaches\n");
	/* A gate that has seen nothing, as of a program that waits in poll() alone, holds nothing. */
	fprintf(stderr, "%sloopstall: %zu breach%s of %s%s\n", bytes_text(&text), out->breaches,
		out->breaches == 1 ? "" : "es", out->options->fail_if,
		summary->n_loops == summary->n_hidden ? ": no loop has waited, so none was judged" : "");
	summary_free(summary);
	bytes_free(&text);
	return 0;
}

int outputs_finish(struct outputs *out, struct diag *d)
{
	int err = out->options->verb == VERB_CHECK ? gate_show(out) : 0;
	if (!err)
		err = summary_show(out);
	if (err == -EPIPE)
		err = 0; /* who read has seen enough */
	if (err)
		diag_fail(d, err, "cannot write to standard output: %s", strerror(-err));
	if (out->ring && !err)
		err = ring_save(out, "end", d);
	if (out->writer) {
		int close_err = recording_writer_close(out->writer, err || out->told_failure ? NULL : d);
		out->writer = NULL;
		if (!err && !out->told_failure)
			err = close_err;
		if (!err && !close_err)
			fprintf(stderr, "loopstall: wrote %s\n", out->options->output);
	}
	return err;
}

void outputs_close(struct outputs *out)
{
	if (out->writer)
		recording_writer_close(out->writer, NULL);
	ring_free(out->ring);
	live_free(out->live);
	json_stream_free(out->stream);
	tally_free(out->tally);
	if (out->facts.dictionary)
		fanout_free(&out->facts);
	*out = (struct outputs){0};
}
