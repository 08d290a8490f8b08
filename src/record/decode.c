/* SPDX-License-Identifier: Apache-2.0 */
#include "record/decode.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/clean.h"
#include "base/intern.h"
#include "model/fact_fields.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* So that even all buckets of a line, added up, stay far from overflow. */
#define MAX_BUCKET_COUNT (1ll << 48)
#define MAX_BUCKET_NS	 (1ll << 55)
#define ITEM_BYTES	 64 /* about what keeping a name, frame, loop or stack costs beside its own bytes */

struct decoder {
	const struct dictionary *known;
	struct intern *texts;
	struct bytes clean;
	uint64_t kept_bytes;
	struct diag *diag; /* of the running call */
	struct fact fact;
	struct fact_stall stall;
	struct fact_saturated saturated;
	struct fact_counts counts;
	uint32_t frames[FACT_MAX_FRAMES];
};

struct decoder *decoder_new(const struct dictionary *known)
{
	struct decoder *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->known = known;
	d->texts = intern_new();
	if (d->texts)
		return d;
	free(d);
	return NULL;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	intern_free(d->texts);
	bytes_free(&d->clean);
	free(d);
}

static int wrong(struct decoder *d, const char *key, const char *must_be)
{
	return diag_fail(d->diag, -EINVAL, "\"%s\" is not %s", key, must_be);
}

static int keep_bytes(struct decoder *d, size_t bytes)
{
	d->kept_bytes += ITEM_BYTES + bytes;
	if (d->kept_bytes > DECODE_MAX_KEPT_BYTES)
		return diag_fail(d->diag, -EFBIG, "names, frames and stacks take more than 1 GiB");
	return 0;
}

static int read_integer(struct decoder *d, const char *key, const json_t *value, uint64_t most,
			uint64_t *number)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most)
		return wrong(d, key, "an integer in range");
	*number = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_number(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	uint64_t wide;
	int err = read_integer(d, field->key, value, field->bytes == 4 ? UINT32_MAX : INT64_MAX, &wide);
	if (err)
		return err;
	uint32_t narrow = (uint32_t)wide;
	memcpy(at, field->bytes == 4 ? (const void *)&narrow : (const void *)&wide, field->bytes);
	return 0;
}

static int read_ns(struct decoder *d, const struct field *field, const json_t *object, const json_t *value,
		   void *at)
{
	uint64_t us = 0, rest = 0;
	const json_t *exact = json_object_get(json_object_get(object, "ns"), field->key);
	int err = read_integer(d, field->key, value, UINT64_MAX / 1000, &us);
	if (!err && exact)
		err = read_integer(d, field->key, exact, 999, &rest);
	if (!err && us * 1000 > UINT64_MAX - rest)
		err = wrong(d, field->key, "an integer in range");
	us = us * 1000 + rest;
	if (!err)
		memcpy(at, &us, sizeof us);
	return err;
}

static int read_hex(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	const char *text = json_string_value(value);
	size_t digits = text && !strncmp(text, "0x", 2) ? strspn(text + 2, "0123456789abcdef") : 0;
	if (!digits || digits > 16 || text[2 + digits])
		return wrong(d, field->key, "a hexadecimal text");
	uint64_t number = strtoull(text + 2, NULL, 16);
	memcpy(at, &number, sizeof number);
	return 0;
}

static int read_bool(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	bool is = json_is_true(value);
	if (!json_is_boolean(value))
		return wrong(d, field->key, "true or false");
	memcpy(at, &is, sizeof is);
	return 0;
}

static int read_text(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	if (!json_is_string(value))
		return wrong(d, field->key, "a text");
	bytes_clear(&d->clean);
	clean_text(&d->clean, json_string_value(value), json_string_length(value));
	uint32_t before = intern_count(d->texts);
	uint32_t id = intern_id(d->texts, bytes_text(&d->clean), d->clean.len);
	if (!bytes_ok(&d->clean) || id == INTERN_NONE)
		return diag_fail(d->diag, -ENOMEM, "no memory for its texts");
	const char *text = intern_key(d->texts, id, NULL);
	memcpy(at, &text, sizeof text);
	return id < before ? 0 : keep_bytes(d, d->clean.len);
}

static int read_line(struct decoder *d, const struct field *field, const json_t *value, char *at)
{
	if (!json_is_string(value))
		return wrong(d, field->key, "a text");
	bytes_clear(&d->clean);
	clean_text(&d->clean, json_string_value(value), json_string_length(value));
	if (!bytes_ok(&d->clean))
		return diag_fail(d->diag, -ENOMEM, "no memory for its texts");
	clean_fit(at, field->bytes, bytes_text(&d->clean));
	return 0;
}

