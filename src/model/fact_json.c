/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fact_json.h"

#include "base/array.h"
#include "base/json.h"
#include "model/fact_fields.h"

#include <stdio.h>
#include <string.h>

const char *fact_time_text(uint64_t wall_us, char text[FACT_TIME_BYTES])
{
	/* Days to year, month, day: eras of 400 years that begin on 1 March, so the leap day comes last. */
	uint64_t s = wall_us / 1000000, days = s / 86400 + 719468;
	unsigned of_era = days % 146097;
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
	unsigned day = of_year - (153 * month + 2) / 5 + 1, second = s % 86400;
	bool january = month >= 10; /* or February: they belong to the next year */
	snprintf(text, FACT_TIME_BYTES, "%04llu-%02u-%02uT%02u:%02u:%02u.%06uZ",
		 (unsigned long long)days / 146097 * 400 + year + january, january ? month - 9 : month + 3,
		 day, second / 3600, second / 60 % 60, second % 60, (unsigned)(wall_us % 1000000));
	return text;
}

static void put_hex(struct json *j, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
	json_text(j, key, text);
}

static void put_time(const struct fact_json *how, struct json *j, const char *key, uint64_t at_ns)
{
	char text[FACT_TIME_BYTES];
	json_text(j, key, fact_time_text(how->wall_us + at_ns / 1000, text));
}

static void put_at(const struct fact_json *how, struct json *j, const char *key, uint64_t at_ns)
{
	char exact[32];
	if (how->style == FACT_STREAM) {
		put_time(how, j, key, at_ns);
		return;
	}
	snprintf(exact, sizeof exact, "%s_ns", key);
	json_uint(j, exact, at_ns);
}

static void put_loop(struct json *j, uint32_t loop)
{
	char text[24];
	snprintf(text, sizeof text, "epoll:%u", loop);
	json_text(j, "loop", text);
}

static void put_stack(const struct fact_json *how, struct json *j, uint32_t stack);

static void put_field(const struct fact_json *how, struct json *j, const struct field *field,
		      const void *base)
{
	switch (field->type) {
	case FIELD_NUMBER: json_uint(j, field->key, field_number(field, base)); break;
	case FIELD_NS: json_uint(j, field->key, field_number(field, base) / 1000); break;
	case FIELD_AT: put_at(how, j, field->key, field_number(field, base)); break;
	case FIELD_HEX: put_hex(j, field->key, field_number(field, base)); break;
	case FIELD_BOOL: json_bool(j, field->key, field_is_true(field, base)); break;
	case FIELD_TEXT:
	case FIELD_LINE: json_text(j, field->key, field_text(field, base)); break;
	case FIELD_WORD: json_text(j, field->key, field->word((unsigned)field_number(field, base))); break;
	case FIELD_LOOP: put_loop(j, (uint32_t)field_number(field, base)); break;
	case FIELD_STACK: put_stack(how, j, (uint32_t)field_number(field, base)); break;
	case FIELD_FRAME: json_uint(j, field->key, field_number(field, base)); break;
	}
}

static bool is_empty(const struct field *field, const void *base)
{
	if (field->type == FIELD_TEXT || field->type == FIELD_LINE)
		return !*field_text(field, base);
	if (field->type == FIELD_BOOL)
		return !field_is_true(field, base);
	return !field_number(field, base);
}

static bool has_any(const struct field *fields, const void *base)
{
	for (const struct field *field = fields; field->key; field++)
		if (!is_empty(field, base))
			return true;
	return false;
}

/* What the _us members cut off, so that a recording gives back every nanosecond. */
static void put_remainders(struct json *j, const struct field *fields, const void *base)
{
	bool open = false;
	for (const struct field *field = fields; field->key; field++) {
		uint64_t rest = field->type == FIELD_NS ? field_number(field, base) % 1000 : 0;
		if (!rest)
			continue;
		if (!open)
			json_begin_object(j, "ns");
		open = true;
		json_uint(j, field->key, rest);
	}
	if (open)
		json_end(j);
}

static void put_fields(const struct fact_json *how, struct json *j, const struct field *fields,
		       const void *base)
{
	for (const struct field *field = fields; field->key; field++)
		if (!field->optional || !is_empty(field, base))
			put_field(how, j, field, base);
	if (how->style == FACT_RECORDING)
		put_remainders(j, fields, base);
}

