/* SPDX-License-Identifier: Apache-2.0 */
#include "record/ring.h"

#include "base/array.h"
#include "base/bytes.h"
#include "model/dictionary.h"
#include "model/fact_json.h"
#include "record/decode.h"
#include "record/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define CHUNK_LINE_BYTES (64 * 1024)
#define CHUNK_AGE_NS	 1000000000u
#define LEVEL		 3

struct chunk {
	char *data; /* one zstd frame of lines */
	size_t bytes, line_bytes;
	uint64_t facts, first_ns, last_ns;
};

struct ring {
	struct sink sink; /* first: take() gets its address */
	uint64_t keep_ns;
	size_t max_bytes;
	struct fact header;
	bool has_header;
	struct dictionary *defined;
	struct fact_json style;
	ZSTD_CCtx *pack;
	struct chunk open; /* data is unused: its lines are not packed yet */
	struct bytes lines;
	struct chunk *chunks; /* oldest first, from first on */
	size_t first, n, cap;
	uint64_t bytes, dropped;
};

static int ring_take(struct sink *sink, const struct fact *f);

struct ring *ring_new(uint64_t keep_ns, size_t max_bytes)
{
	struct ring *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->sink.take = ring_take;
	r->keep_ns = keep_ns;
	r->max_bytes = max_bytes;
	r->style.style = FACT_RECORDING;
	r->defined = dictionary_new();
	r->pack = ZSTD_createCCtx();
	if (r->defined && r->pack)
		return r;
	ring_free(r);
	return NULL;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	for (size_t i = r->first; i < r->n; i++)
		free(r->chunks[i].data);
	free(r->chunks);
	bytes_free(&r->lines);
	ZSTD_freeCCtx(r->pack);
	dictionary_free(r->defined);
	free(r);
}

struct sink *ring_sink(struct ring *r)
{
	return &r->sink;
}

struct ring_counts ring_counts(const struct ring *r)
{
	struct ring_counts counts = {.facts = r->open.facts, .bytes = r->bytes, .dropped = r->dropped};
	for (size_t i = r->first; i < r->n; i++)
		counts.facts += r->chunks[i].facts;
	return counts;
}

static void forget_oldest(struct ring *r)
{
	struct chunk *oldest = &r->chunks[r->first++];
	r->bytes -= oldest->bytes;
	free(oldest->data);
	oldest->data = NULL;
}

static void forget_old(struct ring *r, uint64_t now_ns)
{
	while (r->first < r->n && r->chunks[r->first].last_ns + r->keep_ns < now_ns)
		forget_oldest(r);
	while (r->first < r->n && r->bytes > r->max_bytes) {
		r->dropped += r->chunks[r->first].facts;
		forget_oldest(r);
	}
}

/* Used places at the front are taken back once they are half of the array, so each chunk moves at most once on average. */
static bool chunk_room(struct ring *r)
{
	if (r->first > r->n / 2) {
		memmove(r->chunks, r->chunks + r->first, (r->n - r->first) * sizeof *r->chunks);
		r->n -= r->first;
		r->first = 0;
	}
	return array_reserve(&r->chunks, &r->cap, r->n + 1, sizeof *r->chunks);
}

static int close_chunk(struct ring *r)
{
	size_t most = ZSTD_compressBound(r->lines.len);
	char *data = malloc(most), *fitted;
	if (!data || !chunk_room(r)) {
		free(data);
		return -ENOMEM;
	}
	size_t bytes = ZSTD_compressCCtx(r->pack, data, most, r->lines.data, r->lines.len, LEVEL);
	if (ZSTD_isError(bytes)) {
		free(data);
		return -ENOMEM;
	}
	fitted = realloc(data, bytes);
	r->open.data = fitted ? fitted : data;
	r->open.bytes = bytes;
	r->open.line_bytes = r->lines.len;
	r->chunks[r->n++] = r->open;
	r->bytes += bytes;
	r->open = (struct chunk){0};
	bytes_clear(&r->lines);
	return 0;
}

static int keep_line(struct ring *r, const struct fact *f)
{
	int err = 0;
	if (r->lines.len >= CHUNK_LINE_BYTES || (r->lines.len && f->at_ns >= r->open.first_ns + CHUNK_AGE_NS))
		err = close_chunk(r);
	if (err)
		return err;
	forget_old(r, f->at_ns);
	if (!r->lines.len)
		r->open.first_ns = f->at_ns;
	r->open.last_ns = f->at_ns;
	r->open.facts++;
	fact_json_line(&r->style, f, &r->lines);
	return bytes_ok(&r->lines) ? 0 : -ENOMEM;
}

static int ring_take(struct sink *sink, const struct fact *f)
{
	struct ring *r = (struct ring *)sink;
	switch (f->kind) {
	case FACT_HEADER:
		r->header = *f;
		r->has_header = true;
		r->style.wall_us = f->header.wall_us;
		return 0;
	case FACT_LOOP:
	case FACT_FRAME:
	case FACT_STACK: return dictionary_take(r->defined, f);
	case FACT_END: return 0; /* ring_write() makes its own */
	default: return keep_line(r, f);
	}
}

/* --- writing out ------------------------------------------------------------------------------------------------- */

/* One run of ring_write(): what has been defined in the output, and its totals. */
struct output {
	const struct dictionary *defined;
	struct sink *to;
	uint64_t start_ns, now_ns;	   /* now in the output's time */
	uint32_t *loops, *frames, *stacks; /* output's number by the ring's; 0 not defined yet */
	uint32_t n_loops, n_frames, n_stacks;
	struct fact_end end;
};

