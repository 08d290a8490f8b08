/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"

#include "base/bytes.h"
#include "model/dictionary.h"
#include "record/decode.h"
#include "record/lines.h"
#include "record/merge.h"
#include "record/references.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct input {
	struct lines *lines;
	struct dictionary *defined;
	struct decoder *decoder;
	struct fact_header header;
	struct fact *head;    /* next fact, NULL when there is none left; valid until read_head() */
	int64_t shift_ns;     /* onto the merged time */
	bool has_end, ticked; /* ticked since the last tick passed on */
	int damage;
	struct diag diag;
	struct numbering numbering;
};

struct recording {
	struct input *inputs;
	unsigned n;
	struct input *given; /* its head went out with the last call and has to be replaced */
	struct merge *merge; /* NULL for one file, which passes through untouched */
	bool said_header, said_end;
	struct fact header, end;
	struct bytes hosts, targets;
};

static bool is_running(const struct input *in)
{
	return in->head != NULL;
}

static int check_order(struct input *in, const struct fact *f)
{
	if (in->has_end)
		return diag_fail(&in->diag, -EINVAL, "it goes on after its end");
	if (f->kind == FACT_HEADER)
		return diag_fail(&in->diag, -EINVAL, "it has a second header");
	in->has_end = f->kind == FACT_END;
	int err = dictionary_take(in->defined, f);
	if (err == -EINVAL)
		diag_fail(&in->diag, err, "its %s is numbered out of order", fact_kind_word(f->kind));
	return err;
}

/* Puts the place before what decoder or order check said. */
static int explain_damage(struct input *in, int err)
{
	char why[sizeof in->diag.text];
	memcpy(why, in->diag.text, sizeof why);
	return diag_fail(&in->diag, err, "%s, line %llu: %.300s", lines_path(in->lines),
			 (unsigned long long)lines_number(in->lines), why);
}

/* The next fact of a file into fact, unchecked. 1, 0 at the end, negative with the diag filled. */
static int read_fact(struct input *in, struct fact **f)
{
	const char *line;
	size_t len;
	for (;;) {
		int got = lines_next(in->lines, &line, &len, &in->diag);
		if (got <= 0)
			return got;
		got = decoder_line(in->decoder, line, len, f, &in->diag);
		if (got < 0)
			return explain_damage(in, got);
		if (got)
			return 1;
	}
}

/* Damage ends the file and is kept; only lack of memory is an error of the call. */
static int read_head(struct input *in)
{
	in->head = NULL;
	if (in->damage)
		return 0;
	int got = read_fact(in, &in->head);
	if (got > 0) {
		int err = check_order(in, in->head);
		got = err ? explain_damage(in, err) : 1;
	}
	if (got == 1) {
		fact_shift(in->head, in->shift_ns);
		return 0;
	}
	in->head = NULL;
	in->damage = got;
	return got == -ENOMEM ? got : 0;
}

static int input_begin(struct input *in, struct diag *d)
{
	const char *path = lines_path(in->lines);
	in->defined = dictionary_new();
	in->decoder = in->defined ? decoder_new(in->defined) : NULL;
	if (!in->decoder)
		return diag_fail(d, -ENOMEM, "no memory to read %s", path);
	int got = read_fact(in, &in->head);
	if (got < 0) {
		*d = in->diag;
		return got;
	}
	if (!got)
		return diag_fail(d, -ENODATA, "%s is cut short before its first line", path);
	if (in->head->kind != FACT_HEADER)
		return diag_fail(d, -EINVAL, "%s is not a loopstall recording: its first line is no header",
				 path);
	in->header = in->head->header;
	return 0;
}

static void input_close(struct input *in)
{
	decoder_free(in->decoder);
	dictionary_free(in->defined);
	lines_close(in->lines);
	numbering_free(&in->numbering);
}

#define BETWEEN ", "

static bool is_among(const char *names, const char *name)
{
	const size_t len = strlen(name), between = strlen(BETWEEN);

	for (const char *at = names; (at = strstr(at, name)); at++) {
		bool begins = at == names ||
			      ((size_t)(at - names) > between && !strncmp(at - between, BETWEEN, between));
		if (begins && (!at[len] || !strncmp(at + len, BETWEEN, between)))
			return true;
	}
	return false;
}

/* "a, b" without repeating what is there. */
static void add_name(struct bytes *names, const char *name)
{
	if (!*name || is_among(bytes_text(names), name))
		return;
	if (names->len)
		bytes_puts(names, BETWEEN);
	bytes_puts(names, name);
}

/* The earliest header speaks for all; hosts and targets are named together. */
static int merge_headers(struct recording *r)
{
	const struct input *first = &r->inputs[0];
	for (unsigned i = 0; i < r->n; i++) {
		if (r->inputs[i].header.wall_us < first->header.wall_us)
			first = &r->inputs[i];
		add_name(&r->hosts, r->inputs[i].header.host);
		add_name(&r->targets, r->inputs[i].header.target);
	}
	r->header = (struct fact){.kind = FACT_HEADER, .header = first->header};
	r->header.header.host = bytes_text(&r->hosts);
	r->header.header.target = bytes_text(&r->targets);
	r->end = (struct fact){.kind = FACT_END, .end = {.reason = ""}};
	r->merge = merge_new();
	if (!r->merge || !bytes_ok(&r->hosts) || !bytes_ok(&r->targets))
		return -ENOMEM;
	for (unsigned i = 0; i < r->n; i++) {
		struct input *in = &r->inputs[i];
		uint64_t apart_us = in->header.wall_us - first->header.wall_us;
		in->shift_ns = apart_us < INT64_MAX / 2000 ? (int64_t)apart_us * 1000 : INT64_MAX / 2;
		int err = read_head(in);
		if (err)
			return err;
	}
	return 0;
}