static void put_stack(const struct fact_json *how, struct json *j, uint32_t id)
{
	if (how->style == FACT_RECORDING) {
		json_uint(j, "stack", id);
		return;
	}
	const struct fact_stack *stack = dictionary_stack(how->dictionary, id);
	if (!stack)
		return;
	if (stack->state != STACK_COMPLETE)
		json_text(j, "stack_state", stack_state_word(stack->state));
	json_begin_array(j, "stack");
	for (uint32_t i = 0; i < stack->n; i++) {
		json_begin_object(j, NULL);
		put_fields(how, j, frame_fields, dictionary_frame(how->dictionary, stack->frames[i]));
		json_end(j);
	}
	json_end(j);
}

static void put_block(const struct fact_json *how, struct json *j, const struct block *block)
{
	json_begin_object(j, NULL);
	put_fields(how, j, block_fields, block);
	if (has_any(waker_fields, &block->waker)) {
		json_begin_object(j, "waker");
		put_fields(how, j, waker_fields, &block->waker);
		json_end(j);
	}
	json_end(j);
}

static void put_runners(const struct fact_json *how, struct json *j, const struct fact_stall *stall)
{
	if (!stall->n_runners)
		return;
	json_begin_array(j, "ran_instead");
	for (uint32_t i = 0; i < stall->n_runners; i++) {
		json_begin_object(j, NULL);
		put_fields(how, j, runner_fields, &stall->runners[i]);
		json_end(j);
	}
	json_end(j);
}

static void put_awaiters(const struct fact_json *how, struct json *j, const struct fact_task *task)
{
	if (!task->n_awaiters)
		return;
	json_begin_array(j, "awaited_by");
	for (uint32_t i = 0; i < task->n_awaiters; i++) {
		json_begin_object(j, NULL);
		put_fields(how, j, awaiter_fields, &task->awaiters[i]);
		json_end(j);
	}
	json_end(j);
}

static void put_samples(const struct fact_json *how, struct json *j, const struct sample *samples, uint32_t n)
{
	if (!n)
		return;
	json_begin_array(j, "samples");
	for (uint32_t i = 0; i < n; i++) {
		json_begin_object(j, NULL);
		put_fields(how, j, sample_fields, &samples[i]);
		json_end(j);
	}
	json_end(j);
}

static void put_culprit(const struct fact_json *how, struct json *j, const struct fact_stall *stall)
{
	if (how->style == FACT_RECORDING) {
		if (!stall->culprit_frame && !stall->culprit_stack)
			return;
		json_begin_object(j, "culprit");
		put_fields(how, j, culprit_fields, stall);
		json_end(j);
		return;
	}
	const struct fact_frame *frame = dictionary_frame(how->dictionary, stall->culprit_frame);
	if (!frame)
		return;
	json_begin_object(j, "culprit");
	put_fields(how, j, frame_fields, frame);
	json_end(j);
}

/* In a stream a stall says itself whose loop it was. */
static void put_owner(const struct fact_json *how, struct json *j, uint32_t id)
{
	const struct fact_loop *loop =
		how->style == FACT_STREAM ? dictionary_loop(how->dictionary, id) : NULL;
	const struct {
		const char *key, *text;
	} said[] = {{"process", loop ? loop->process : ""},
		    {"runtime", loop ? loop->runtime : ""},
		    {"container", loop ? loop->container : ""},
		    {"unit", loop ? loop->unit : ""}};
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (*said[i].text)
			json_text(j, said[i].key, said[i].text);
}

static void put_stall(const struct fact_json *how, struct json *j, const struct fact_stall *stall)
{
	put_owner(how, j, stall->loop);
	json_bool(j, "open", !stall_is_over(stall));
	put_fields(how, j, stall_fields, stall);
	if (stall->gap_ns)
		json_double(j, "covered",
			    stall->covered_ns < stall->gap_ns
				    ? (double)stall->covered_ns / (double)stall->gap_ns
				    : 1,
			    3);
	put_awaiters(how, j, &stall->task);
	json_begin_object(j, "ledger");
	put_fields(how, j, ledger_fields, &stall->ledger);
	json_end(j);
	if (has_any(limit_fields, &stall->limit)) {
		json_begin_object(j, "limit");
		put_fields(how, j, limit_fields, &stall->limit);
		json_end(j);
	}
	if (stall->stopper.by) {
		json_begin_object(j, "stopped");
		put_fields(how, j, stopper_fields, &stall->stopper);
		json_end(j);
	}
	put_runners(how, j, stall);
	if (stall->n_blocks) {
		json_begin_array(j, "blocks");
		for (uint32_t i = 0; i < stall->n_blocks; i++)
			put_block(how, j, &stall->blocks[i]);
		json_end(j);
	}
	put_samples(how, j, stall->samples, stall->n_samples);
	put_culprit(how, j, stall);
}