static int give(struct output *o, struct fact *f)
{
	f->at_ns = o->now_ns;
	return o->to->take(o->to, f);
}

static int define_loop(struct output *o, uint32_t id)
{
	struct fact f = {.kind = FACT_LOOP, .loop = *dictionary_loop(o->defined, id)};
	f.loop.id = o->loops[id] = ++o->n_loops;
	return give(o, &f);
}

static int define_frame(struct output *o, uint32_t id)
{
	struct fact f = {.kind = FACT_FRAME, .frame = *dictionary_frame(o->defined, id)};
	f.frame.id = o->frames[id] = ++o->n_frames;
	return give(o, &f);
}

static int define_stack(struct output *o, uint32_t id)
{
	uint32_t frames[FACT_MAX_FRAMES];
	struct fact f = {.kind = FACT_STACK, .stack = *dictionary_stack(o->defined, id)};
	for (uint32_t i = 0; i < f.stack.n; i++) {
		uint32_t frame = f.stack.frames[i];
		int err = o->frames[frame] ? 0 : define_frame(o, frame);
		if (err)
			return err;
		frames[i] = o->frames[frame];
	}
	f.stack.frames = frames;
	f.stack.id = o->stacks[id] = ++o->n_stacks;
	return give(o, &f);
}

static int define_and_renumber(void *context, enum field_type type, uint32_t *id)
{
	struct output *o = context;
	const uint32_t *numbers = type == FIELD_LOOP ? o->loops : type == FIELD_FRAME ? o->frames : o->stacks;
	int (*define)(struct output *, uint32_t) = type == FIELD_LOOP	 ? define_loop
						   : type == FIELD_FRAME ? define_frame
									 : define_stack;
	int err = numbers[*id] ? 0 : define(o, *id);
	*id = numbers[*id];
	return err;
}

static int give_kept(struct output *o, struct fact *f)
{
	fact_shift(f, -(int64_t)o->start_ns);
	o->now_ns = f->at_ns;
	int err = fact_visit_references(f, define_and_renumber, o);
	if (err)
		return err;
	if (f->kind == FACT_STALL && stall_is_over(f->stall))
		o->end.stalls++;
	if (f->kind == FACT_COUNTS)
		o->end.iterations += f->counts->iterations;
	return o->to->take(o->to, f);
}

static int give_lines(struct output *o, struct decoder *decoder, const char *lines, size_t len)
{
	const char *at = lines, *end = lines + len;
	int err = 0;
	while (!err && at < end) {
		struct fact *f;
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		err = decoder_line(decoder, at, (size_t)(newline - at), &f, NULL);
		if (err > 0)
			err = give_kept(o, f);
		at = newline + 1;
	}
	return err;
}

static int give_chunk(struct output *o, struct decoder *decoder, const struct chunk *chunk)
{
	char *lines = malloc(chunk->line_bytes);
	if (!lines)
		return -ENOMEM;
	size_t len = ZSTD_decompress(lines, chunk->line_bytes, chunk->data, chunk->bytes);
	int err = ZSTD_isError(len) ? -EBADMSG : give_lines(o, decoder, lines, len);
	free(lines);
	return err;
}

static int give_header(const struct ring *r, struct output *o)
{
	const struct chunk *oldest = r->first < r->n ? &r->chunks[r->first] : &r->open;
	struct fact header = r->header;
	o->start_ns = oldest->first_ns / 1000 * 1000; /* the header's wall time has microseconds */
	header.header.wall_us += o->start_ns / 1000;
	return give(o, &header);
}

static int give_dropped(const struct ring *r, struct output *o)
{
	struct fact loss = {
		.kind = FACT_LOSS,
		.loss = {.reason = "ring_memory",
			 .meaning = "facts dropped early because the memory for the last minutes was full",
			 .count = r->dropped}};
	return r->dropped ? give(o, &loss) : 0;
}

static int give_all(struct ring *r, struct output *o, struct decoder *decoder, const char *reason)
{
	int err = give_header(r, o);
	if (!err)
		err = give_dropped(r, o);
	for (size_t i = r->first; !err && i < r->n; i++)
		err = give_chunk(o, decoder, &r->chunks[i]);
	if (!err)
		err = give_lines(o, decoder, bytes_text(&r->lines), r->lines.len);
	struct fact end = {.kind = FACT_END, .end = o->end};
	end.end.reason = reason;
	return err ? err : give(o, &end);
}

int ring_write(struct ring *r, struct sink *to, const char *reason)
{
	struct output o = {.defined = r->defined, .to = to};
	if (!r->has_header)
		return -ENODATA;
	o.loops = calloc((size_t)dictionary_loops(r->defined) + 1, sizeof *o.loops);
	o.frames = calloc((size_t)dictionary_frames(r->defined) + 1, sizeof *o.frames);
	o.stacks = calloc((size_t)dictionary_stacks(r->defined) + 1, sizeof *o.stacks);
	struct decoder *decoder = decoder_new(r->defined);
	int err = -ENOMEM;
	if (o.loops && o.frames && o.stacks && decoder)
		err = give_all(r, &o, decoder, reason);
	decoder_free(decoder);
	free(o.loops);
	free(o.frames);
	free(o.stacks);
	return err;
}
