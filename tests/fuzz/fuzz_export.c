/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a recording, exported in every format: all stall time is at some place, a folded line ends in its number, the trace is
 * JSON to another parser, and a profile unpacks.
 */
#include "must.h"

#include "model/dictionary.h"
#include "model/places.h"
#include "model/summary.h"
#include "record/reader.h"
#include "report/report.h"
#include "report/trace.h"

#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

struct export
{
	struct sink sink; /* first member */
	struct dictionary *dictionary;
	struct tally *tally;
	struct places *places;
	struct trace *trace;
	struct bytes traced;
};

static int append(void *context, const char *text, size_t bytes)
{
	bytes_put(context, text, bytes);
	return 0;
}

static int export_take(struct sink *self, const struct fact *f)
{
	struct export *e = (struct export *)self;
	must(!dictionary_take(e->dictionary, f));
	struct sink *const sinks[] = {tally_sink(e->tally), places_sink(e->places), trace_sink(e->trace)};
	for (size_t i = 0; i < sizeof sinks / sizeof *sinks; i++)
		must(!sinks[i]->take(sinks[i], f));
	return 0;
}

static struct recording *open_bytes(const uint8_t *data, size_t size)
{
	char path[32];
	const char *const paths[] = {path};
	struct diag d = {0};
	int fd = memfd_create("recording", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct recording *r = recording_open(paths, 1, &d);
	close(fd);
	return r;
}

static void must_add_up(const struct export *e, const struct summary *s)
{
	uint64_t ns = 0, stalls = 0;
	for (size_t i = 0; i < places_count(e->places); i++) {
		ns += places_at(e->places, i)->ns;
		stalls += places_at(e->places, i)->stalls;
	}
	must(ns == s->stall_ns && stalls <= s->stalls);
}

static void must_be_folded(const struct bytes *out)
{
	const char *line = bytes_text(out);
	for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
		const char *number = end;
		while (number > line && number[-1] >= '0' && number[-1] <= '9')
			number--;
		must(number < end && number - line > 1 && number[-1] == ' ');
	}
	must(!*line);
}

static void must_unpack(const struct bytes *out)
{
	unsigned char piece[4096];
	z_stream z = {.next_in = (unsigned char *)out->data, .avail_in = (unsigned)out->len};
	int state;
	must(inflateInit2(&z, 15 + 16) == Z_OK);
	do {
		z.next_out = piece;
		z.avail_out = sizeof piece;
		state = inflate(&z, Z_NO_FLUSH);
	} while (state == Z_OK);
	must(state == Z_STREAM_END && !z.avail_in);
	inflateEnd(&z);
}

static void must_be_json(const struct bytes *out)
{
	json_error_t error;
	json_t *document = json_loadb(out->data, out->len, 0, &error);
	must(document);
	json_decref(document);
}

static void write_all(struct export *e)
{
	const struct report_style style = {.width = 80};
	struct summary *s = summary_new(e->tally);
	must(s && !places_close(e->places, s) && !trace_end(e->trace));
	must_add_up(e, s);
	must_be_json(&e->traced);
	for (const struct report_format *f = report_formats; f->name; f++) {
		struct bytes out = {0};
		if (!f->write)
			continue;
		must(!f->write(s, &style, &out));
		if (!strcmp(f->name, "folded"))
			must_be_folded(&out);
		if (!strcmp(f->name, "pprof"))
			must_unpack(&out);
		if (!strcmp(f->name, "json"))
			must_be_json(&out);
		bytes_free(&out);
	}
	summary_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *r = open_bytes(data, size);
	if (!r)
		return 0;
	struct export e = {.sink = {export_take}, .dictionary = dictionary_new()};
	const struct trace_options how = {.dictionary = e.dictionary, .flush = append, .context = &e.traced};
	struct diag d = {0};
	must(e.dictionary && (e.tally = tally_new(e.dictionary, 0)) &&
	     (e.places = places_new(e.dictionary, 0)) && (e.trace = trace_new(&how)));
	recording_read(r, &e.sink, &d);
	write_all(&e);
	places_free(e.places);
	trace_free(e.trace);
	tally_free(e.tally);
	dictionary_free(e.dictionary);
	bytes_free(&e.traced);
	recording_close(r);
	return 0;
}
