/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_stream.h"

#include "cli/terminal.h"
#include "model/fact_json.h"

#include <stdlib.h>

struct json_stream {
	struct sink sink; /* first member */
	struct fact_json how;
	struct bytes line;
	uint64_t threshold_ns;
};

static int stream_take(struct sink *self, const struct fact *f)
{
	struct json_stream *s = (struct json_stream *)self;

	if ((f->kind == FACT_STALL || f->kind == FACT_WORKER) && f->stall->lag_ns < s->threshold_ns)
		return 0;
	bytes_clear(&s->line);
	fact_json_line(&s->how, f, &s->line);
	return s->line.len ? terminal_write(NULL, bytes_text(&s->line), s->line.len) : 0;
}

struct json_stream *json_stream_new(const struct dictionary *d, uint64_t threshold_ns)
{
	struct json_stream *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->sink.take = stream_take;
	s->how = (struct fact_json){.style = FACT_STREAM, .dictionary = d};
	s->threshold_ns = threshold_ns;
	return s;
}

struct sink *json_stream_sink(struct json_stream *s)
{
	return &s->sink;
}

void json_stream_free(struct json_stream *s)
{
	if (!s)
		return;
	bytes_free(&s->line);
	free(s);
}