struct recording *recording_open_files(const char *const *paths, unsigned n, struct diag *d)
{
	struct recording *r = n && n <= RECORDING_MAX_FILES ? calloc(1, sizeof *r) : NULL;
	if (!r || !(r->inputs = calloc(n, sizeof *r->inputs))) {
		free(r);
		diag_fail(d, -ENOMEM, "cannot read %u files at once", n);
		return NULL;
	}
	r->n = n;
	json_object_seed(
		0); /* from the system, while we may ask it: else a recording could choose keys that collide */
	for (unsigned i = 0; i < n; i++) {
		r->inputs[i].lines = lines_open(paths[i], d);
		if (!r->inputs[i].lines) {
			recording_close(r);
			return NULL;
		}
	}
	return r;
}

int recording_begin(struct recording *r, struct diag *d)
{
	for (unsigned i = 0; i < r->n; i++) {
		int err = input_begin(&r->inputs[i], d);
		if (err)
			return err;
	}
	if (r->n > 1 && merge_headers(r))
		return diag_fail(d, -ENOMEM, "no memory to merge %u files", r->n);
	return 0;
}

struct recording *recording_open(const char *const *paths, unsigned n, struct diag *d)
{
	struct recording *r = recording_open_files(paths, n, d);
	if (!r || !recording_begin(r, d))
		return r;
	recording_close(r);
	return NULL;
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		input_close(&r->inputs[i]);
	merge_free(r->merge);
	bytes_free(&r->hosts);
	bytes_free(&r->targets);
	free(r->inputs);
	free(r);
}

static int next_of_one(struct recording *r, const struct fact **f)
{
	struct input *in = &r->inputs[0];
	int err = r->said_header ? read_head(in) : 0;
	r->said_header = true;
	*f = in->head;
	return err ? err : is_running(in);
}

static struct input *earliest(struct recording *r)
{
	struct input *first = NULL;
	for (unsigned i = 0; i < r->n; i++) {
		struct input *in = &r->inputs[i];
		if (is_running(in) && (!first || in->head->at_ns < first->head->at_ns))
			first = in;
	}
	return first;
}

/* A tick says that all counts up to its time have been given, so it waits for those of the other running files. */
static bool tick_is_common(struct recording *r, struct input *of, uint64_t at_ns)
{
	of->ticked = true;
	for (unsigned i = 0; i < r->n; i++) {
		const struct input *in = &r->inputs[i];
		bool started = (uint64_t)in->shift_ns <= at_ns;
		if (started && is_running(in) && !in->ticked)
			return false;
	}
	for (unsigned i = 0; i < r->n; i++)
		r->inputs[i].ticked = false;
	return true;
}

static void add_end(struct recording *r, const struct fact *f)
{
	r->end.at_ns = f->at_ns;
	r->end.end.stalls += f->end.stalls;
	r->end.end.iterations += f->end.iterations;
	r->end.end.walks += f->end.walks;
	r->end.end.walked_frames += f->end.walked_frames;
	r->end.end.walks_ns += f->end.walks_ns;
	r->end.end.reason = f->end.reason;
}

/* 1 if the input's head, renumbered, belongs into the output. */
static int merge_head(struct recording *r, struct input *in)
{
	if (in->head->kind == FACT_END) {
		add_end(r, in->head);
		return 0;
	}
	if (in->head->kind == FACT_TICK)
		return tick_is_common(r, in, in->head->at_ns);
	return merge_fact(r->merge, &in->numbering, in->head);
}

static int next_of_many(struct recording *r, const struct fact **f)
{
	*f = &r->header;
	if (!r->said_header)
		return r->said_header = true;
	for (;;) {
		int err = r->given ? read_head(r->given) : 0;
		if (err)
			return err;
		r->given = earliest(r);
		if (!r->given)
			break;
		int got = merge_head(r, r->given);
		*f = r->given->head;
		if (got)
			return got;
	}
	*f = &r->end;
	if (r->said_end || recording_is_cut_short(r))
		return 0;
	return r->said_end = true;
}

int recording_next(struct recording *r, const struct fact **f)
{
	return r->merge ? next_of_many(r, f) : next_of_one(r, f);
}

int recording_read(struct recording *r, struct sink *to, struct diag *d)
{
	const struct fact *f;
	int got;
	while ((got = recording_next(r, &f)) > 0) {
		int err = to->take(to, f);
		if (err)
			return err;
	}
	if (got < 0)
		return diag_fail(d, got, "no memory to read the recording");
	return recording_damage(r, d);
}

int recording_damage(const struct recording *r, struct diag *d)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (!r->inputs[i].damage)
			continue;
		if (d)
			*d = r->inputs[i].diag;
		return r->inputs[i].damage;
	}
	return 0;
}

bool recording_is_cut_short(const struct recording *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!r->inputs[i].has_end || lines_are_cut(r->inputs[i].lines))
			return true;
	return false;
}
