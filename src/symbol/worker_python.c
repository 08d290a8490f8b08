/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_python.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct worker_python *worker_python_new(int memory, uint32_t *next_id)
{
	struct worker_python *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->space.memory = memory;
	p->codes.next_id = next_id;
	return p;
}

void worker_python_free(struct worker_python *p)
{
	if (!p)
		return;
	if (p->space.memory >= 0)
		close(p->space.memory);
	python_codes_clear(&p->codes);
	free(p);
}

uint64_t worker_python_gil(const struct worker_python *p)
{
	const struct python_offsets *o = &p->space.offsets;
	uint64_t interp, gil;

	if (o->runtime_gil != PYTHON_NO_MEMBER)
		return p->space.runtime + o->runtime_gil;
	if (o->interp_gil == PYTHON_NO_MEMBER || !(interp = python_main_interpreter(&p->space)) ||
	    !python_read_word(&p->space, interp + o->interp_gil, &gil))
		return 0;
	return gil;
}

#define THREADS_MAX 65536

uint64_t worker_python_oldest_thread(const struct worker_python *p)
{
	const struct python_offsets *o = &p->space.offsets;
	uint64_t interp = python_main_interpreter(&p->space), thread, next;

	if (!interp || !python_read_word(&p->space, interp + o->interp_threads, &thread))
		return 0;
	for (unsigned i = 0; thread && i < THREADS_MAX; i++, thread = next) {
		if (!python_read_word(&p->space, thread + o->thread_next, &next))
			return 0;
		if (!next)
			return thread;
	}
	return 0;
}

/* The frames that run code, without the interpreter's own marks between them. */
struct python_frames {
	uint32_t n;
	const struct raw_python_frame *frames[RAW_PYTHON];
	bool enters[RAW_PYTHON];
};

static uint64_t monotonic_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void frames_take(const struct python_offsets *o, const struct raw_stack *raw,
			struct python_frames *out)
{
	out->n = 0;
	for (uint32_t i = 0; i < raw->n_python && i < RAW_PYTHON; i++) {
		const struct raw_python_frame *f = &raw->python[i];
		if (o->minor >= 11 && f->code >> RAW_PYTHON_OWNER_SHIFT >= o->owner_hidden) {
			if (out->n)
				out->enters[out->n - 1] = true;
			continue;
		}
		out->frames[out->n] = f;
		/* Up to 3.10 each frame has an evaluator, in 3.11 a mark says so, later there is a frame of its own. */
		out->enters[out->n++] =
			o->minor <= 10 || (o->minor == 11 && f->code >> RAW_PYTHON_ENTRY_SHIFT & 1);
	}
}

/* Beyond the outermost evaluator is what started the interpreter, which says nothing. */
static uint32_t without_start(const struct unwound *unwound, const enum native_part *parts)
{
	uint32_t n = unwound->n;
	while (n && parts[n - 1] != NATIVE_EVALUATOR)
		n--;
	return n ? n : unwound->n;
}

void worker_python_join(struct worker_python *p, const struct raw_stack *raw, const struct unwound *unwound,
			worker_part_of *part_of, bool (*put)(void *context, const struct joined_frame *frame),
			void *context)
{
	enum native_part parts[FACT_MAX_FRAMES];
	struct merge_item items[FACT_MAX_FRAMES];
	struct python_frames python;

	python_codes_begin(&p->codes, raw->taken_ns, monotonic_ns());
	frames_take(&p->space.offsets, raw, &python);
	for (uint32_t i = 0; i < unwound->n; i++)
		parts[i] = part_of(context, &unwound->frames[i], unwound->frames[i].module == p->module);
	size_t n = python_merge(parts, without_start(unwound, parts),
				unwound->state == STACK_COMPLETE && !raw->python_cut, python.enters, python.n,
				items, FACT_MAX_FRAMES);
	for (size_t i = 0; i < n; i++) {
		struct joined_frame f = {0};
		if (!items[i].is_python)
			f.native = &unwound->frames[items[i].index];
		else if (!python_code_find(&p->codes, &p->space, python.frames[items[i].index], &f.code,
					   &f.line))
			f.code.id = PYTHON_NO_CODE;
		if (!put(context, &f))
			return;
	}
}