static int read_word(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	int word = json_is_string(value) ? field->parse(json_string_value(value)) : -1;
	if (word < 0)
		return wrong(d, field->key, "a known word");
	memcpy(at, &word, sizeof word);
	return 0;
}

static int loop_number(struct decoder *d, const json_t *value, uint32_t *loop)
{
	const char *text = json_string_value(value), *digits = text ? strchr(text, ':') : NULL;
	size_t n = digits ? strspn(digits + 1, "0123456789") : 0;
	if (!n || n > 9 || digits[1 + n])
		return wrong(d, "loop", "a loop like epoll:3");
	*loop = (uint32_t)strtoul(digits + 1, NULL, 10);
	return 0;
}

static int read_loop(struct decoder *d, const json_t *value, void *at)
{
	uint32_t loop;
	int err = loop_number(d, value, &loop);
	if (err)
		return err;
	if (!dictionary_loop(d->known, loop))
		return wrong(d, "loop", "a loop defined before");
	memcpy(at, &loop, sizeof loop);
	return 0;
}

static int read_reference(struct decoder *d, const struct field *field, const json_t *value, void *at)
{
	uint64_t defined =
		field->type == FIELD_STACK ? dictionary_stacks(d->known) : dictionary_frames(d->known);
	uint64_t wide;
	if (read_integer(d, field->key, value, defined, &wide))
		return wrong(d, field->key, "the number of one defined before");
	uint32_t id = (uint32_t)wide;
	memcpy(at, &id, sizeof id);
	return 0;
}

static int read_at(struct decoder *d, const struct field *field, const json_t *object, void *at)
{
	char key[32];
	snprintf(key, sizeof key, "%s_ns", field->key);
	const json_t *value = json_object_get(object, key);
	uint64_t at_ns = 0;
	int err = value ? read_integer(d, key, value, INT64_MAX, &at_ns) : 0;
	memcpy(at, &at_ns, sizeof at_ns);
	return err;
}

static int read_field(struct decoder *d, const struct field *field, const json_t *object, void *base)
{
	const json_t *value = json_object_get(object, field->key);
	void *at = (char *)base + field->offset;
	static const char *const unknown = "";
	if (field->type == FIELD_TEXT)
		memcpy(at, &unknown, sizeof unknown);
	if (field->type == FIELD_AT)
		return read_at(d, field, object, at);
	if (field->type == FIELD_LOOP)
		return read_loop(d, value, at);
	if (!value)
		return 0;
	switch (field->type) {
	case FIELD_NUMBER: return read_number(d, field, value, at);
	case FIELD_NS: return read_ns(d, field, object, value, at);
	case FIELD_HEX: return read_hex(d, field, value, at);
	case FIELD_BOOL: return read_bool(d, field, value, at);
	case FIELD_TEXT: return read_text(d, field, value, at);
	case FIELD_LINE: return read_line(d, field, value, at);
	case FIELD_WORD: return read_word(d, field, value, at);
	case FIELD_STACK:
	case FIELD_FRAME: return read_reference(d, field, value, at);
	case FIELD_AT:
	case FIELD_LOOP: break; /* above: their keys are their own */
	}
	return 0;
}

/* base is zeroed. A missing object gives what a line without the members gives: zeros and "". */
static int read_fields(struct decoder *d, const struct field *fields, const json_t *object, void *base)
{
	for (const struct field *field = fields; field->key; field++) {
		int err = read_field(d, field, object, base);
		if (err)
			return err;
	}
	return 0;
}

/* The array of a key and its length: NULL and 0 when the key is absent. */
static int read_list(struct decoder *d, const json_t *object, const char *key, size_t most,
		     const json_t **list, uint32_t *n)
{
	*list = json_object_get(object, key);
	*n = 0;
	if (!*list)
		return 0;
	if (!json_is_array(*list) || json_array_size(*list) > most)
		return wrong(d, key, "an array of allowed length");
	*n = (uint32_t)json_array_size(*list);
	return 0;
}

static int read_samples(struct decoder *d, const json_t *object, struct sample *samples, size_t most,
			uint32_t *n)
{
	const json_t *list;
	int err = read_list(d, object, "samples", most, &list, n);
	for (uint32_t i = 0; !err && i < *n; i++)
		err = read_fields(d, sample_fields, json_array_get(list, i), &samples[i]);
	return err;
}

static int read_blocks(struct decoder *d, const json_t *object, struct fact_stall *stall)
{
	const json_t *list;
	int err = read_list(d, object, "blocks", FACT_MAX_BLOCKS, &list, &stall->n_blocks);
	for (uint32_t i = 0; !err && i < stall->n_blocks; i++) {
		const json_t *item = json_array_get(list, i);
		err = read_fields(d, block_fields, item, &stall->blocks[i]);
		if (!err)
			err = read_fields(d, waker_fields, json_object_get(item, "waker"),
					  &stall->blocks[i].waker);
	}
	return err;
}

