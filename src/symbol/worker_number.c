/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_parts.h"

#include "base/array.h"
#include "symbol/channel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What makes two frames the same. No padding: it is hashed as bytes. */
struct frame_key {
	uint64_t address;
	uint32_t module;
	uint16_t method;
	uint8_t exact, place;
	uint32_t level;	   /* of the calls inlined at one address, innermost 0 */
	uint32_t readable; /* its module: once the file is there, the frame has a name */
};

void worker_end_if_starved(const struct module *m)
{
	if (!m || m->starved)
		_exit(1);
}

void worker_say(struct worker *w, const void *data, size_t bytes)
{
	if (channel_send(w->link.socket, data, bytes, -1, true))
		_exit(0);
}

enum frame_place worker_place_of(const struct unwind_frame *f)
{
	return f->module ? PLACE_MODULE : f->outside ? PLACE_OUTSIDE : PLACE_ANONYMOUS;
}

/* The functions at its address, innermost first: those inlined there, and last the one that its symbol names. */
static uint32_t places_of(struct worker *w, const struct unwind_frame *f, struct report_frame *report,
			  struct source_place places[SOURCE_MAX_DEPTH])
{
	struct module *m = idmap_get(&w->modules, f->module);
	uint64_t start, address = f->address - !f->exact;
	uint32_t n = 0;

	if (m && m->usable) {
		w->link.state->module = f->module;
		module_name(m, address, f->record_start, report->name, sizeof report->name, &start);
		worker_end_if_starved(m);
		report->offset -= start;
		w->lines_bytes += module_open_lines(m, SOURCE_TOTAL_BYTES - w->lines_bytes);
		n = module_lines(m, address, places);
	}
	if (!n)
		places[n++] = (struct source_place){0};
	return n;
}

static void define_frame(struct worker *w, uint32_t number, const struct report_frame *of,
			 const struct source_place *place)
{
	struct report_frame report = *of;

	report.frame = number;
	report.line = place->line;
	snprintf(report.file, sizeof report.file, "%s", place->file);
	if (place->function[0])
		snprintf(report.name, sizeof report.name, "%.*s", SOURCE_NAME_BYTES, place->function);
	worker_say(w, &report, sizeof report);
}

static bool define_frames(struct worker *w, uint32_t first, struct frame_key *key,
			  const struct unwind_frame *f)
{
	struct source_place places[SOURCE_MAX_DEPTH];
	struct report_frame report = {.kind = REPORT_FRAME,
				      .module = f->module,
				      .place = worker_place_of(f),
				      .method = f->method,
				      .offset = f->address};
	uint32_t n = places_of(w, f, &report, places);

	if (!array_reserve(&w->depths, &w->cap_depths, first + n, sizeof *w->depths))
		return false;
	w->depths[first] = 0;
	for (uint32_t level = 0; level < n; level++) {
		key->level = level;
		if (intern_id(w->frames, key, sizeof *key) != first + level)
			break;
		define_frame(w, first + level, &report, &places[level]);
		w->depths[first]++;
	}
	return true;
}

bool worker_number_native(struct worker *w, const struct unwind_frame *f, uint32_t *first, uint32_t *n)
{
	const struct module *m = idmap_get(&w->modules, f->module);
	struct frame_key key = {.address = f->address,
				.module = f->module,
				.method = (uint16_t)f->method,
				.exact = f->exact,
				.place = (uint8_t)worker_place_of(f),
				.readable = m && m->usable};
	uint32_t known = intern_count(w->frames);

	*first = intern_id(w->frames, &key, sizeof key);
	if (*first == INTERN_NONE || (*first == known && !define_frames(w, *first, &key, f)))
		return false;
	*n = w->depths[*first];
	return true;
}

static void define_python_frame(struct worker *w, uint32_t number, const struct joined_frame *f)
{
	struct report_frame report = {
		.kind = REPORT_FRAME,
		.frame = number,
		.place = PLACE_PYTHON,
		.method = FRAME_LANGUAGE,
		.line = f->line,
		.begins = f->code.id != PYTHON_NO_CODE ? f->code.first_line : 0,
	};
	bool known = f->code.id != PYTHON_NO_CODE;

	snprintf(report.name, sizeof report.name, "%s", known ? f->code.function : "?");
	snprintf(report.file, sizeof report.file, "%s", known ? f->code.file : "");
	worker_say(w, &report, sizeof report);
}

bool worker_number_python(struct worker *w, const struct joined_frame *f, uint32_t *number)
{
	struct frame_key key = {.address = (uint64_t)f->code.id << 32 | f->line,
				.method = FRAME_LANGUAGE,
				.place = PLACE_PYTHON};
	uint32_t known = intern_count(w->frames);

	*number = intern_id(w->frames, &key, sizeof key);
	if (*number == known)
		define_python_frame(w, *number, f);
	return *number != INTERN_NONE;
}

static void define_jit_frame(struct worker *w, uint32_t number, const struct unwind_frame *f,
			     const char *text, size_t len)
{
	struct report_frame report = {
		.kind = REPORT_FRAME, .frame = number, .place = PLACE_JIT, .method = f->method};
	struct jit_name name;

	jit_name_parse(text, len, &name);
	report.jit = name.kind;
	report.line = report.begins = name.line;
	snprintf(report.name, sizeof report.name, "%s", name.function);
	snprintf(report.file, sizeof report.file, "%s", name.file);
	worker_say(w, &report, sizeof report);
}

bool worker_number_jit(struct worker *w, const struct unwind_frame *f, const char *text, size_t len,
		       uint32_t *number)
{
	struct frame_key key = {.address = intern_id(w->jit_names, text, len),
				.method = (uint16_t)f->method,
				.place = PLACE_JIT};
	uint32_t known = intern_count(w->frames);

	*number = key.address == INTERN_NONE ? INTERN_NONE : intern_id(w->frames, &key, sizeof key);
	if (*number == known)
		define_jit_frame(w, *number, f, text, len);
	return *number != INTERN_NONE;
}

static void define_v8_level(struct worker *w, uint32_t number, const struct unwind_frame *f,
			    const struct v8_level *level)
{
	struct report_frame report = {.kind = REPORT_FRAME,
				      .frame = number,
				      .place = PLACE_JIT,
				      .method = f->method,
				      .jit = JIT_JS,
				      .line = level->line};
	uint32_t start = level->function->start;
	const char *name = level->function->function, *file = level->function->file;

	snprintf(report.name, sizeof report.name, "%s", *name ? name : JIT_NAME_ANONYMOUS);
	report.begins = start == V8_NO_POSITION ? 0 : start;
	snprintf(report.file, sizeof report.file, "%s", file);
	jit_name_path(report.file);
	worker_say(w, &report, sizeof report);
}

bool worker_number_v8(struct worker *w, const struct unwind_frame *f, const struct v8_level *level,
		      uint32_t *number)
{
	struct frame_key key = {.address = (uint64_t)level->function->id << 32 | level->line,
				.method = (uint16_t)f->method,
				.place = PLACE_JIT};
	uint32_t known = intern_count(w->frames);

	*number = intern_id(w->frames, &key, sizeof key);
	if (*number == known)
		define_v8_level(w, *number, f, level);
	return *number != INTERN_NONE;
}
