/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of every fact with every member set, and images of facts: bytes that are equal exactly if the facts are. An image is
 * the struct's own memory with its pointers replaced by what they point to, so a member that the field tables forget still shows.
 */
#ifndef TESTS_SAMPLE_FACTS_H
#define TESTS_SAMPLE_FACTS_H

#include "base/array.h"
#include "base/bytes.h"
#include "model/fact_fields.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

static const uint32_t sample_frames_1[] = {1, 2, 3}, sample_frames_2[] = {4, 3};

static struct fact_stall sample_stall = {
	.start_ns = 1200 * MS + 7,
	.loop = 1,
	.pid = 4121,
	.tid = 4122,
	.comm = "uvicorn",
	.state = STALL_DIED,
	.lower_bound = true,
	.gap_seq = 77,
	.lag_ns = 643132482,
	.gap_ns = 643012361,
	.delay_ns = 120121,
	.harm = HARM_LATE,
	.ready_fds = 14,
	.late_ns = 5000001,
	.signal = 9,
	.verdict = VERDICT_BLOCKED,
	.ledger = {2100001, 640200002, 400003, 5, 6, 7, 8, 312009, 10, 11, 12, 13014, 15},
	.n_blocks = 2,
	.n_samples = 2,
	.limit = {"/system.slice/api.service", 50000001, 100 * MS},
	.stopper = {STOP_TRACED, 812, 19, "gdb"},
	.n_runners = 2,
	.runners = {{4242, false, "stress", 400003}, {4123, true, "gc", 120121}},
	.blocks = {{"poll",
		    "2 pipes of pid 4180 nvidia-smi",
		    TARGET_PIPE,
		    0xfffffffffffffff1,
		    3,
		    640200123,
		    600000001,
		    {4180, 4181, "nvidia-smi", "exit", 2},
		    1},
		   {"recvfrom", "tcp 10.0.3.9:5432", TARGET_INET, 0, 300, 1999, 7, {0, 0, "", "", 0}, 0}},
	.samples = {{5025125, 2, 4}, {999, 0, 1}},
	.covered_ns = 640200999,
	.culprit_frame = 3,
	.culprit_stack = 1,
	.collecting_ns = 1234567,
	.task = {"gpu-tick", "tick", 2, {{"sensors", "watch", 0}, {"", "Service.run", 2}}, .cut = true},
	.source = "subprocess.run([\"nvidia-smi\"])",
	.task_ns = 640200998,
	.connects = 48,
	.chain = {5, 171068001, 119846002, 4, 599003, true},
	.cause = "subprocess",
	.remedy = "a child process waits inside the loop: asyncio.create_subprocess_exec() yields",
	.evidence = "child pid 4180 nvidia-smi: 640 ms, 99 % of the lag",
};
static struct fact_stall sample_open_stall = {.loop = 2,
					      .comm = "",
					      .state = STALL_STUCK,
					      .gap_seq = 1,
					      .lag_ns = UINT64_MAX,
					      .gap_ns = 1,
					      .ready_ns = 77001};
static struct fact_saturated sample_saturated = {.loop = 2,
						 .since_ns = 3,
						 .busy_ns = 999999999,
						 .iterations = 12345,
						 .ended = true,
						 .n_samples = 1,
						 .samples = {{5, 1, 2}},
						 .evidence = "spin 99 % of its samples, no yield"};
static struct fact_counts sample_counts = {
	.loop = 1,
	.elapsed_ns = 1000000001,
	.iterations = 3,
	.waits = 4,
	.events = 5,
	.zero_waits = 6,
	.slept_waits = 7,
	.busy_ns = 8,
	.over_threshold = 9,
	.max_lag_ns = 10,
	.min_gap_ns = 11,
	.timed_chains = 12,
	.timed_ns = 13001,
	.connects = 14,
	.bursts = 15,
	.most_connects = 16,
	.open_files = 17,
	.tasks = 18,
	.tasks_at_least = true,
	.tasks_loops = 19,
	.n_peers = 2,
	.peers = {{"tcp 10.0.3.9:5432", 1, 2, 3, 4001, 5, 6002, 7, 8, 9}, {"tcp [::1]:80", .open = 9}}};

