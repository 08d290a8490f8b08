/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay.h"

#include "cli/rights.h"

#include <errno.h>
#include <string.h>

int replay_open(struct replay *r, const struct options *o, struct diag *d)
{
	rights_for_opening();
	r->recording = recording_open_files((const char *const *)o->files, (unsigned)o->n_files, d);
	if (!r->recording)
		return -EIO;
	rights_for_reading();
	int err = recording_begin(r->recording, d);
	if (err)
		return err;
	if (fanout_init(&r->facts) || !(r->tally = tally_new(r->facts.dictionary, o->threshold_ns)))
		return diag_fail(d, -ENOMEM, "out of memory");
	fanout_add(&r->facts, tally_sink(r->tally));
	return 0;
}

int replay_read(struct replay *r, bool *sinks_failed, struct diag *d)
{
	int damage = recording_read(r->recording, &r->facts.sink, d);
	*sinks_failed = r->facts.error != 0;
	if (!*sinks_failed)
		return damage;
	*d = (struct diag){0};
	return diag_fail(d, r->facts.error, "the report is incomplete: %s", strerror(-r->facts.error));
}

void replay_close(struct replay *r)
{
	tally_free(r->tally);
	fanout_free(&r->facts);
	recording_close(r->recording);
}
