/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stall time as a profile in pprof's format (gzipped profile.proto), for `go tool pprof`, speedscope and those that keep profiles. One
 * sample a place; its labels say which process, verdict, cause and call, so that -tagfocus and -tagroot divide by them. What has no stack,
 * and the call that blocked, are functions in brackets, as in folded.c.
 */
#include "report/phrase.h"
#include "report/place_words.h"
#include "report/report.h"

#include "base/gzip.h"
#include "base/intern.h"
#include "base/protobuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of profile.proto, as its public description has them. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING
};
enum { PROFILE_TIME_NANOS = 9, PROFILE_DURATION_NANOS, PROFILE_COMMENT = 13, PROFILE_DEFAULT_TYPE };
enum { VALUE_TYPE = 1, VALUE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT, LABEL_NUMBER };
enum {
	MAPPING_ID = 1,
	MAPPING_FILENAME = 5,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILES,
	MAPPING_HAS_LINES
};
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_NUMBER };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_FILE = 4, FUNCTION_BEGINS };

/*
 * Numbers are given in order of first use: strings from 0, which is "", the others from 1. A location is a place in a function, and
 * frames that differ in neither are one.
 */
struct profile {
	struct bytes *out;
	const struct dictionary *dictionary;
	struct intern *strings, *mappings, *functions,
		*locations; /* keys of the last three: their numbers, as bytes */
	struct bytes part, text, packed;
	const char *process; /* of the place at hand: what has no file of its own is mapped to it */
	bool failed;
};

static uint64_t string_of(struct profile *p, const char *text)
{
	uint32_t known = intern_count(p->strings), id = intern_id(p->strings, text, strlen(text));
	if (id == INTERN_NONE)
		p->failed = true;
	else if (id == known) /* the table follows as it grows: readers put together what is of one field */
		protobuf_put_bytes(p->out, PROFILE_STRING, text, strlen(text));
	return id;
}

/* The number of a key, from 1 on. True if it is a new one, which is to be described. */
static bool number_of(struct profile *p, struct intern *in, const void *key, size_t len, uint64_t *number)
{
	uint32_t known = intern_count(in), id = intern_id(in, key, len);
	p->failed |= id == INTERN_NONE;
	*number = (uint64_t)id + 1;
	return id == known && id != INTERN_NONE;
}

static uint64_t mapping_of(struct profile *p, const char *object)
{
	uint64_t name = string_of(p, object[0] ? object : p->process), id;
	if (!number_of(p, p->mappings, &name, sizeof name, &id))
		return id;
	struct bytes *m = &p->part;
	protobuf_put_uint(m, MAPPING_ID, id);
	protobuf_put_uint(m, MAPPING_FILENAME, name);
	protobuf_put_uint(m, MAPPING_HAS_FUNCTIONS, 1); /* or a reader would look for the file to find them */
	protobuf_put_uint(m, MAPPING_HAS_FILES, 1);
	protobuf_put_uint(m, MAPPING_HAS_LINES, 1);
	protobuf_put_message(p->out, PROFILE_MAPPING, m);
	return id;
}

/* Without a system name: readers take one for mangled, and cut what is between brackets off. */
static uint64_t function_of(struct profile *p, const char *name, const char *file, uint32_t begins)
{
	const uint64_t key[] = {string_of(p, name), string_of(p, file), begins};
	uint64_t id;
	if (!number_of(p, p->functions, key, sizeof key, &id))
		return id;
	struct bytes *f = &p->part;
	protobuf_put_uint(f, FUNCTION_ID, id);
	protobuf_put_uint(f, FUNCTION_NAME, key[0]);
	protobuf_put_uint(f, FUNCTION_FILE, key[1]);
	protobuf_put_uint(f, FUNCTION_BEGINS, begins);
	protobuf_put_message(p->out, PROFILE_FUNCTION, f);
	return id;
}

static uint64_t location_of(struct profile *p, uint64_t function, uint32_t line, const char *object)
{
	const uint64_t key[] = {function, line, mapping_of(p, object)};
	uint64_t id;
	if (!number_of(p, p->locations, key, sizeof key, &id))
		return id;
	struct bytes place = {0};
	protobuf_put_uint(&place, LINE_FUNCTION, function);
	protobuf_put_uint(&place, LINE_NUMBER, line);
	protobuf_put_uint(&p->part, LOCATION_ID, id);
	protobuf_put_uint(&p->part, LOCATION_MAPPING, key[2]);
	protobuf_put_message(&p->part, LOCATION_LINE, &place);
	protobuf_put_message(p->out, PROFILE_LOCATION, &p->part);
	bytes_free(&place);
	return id;
}

/* A frame that is no function of the program: what p->text says. */
static void pack_words(struct profile *p)
{
	if (!p->text.len)
		return;
	uint64_t function = function_of(p, bytes_text(&p->text), "", 0);
	protobuf_put_varint(&p->packed, location_of(p, function, 0, ""));
}

static void pack_frame(struct profile *p, const struct fact_frame *f)
{
	bytes_clear(&p->text);
	phrase_function(&p->text, f);
	uint64_t function = function_of(p, bytes_text(&p->text), f->file, f->begins);
	protobuf_put_varint(&p->packed, location_of(p, function, f->line, f->object));
}