static struct fact sample_facts[] = {
	{FACT_HEADER, 0,
	 .header = {1795207338000123, 50 * MS + 1, 10 * MS, 199, "0.1.0", "db-7", "0f1e", "6.18.5", "x86_64",
		    "uvicorn", "tp_btf"}},
	{FACT_CLOCK, 5, .clock = {1795207338000124}},
	{FACT_LOOP, 10,
	 .loop = {1, 4121, 4122, 7, 3, "uvicorn", "app", "cpython 3.11", "epoll_wait", "3fa9", "api.service",
		  LOOP_SHARED, 2, true}},
	{FACT_FRAME, 11,
	 .frame = {1, FRAME_IN_KERNEL, FRAME_KERNEL, "do_poll", "[kernel]", 0x1f, "", 0, false}},
	{FACT_FRAME, 11,
	 .frame = {2, FRAME_NATIVE, FRAME_GUESS, "", "libc.so.6", 0xfffffffffffffff0, "", 0, false}},
	{FACT_FRAME, 11,
	 .frame = {3, FRAME_PYTHON, FRAME_LANGUAGE, "poll_vram", "", 0, "app/gpu.py", 41, true}},
	{FACT_STACK, 11, .stack = {1, STACK_TRUNCATED, 3, sample_frames_1}},
	{FACT_FRAME, 12, .frame = {4, FRAME_NATIVE, FRAME_CFI, "a<b>(\"c\\\")", "node", 3, "", 0, true}},
	{FACT_STACK, 12, .stack = {2, STACK_COMPLETE, 2, sample_frames_2}},
	{FACT_LOOP, 13, .loop = {2, 5, 5, 5, 9, "", "", "", "", "", "", LOOP_SINGLE, 1, false}},
	{FACT_STALL, 1900 * MS + 3, .stall = &sample_stall},
	{FACT_STALL, 2000 * MS, .stall = &sample_open_stall},
	{FACT_SATURATED, 2001 * MS, .saturated = &sample_saturated},
	{FACT_COUNTS, 2002 * MS, .counts = &sample_counts},
	{FACT_LOSS, 2003 * MS, .loss = {"ring_full", "records dropped", 3}},
	{FACT_LOSS, 2004 * MS, .loss = {"ring_full", "records dropped", 4}},
	{.kind = FACT_TICK, .at_ns = 2005 * MS},
	{FACT_END, 2006 * MS + 1, .end = {1, 3, 7, 84, 21035, "ctrl-c"}},
};

#define SAMPLES ARRAY_LEN(sample_facts)

/* Call once: histograms are easier added than written. */
static inline void sample_facts_fill(void)
{
	struct histogram *all[] = {&sample_counts.lag, &sample_counts.gap, &sample_counts.delay,
				   &sample_counts.offcpu};
	for (size_t i = 0; i + 1 < ARRAY_LEN(all); i++) {
		*all[i] = (struct histogram){.min_ns = 100 + i, .max_ns = 643132482};
		const unsigned buckets[] = {0, 17 + (unsigned)i, HISTOGRAM_BUCKETS - 1};
		for (size_t b = 0; b < ARRAY_LEN(buckets); b++) {
			all[i]->count[buckets[b]] = b + 1;
			all[i]->sum_ns[buckets[b]] = 1000 * (b + i + 1) + 1;
			all[i]->n += b + 1;
			all[i]->total_ns += 1000 * (b + i + 1) + 1;
		}
	}
}

/* --- images ------------------------------------------------------------------------------------------------------ */

/* Texts of the struct go to the image, its pointers become NULL. */
static inline void image_texts(struct bytes *image, const struct field *fields, void *copy)
{
	for (const struct field *field = fields; field->key; field++) {
		if (field->type != FIELD_TEXT)
			continue;
		bytes_puts(image, field_text(field, copy));
		bytes_putc(image, '|');
		memset((char *)copy + field->offset, 0, field->bytes);
	}
}

static inline void image_struct(struct bytes *image, const struct field *fields, const void *from,
				size_t size)
{
	char *copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, from, size);
	image_texts(image, fields, copy);
	bytes_put(image, copy, size);
	free(copy);
}

