/* SPDX-License-Identifier: Apache-2.0 */
/* report FILE…: the summary of recordings, and with --replay what the live view printed, too. */
#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "model/summary.h"
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
	err = err ? diag_fail(d, err, "out of memory") : terminal_finish(&out, d);
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
	struct replay replay = {0};
	struct live *live = NULL;
	bool failed = false;
	int err = replay_open(&replay, o, d);
	if (!err && o->replay && !(live = replay_into(&replay.facts, o)))
		err = diag_fail(d, -ENOMEM, "out of memory");
	if (err)
		goto out;
	if (live)
		fanout_add(&replay.facts, live_sink(live));
	err = replay_read(&replay, &failed, d);
	struct diag later = {0};
	int later_err = failed ? 0 : write_summary(replay.tally, o, &later);
	if (later_err) {
		*d = later;
		err = later_err;
	}
out:
	live_free(live);
	replay_close(&replay);
	return err;
}