static int read_runners(struct decoder *d, const json_t *object, struct fact_stall *stall)
{
	const json_t *list;
	int err = read_list(d, object, "ran_instead", FACT_MAX_RUNNERS, &list, &stall->n_runners);
	for (uint32_t i = 0; !err && i < stall->n_runners; i++)
		err = read_fields(d, runner_fields, json_array_get(list, i), &stall->runners[i]);
	return err;
}

static int read_awaiters(struct decoder *d, const json_t *object, struct fact_task *task)
{
	const json_t *list;
	int err = read_list(d, object, "awaited_by", FACT_MAX_AWAITERS, &list, &task->n_awaiters);
	for (uint32_t i = 0; !err && i < task->n_awaiters; i++)
		err = read_fields(d, awaiter_fields, json_array_get(list, i), &task->awaiters[i]);
	return err;
}

static int read_stall(struct decoder *d, const json_t *object)
{
	struct fact_stall *stall = &d->stall;
	memset(stall, 0, sizeof *stall);
	d->fact.stall = stall;
	int err = read_fields(d, stall_fields, object, stall);
	if (!err)
		err = read_fields(d, ledger_fields, json_object_get(object, "ledger"), &stall->ledger);
	if (!err)
		err = read_fields(d, limit_fields, json_object_get(object, "limit"), &stall->limit);
	if (!err)
		err = read_fields(d, stopper_fields, json_object_get(object, "stopped"), &stall->stopper);
	if (!err)
		err = read_runners(d, object, stall);
	if (!err)
		err = read_awaiters(d, object, &stall->task);
	if (!err)
		err = read_blocks(d, object, stall);
	if (!err)
		err = read_samples(d, object, stall->samples, FACT_MAX_SAMPLES, &stall->n_samples);
	return err ? err : read_fields(d, culprit_fields, json_object_get(object, "culprit"), stall);
}

static int read_saturated(struct decoder *d, const json_t *object)
{
	struct fact_saturated *saturated = &d->saturated;
	memset(saturated, 0, sizeof *saturated);
	d->fact.saturated = saturated;
	int err = read_fields(d, saturated_fields, object, saturated);
	if (err)
		return err;
	return read_samples(d, object, saturated->samples, ARRAY_LEN(saturated->samples),
			    &saturated->n_samples);
}

static int read_bucket(struct decoder *d, const json_t *triple, struct histogram *h)
{
	uint64_t bucket, count, sum_ns;
	if (json_array_size(triple) != 3)
		return wrong(d, "buckets", "an array of [bucket,count,sum_ns]");
	if (read_integer(d, "bucket", json_array_get(triple, 0), HISTOGRAM_BUCKETS - 1, &bucket) ||
	    read_integer(d, "count", json_array_get(triple, 1), MAX_BUCKET_COUNT, &count) ||
	    read_integer(d, "sum_ns", json_array_get(triple, 2), MAX_BUCKET_NS, &sum_ns))
		return -EINVAL;
	if (h->count[bucket] || !count)
		return wrong(d, "buckets", "a list of different, filled buckets");
	h->count[bucket] = count;
	h->sum_ns[bucket] = sum_ns;
	h->n += count;
	h->total_ns += sum_ns;
	return 0;
}

static int read_histogram(struct decoder *d, const json_t *object, struct histogram *h)
{
	const json_t *list;
	uint32_t n;
	if (!object)
		return 0;
	int err = read_list(d, object, "buckets", HISTOGRAM_BUCKETS, &list, &n);
	for (uint32_t i = 0; !err && i < n; i++)
		err = read_bucket(d, json_array_get(list, i), h);
	if (!err)
		err = read_integer(d, "min_ns", json_object_get(object, "min_ns"), INT64_MAX, &h->min_ns);
	if (!err)
		err = read_integer(d, "max_ns", json_object_get(object, "max_ns"), INT64_MAX, &h->max_ns);
	if (!err && h->min_ns > h->max_ns)
		err = wrong(d, "min_ns", "at most max_ns");
	return err;
}

static int read_peers(struct decoder *d, const json_t *object, struct fact_counts *counts)
{
	const json_t *list;
	int err = read_list(d, object, "peers", FACT_MAX_PEERS, &list, &counts->n_peers);
	for (uint32_t i = 0; !err && i < counts->n_peers; i++)
		err = read_fields(d, peer_fields, json_array_get(list, i), &counts->peers[i]);
	return err;
}

static int read_counts(struct decoder *d, const json_t *object)
{
	memset(&d->counts, 0, sizeof d->counts);
	d->fact.counts = &d->counts;
	int err = read_fields(d, counts_fields, object, &d->counts);
	for (const struct field *field = histogram_fields; !err && field->key; field++)
		err = read_histogram(d, json_object_get(object, field->key),
				     (void *)((char *)&d->counts + field->offset));
	return err ? err : read_peers(d, object, &d->counts);
}