static inline void image_stall(struct bytes *image, const struct fact_stall *stall)
{
	struct fact_stall copy;
	memcpy(&copy, stall, sizeof copy);
	image_texts(image, stall_fields, &copy);
	image_texts(image, limit_fields, &copy.limit);
	image_texts(image, stopper_fields, &copy.stopper);
	for (size_t i = 0; i < FACT_MAX_BLOCKS; i++) {
		image_texts(image, block_fields, &copy.blocks[i]);
		image_texts(image, waker_fields, &copy.blocks[i].waker);
	}
	for (size_t i = 0; i < FACT_MAX_RUNNERS; i++)
		image_texts(image, runner_fields, &copy.runners[i]);
	for (size_t i = 0; i < FACT_MAX_AWAITERS; i++)
		image_texts(image, awaiter_fields, &copy.task.awaiters[i]);
	bytes_put(image, &copy, sizeof copy);
}

static inline void image_counts(struct bytes *image, const struct fact_counts *counts)
{
	struct fact_counts copy;
	memcpy(&copy, counts, sizeof copy);
	for (size_t i = 0; i < FACT_MAX_PEERS; i++)
		image_texts(image, peer_fields, &copy.peers[i]);
	bytes_put(image, &copy, sizeof copy);
}

static inline void image_stack(struct bytes *image, const struct fact_stack *stack)
{
	struct fact_stack copy;
	memcpy(&copy, stack, sizeof copy);
	copy.frames = NULL;
	bytes_put(image, &copy, sizeof copy);
	bytes_put(image, stack->frames, stack->n * sizeof *stack->frames);
}

static inline void fact_image(struct bytes *image, const struct fact *f)
{
	bytes_printf(image, "%s %llu ", fact_kind_word(f->kind), (unsigned long long)f->at_ns);
	switch (f->kind) {
	case FACT_HEADER: image_struct(image, header_fields, &f->header, sizeof f->header); break;
	case FACT_CLOCK: image_struct(image, clock_fields, &f->clock, sizeof f->clock); break;
	case FACT_LOOP: image_struct(image, loop_fields, &f->loop, sizeof f->loop); break;
	case FACT_FRAME: image_struct(image, frame_fields, &f->frame, sizeof f->frame); break;
	case FACT_STACK: image_stack(image, &f->stack); break;
	case FACT_STALL:
	case FACT_WORKER: image_stall(image, f->stall); break;
	case FACT_SATURATED: bytes_put(image, f->saturated, sizeof *f->saturated); break;
	case FACT_COUNTS: image_counts(image, f->counts); break;
	case FACT_LOSS: image_struct(image, loss_fields, &f->loss, sizeof f->loss); break;
	case FACT_END: image_struct(image, end_fields, &f->end, sizeof f->end); break;
	case FACT_TICK:
	case FACT_KINDS: break;
	}
}

/* A sink that keeps images; entry i is facts[i]. */
struct collector {
	struct sink sink;
	struct bytes *images;
	enum fact_kind *kinds;
	size_t n, cap, kinds_cap;
};

static inline int collector_take(struct sink *self, const struct fact *f)
{
	struct collector *c = (struct collector *)self;
	if (!array_reserve(&c->images, &c->cap, c->n + 1, sizeof *c->images) ||
	    !array_reserve(&c->kinds, &c->kinds_cap, c->n + 1, sizeof *c->kinds))
		abort();
	c->kinds[c->n] = f->kind;
	fact_image(&c->images[c->n++], f);
	return 0;
}

static inline void collector_clear(struct collector *c)
{
	for (size_t i = 0; i < c->n; i++)
		bytes_free(&c->images[i]);
	free(c->images);
	free(c->kinds);
	*c = (struct collector){.sink = {collector_take}};
}

/* Entry i is an equal fact. */
static inline bool collector_has(const struct collector *c, size_t i, const struct fact *f)
{
	struct bytes image = {0};
	fact_image(&image, f);
	bool same = i < c->n && c->images[i].len == image.len &&
		    !memcmp(c->images[i].data, image.data, image.len);
	bytes_free(&image);
	return same;
}

#endif
