/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report FILE…: recordings in place of the live capture; what follows is the same. Needs no rights but to open the files, and
 * gives them up then, for recordings come from anywhere.
 */
#include "cli/fanout.h"
#include "cli/rights.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "model/summary.h"
#include "model/tally.h"
#include "record/reader.h"
#include "report/live.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

static int write_summary(const struct tally *tally, const struct options *o, struct diag *d)
{
	struct report_style style = terminal_style(o);
	struct bytes out = {0};
	struct summary *summary = summary_new(tally);
	int err = summary ? 0 : -ENOMEM;
	if (!err)
		err = o->json ? report_json(summary, &style, &out) : report_text(summary, &style, &out);
	if (err)
		err = diag_fail(d, err, "out of memory");
	else if ((err = terminal_write(NULL, bytes_text(&out), out.len)))
		diag_fail(d, err, "cannot write to standard output: %s", strerror(-err));
	summary_free(summary);
	bytes_free(&out);
	return err;
}

static struct live *replay_into(struct fanout *facts, const struct options *o)
{
	const struct live_options live = {
		.style = terminal_style(o),
		.dictionary = facts->dictionary,
		.threshold_ns = o->threshold_ns,
		.flush = terminal_write,
	};
	return live_new(&live);
}

int cmd_report(const struct options *o, struct diag *d)
{
	struct fanout facts = {0};
	struct tally *tally = NULL;
	struct live *live = NULL;
	int damage, err;
	rights_for_opening();
	struct recording *recording =
		recording_open_files((const char *const *)o->files, (unsigned)o->n_files, d);
	if (!recording)
		return -EIO;
	rights_for_reading();
	err = recording_begin(recording, d);
	if (err)
		goto out;
	if (fanout_init(&facts) || !(tally = tally_new(facts.dictionary, o->threshold_ns)) ||
	    (o->replay && !(live = replay_into(&facts, o)))) {
		err = diag_fail(d, -ENOMEM, "out of memory");
		goto out;
	}
	fanout_add(&facts, tally_sink(tally));
	if (live)
		fanout_add(&facts, live_sink(live));
	damage = recording_read(recording, &facts.sink, d); /* everything before the damage has been given */
	struct diag later = {0};
	err = facts.error
		      ? diag_fail(&later, facts.error, "the report is incomplete: %s", strerror(-facts.error))
		      : write_summary(tally, o, &later);
	if (err)
		*d = later;
	else
		err = damage;
out:
	live_free(live);
	tally_free(tally);
	fanout_free(&facts);
	recording_close(recording);
	return err;
}