static int read_header(struct decoder *d, const json_t *object)
{
	const char *format = json_string_value(json_object_get(object, "format"));
	uint64_t version;
	if (!format || strcmp(format, "loopstall"))
		return wrong(d, "format", "\"loopstall\": this is no loopstall recording");
	int err = read_integer(d, "format_version", json_object_get(object, "format_version"), INT64_MAX,
			       &version);
	if (err)
		return err;
	if (version > FACT_FORMAT_VERSION)
		return diag_fail(d->diag, -EPROTONOSUPPORT,
				 "its format is version %llu, this loopstall reads up to %d: use a newer one",
				 (unsigned long long)version, FACT_FORMAT_VERSION);
	return read_fields(d, header_fields, object, &d->fact.header);
}

static int read_loop_line(struct decoder *d, const json_t *object)
{
	int err = loop_number(d, json_object_get(object, "loop"), &d->fact.loop.id);
	if (err)
		return err;
	if (!dictionary_loop(d->known, d->fact.loop.id))
		err = keep_bytes(d, sizeof d->fact.loop);
	return err ? err : read_fields(d, loop_fields, object, &d->fact.loop);
}

static int read_frame_line(struct decoder *d, const json_t *object)
{
	uint64_t id;
	int err = read_integer(d, "frame", json_object_get(object, "frame"), UINT32_MAX, &id);
	if (err)
		return err;
	d->fact.frame.id = (uint32_t)id;
	err = keep_bytes(d, sizeof d->fact.frame);
	return err ? err : read_fields(d, frame_fields, object, &d->fact.frame);
}

static int read_stack_line(struct decoder *d, const json_t *object)
{
	static const struct field any_frame = {.key = "frames", .type = FIELD_FRAME};
	struct fact_stack *stack = &d->fact.stack;
	const json_t *list;
	uint64_t id;
	int err = read_integer(d, "stack", json_object_get(object, "stack"), UINT32_MAX, &id);
	if (!err)
		err = read_list(d, object, "frames", FACT_MAX_FRAMES, &list, &stack->n);
	if (err)
		return err;
	stack->id = (uint32_t)id;
	stack->frames = d->frames;
	for (uint32_t i = 0; !err && i < stack->n; i++)
		err = read_reference(d, &any_frame, json_array_get(list, i), &d->frames[i]);
	if (!err)
		err = keep_bytes(d, sizeof *stack + stack->n * sizeof *stack->frames);
	return err ? err : read_fields(d, stack_fields, object, stack);
}

static int read_body(struct decoder *d, const json_t *object)
{
	switch (d->fact.kind) {
	case FACT_HEADER: return read_header(d, object);
	case FACT_CLOCK: return read_fields(d, clock_fields, object, &d->fact.clock);
	case FACT_LOOP: return read_loop_line(d, object);
	case FACT_FRAME: return read_frame_line(d, object);
	case FACT_STACK: return read_stack_line(d, object);
	case FACT_STALL:
	case FACT_WORKER: return read_stall(d, object);
	case FACT_SATURATED: return read_saturated(d, object);
	case FACT_COUNTS: return read_counts(d, object);
	case FACT_LOSS: return read_fields(d, loss_fields, object, &d->fact.loss);
	case FACT_END: return read_fields(d, end_fields, object, &d->fact.end);
	case FACT_TICK:
	case FACT_KINDS: break;
	}
	return 0;
}

static int read_object(struct decoder *d, const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	if (!type)
		return wrong(d, "type", "a text");
	int kind = fact_kind_parse(type);
	if (kind < 0)
		return 0;
	memset(&d->fact, 0, sizeof d->fact);
	d->fact.kind = (enum fact_kind)kind;
	int err = read_integer(d, "at_ns", json_object_get(object, "at_ns"), INT64_MAX, &d->fact.at_ns);
	if (!err)
		err = read_body(d, object);
	return err ? err : 1;
}

int decoder_line(struct decoder *d, const char *line, size_t len, struct fact **f, struct diag *diag)
{
	json_error_t error;
	d->diag = diag;
	json_t *object = json_loadb(line, len, 0, &error);
	if (!object) {
		bytes_clear(&d->clean); /* the parser quotes the line */
		clean_text(&d->clean, error.text, strlen(error.text));
		return diag_fail(diag, -EBADMSG, "not JSON: %s", bytes_text(&d->clean));
	}
	int result = json_is_object(object) ? read_object(d, object) : wrong(d, "the line", "an object");
	json_decref(object);
	*f = &d->fact;
	return result;
}
