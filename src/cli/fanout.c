/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fanout.h"

#include <errno.h>

/* A sink that fails is taken out, so that a full disk does not end the live view. */
static int fanout_take(struct sink *self, const struct fact *fact)
{
	struct fanout *f = (struct fanout *)self;
	int err = dictionary_take(f->dictionary, fact);

	for (size_t i = 0; i < f->n; i++) {
		int sink_err = f->sinks[i]->take(f->sinks[i], fact);
		if (!sink_err)
			continue;
		if (!f->error) {
			f->error = sink_err;
			f->failed = f->sinks[i];
		}
		f->sinks[i--] = f->sinks[--f->n];
	}
	return err;
}

int fanout_init(struct fanout *f)
{
	*f = (struct fanout){.sink.take = fanout_take, .dictionary = dictionary_new()};
	return f->dictionary ? 0 : -ENOMEM;
}

bool fanout_add(struct fanout *f, struct sink *sink)
{
	if (f->n == FANOUT_SINKS)
		return false;
	f->sinks[f->n++] = sink;
	return true;
}

void fanout_free(struct fanout *f)
{
	dictionary_free(f->dictionary);
	*f = (struct fanout){0};
}