static void put_histogram(struct json *j, const char *key, const struct histogram *h)
{
	if (!h->n)
		return;
	json_begin_object(j, key);
	json_uint(j, "n", h->n);
	json_uint(j, "total_ns", h->total_ns);
	json_uint(j, "min_ns", h->min_ns);
	json_uint(j, "max_ns", h->max_ns);
	json_begin_array(j, "buckets");
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->count[i])
			continue;
		json_begin_array(j, NULL);
		json_uint(j, NULL, i);
		json_uint(j, NULL, h->count[i]);
		json_uint(j, NULL, h->sum_ns[i]);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void put_peers(const struct fact_json *how, struct json *j, const struct fact_counts *counts)
{
	if (!counts->n_peers)
		return;
	json_begin_array(j, "peers");
	for (uint32_t i = 0; i < counts->n_peers; i++) {
		json_begin_object(j, NULL);
		put_fields(how, j, peer_fields, &counts->peers[i]);
		json_end(j);
	}
	json_end(j);
}

static void put_counts(const struct fact_json *how, struct json *j, const struct fact_counts *counts)
{
	put_owner(how, j, counts->loop);
	put_fields(how, j, counts_fields, counts);
	for (const struct field *field = histogram_fields; field->key; field++)
		put_histogram(j, field->key, (const void *)((const char *)counts + field->offset));
	put_peers(how, j, counts);
}

static void put_frame_ids(struct json *j, const struct fact_stack *stack)
{
	json_begin_array(j, "frames");
	for (uint32_t i = 0; i < stack->n; i++)
		json_uint(j, NULL, stack->frames[i]);
	json_end(j);
}

static void put_losses(const struct fact_json *how, struct json *j)
{
	if (!how->n_losses)
		return;
	json_begin_array(j, "losses");
	for (size_t i = 0; i < how->n_losses; i++) {
		json_begin_object(j, NULL);
		json_text(j, "reason", how->losses[i].reason);
		json_uint(j, "count", how->losses[i].count);
		json_end(j);
	}
	json_end(j);
}

static void put_body(const struct fact_json *how, struct json *j, const struct fact *f)
{
	switch (f->kind) {
	case FACT_HEADER:
		json_text(j, "format", "loopstall");
		json_uint(j, "format_version", FACT_FORMAT_VERSION);
		put_fields(how, j, header_fields, &f->header);
		break;
	case FACT_CLOCK: put_fields(how, j, clock_fields, &f->clock); break;
	case FACT_LOOP:
		put_loop(j, f->loop.id);
		put_fields(how, j, loop_fields, &f->loop);
		break;
	case FACT_FRAME:
		json_uint(j, "frame", f->frame.id);
		put_fields(how, j, frame_fields, &f->frame);
		break;
	case FACT_STACK:
		json_uint(j, "stack", f->stack.id);
		put_fields(how, j, stack_fields, &f->stack);
		put_frame_ids(j, &f->stack);
		break;
	case FACT_STALL:
	case FACT_WORKER: put_stall(how, j, f->stall); break;
	case FACT_SATURATED:
		put_owner(how, j, f->saturated->loop);
		put_fields(how, j, saturated_fields, f->saturated);
		put_samples(how, j, f->saturated->samples, f->saturated->n_samples);
		break;
	case FACT_COUNTS: put_counts(how, j, f->counts); break;
	case FACT_LOSS: put_fields(how, j, loss_fields, &f->loss); break;
	case FACT_END:
		put_fields(how, j, end_fields, &f->end);
		put_losses(how, j);
		break;
	case FACT_TICK:
	case FACT_KINDS: break;
	}
}

static bool is_said(enum fact_style style, enum fact_kind kind)
{
	if (style == FACT_RECORDING)
		return true;
	return kind != FACT_FRAME && kind != FACT_STACK && kind != FACT_TICK && kind != FACT_CLOCK;
}

void fact_json_line(struct fact_json *how, const struct fact *f, struct bytes *out)
{
	if (f->kind == FACT_HEADER)
		how->wall_us = f->header.wall_us;
	if (!is_said(how->style, f->kind))
		return;
	struct json j = json_into(out);
	json_begin_object(&j, NULL);
	json_text(&j, "type", fact_kind_word(f->kind));
	put_time(how, &j, "time", f->at_ns);
	if (how->style == FACT_RECORDING)
		json_uint(&j, "at_ns", f->at_ns);
	put_body(how, &j, f);
	json_end(&j);
	bytes_putc(out, '\n');
}