/* Innermost first, in p->packed. */
static void pack_locations(struct profile *p, const struct place *place)
{
	const struct fact_stack *stack = dictionary_stack(p->dictionary, place->stack);
	bytes_clear(&p->packed);
	bytes_clear(&p->text);
	place_put_call(&p->text, place);
	pack_words(p);
	bytes_clear(&p->text);
	place_put_missing(&p->text, place);
	pack_words(p);
	for (uint32_t i = 0; stack && i < stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(p->dictionary, stack->frames[i]);
		if (f)
			pack_frame(p, f);
	}
	bytes_clear(&p->text);
	if (stack && stack->state != STACK_COMPLETE)
		bytes_puts(&p->text, "[outer frames missing]");
	pack_words(p);
}

static void put_label(struct profile *p, struct bytes *sample, const char *key, const char *text,
		      uint64_t number)
{
	if (!text[0] && !number)
		return;
	uint64_t key_string = string_of(p, key), text_string = string_of(p, text);
	protobuf_put_uint(&p->part, LABEL_KEY, key_string);
	protobuf_put_uint(&p->part, LABEL_TEXT, text_string);
	protobuf_put_uint(&p->part, LABEL_NUMBER, number);
	protobuf_put_message(sample, SAMPLE_LABEL, &p->part);
}

static const struct {
	const char *type, *unit;
} sample_types[] = {
	{"stalls", "count"}, {"stall", "nanoseconds"}, {"oncpu", "nanoseconds"}, {"offcpu", "nanoseconds"}};

static void put_sample(struct profile *p, const struct place *place)
{
	struct bytes sample = {0};
	bool on_cpu = place->kind == PLACE_CPU;
	const uint64_t values[] = {place->stalls, place->ns, on_cpu ? place->ns : 0, on_cpu ? 0 : place->ns};
	p->process = place->process;
	pack_locations(p, place);
	protobuf_put_message(&sample, SAMPLE_LOCATIONS, &p->packed);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		protobuf_put_varint(&p->packed, values[i]);
	protobuf_put_message(&sample, SAMPLE_VALUES, &p->packed);
	put_label(p, &sample, "process", place->process, 0);
	put_label(p, &sample, "pid", "", place->pid);
	put_label(p, &sample, "verdict", place->verdict ? verdict_word(place->verdict) : "", 0);
	put_label(p, &sample, "cause", place->cause, 0);
	put_label(p, &sample, "call", place->call, 0);
	protobuf_put_message(p->out, PROFILE_SAMPLE, &sample);
	bytes_free(&sample);
}

static void put_types(struct profile *p)
{
	string_of(p, ""); /* number 0 */
	for (size_t i = 0; i < sizeof sample_types / sizeof *sample_types; i++) {
		uint64_t type = string_of(p, sample_types[i].type), unit = string_of(p, sample_types[i].unit);
		protobuf_put_uint(&p->part, VALUE_TYPE, type);
		protobuf_put_uint(&p->part, VALUE_UNIT, unit);
		protobuf_put_message(p->out, PROFILE_SAMPLE_TYPE, &p->part);
	}
	protobuf_put_uint(p->out, PROFILE_DEFAULT_TYPE, string_of(p, "stall"));
}

static void put_comment(struct profile *p)
{
	uint64_t string = string_of(p, bytes_text(&p->text));
	protobuf_put_uint(p->out, PROFILE_COMMENT, string);
	bytes_clear(&p->text);
}

static void put_comments(struct profile *p, const struct summary *s)
{
	bytes_clear(&p->text);
	if (s->header) {
		bytes_printf(&p->text, "loopstall %s of %s on %s, kernel %s", s->header->version,
			     s->header->target, s->header->host, s->header->kernel);
		put_comment(p);
	}
	for (size_t i = 0; i < s->n_losses; i++) {
		bytes_printf(&p->text, "lost: %llu %s", (unsigned long long)s->losses[i].count,
			     s->losses[i].meaning);
		put_comment(p);
	}
	if (s->cut_short) {
		bytes_puts(&p->text, "the recording was cut short");
		put_comment(p);
	}
}

static void put_profile(struct profile *p, const struct summary *s)
{
	put_types(p);
	put_comments(p, s);
	protobuf_put_uint(p->out, PROFILE_TIME_NANOS, s->start_wall_us * 1000);
	protobuf_put_uint(p->out, PROFILE_DURATION_NANOS, s->elapsed_ns);
	for (size_t i = 0; s->places && i < places_count(s->places); i++)
		put_sample(p, places_at(s->places, i));
}

int report_pprof(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct bytes plain = {0};
	struct profile p = {.out = &plain,
			    .dictionary = s->dictionary,
			    .strings = intern_new(),
			    .mappings = intern_new(),
			    .functions = intern_new(),
			    .locations = intern_new()};
	(void)style;
	p.failed = !p.strings || !p.mappings || !p.functions || !p.locations;
	if (!p.failed)
		put_profile(&p, s);
	p.failed |= !bytes_ok(&plain) || !bytes_ok(&p.part) || !bytes_ok(&p.text) || !bytes_ok(&p.packed) ||
		    !gzip_put(out, bytes_text(&plain), plain.len);
	struct intern *const tables[] = {p.strings, p.mappings, p.functions, p.locations};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		intern_free(tables[i]);
	struct bytes *const buffers[] = {&plain, &p.part, &p.text, &p.packed};
	for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
		bytes_free(buffers[i]);
	return p.failed ? -ENOMEM : 0;
}
