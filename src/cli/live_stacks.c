/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of the live source: raw ones go to the resolver, named ones become numbered frames and stacks, and are attributed. */
#include "cli/live_parts.h"

#include "base/bytes.h"

#include <string.h>

_Static_assert(RAW_PAGE == LST_PAGE_BYTES && RAW_PAGES >= LST_MAX_PAGES && RAW_KERNEL >= LST_KSTACK &&
		       RAW_REGS == LST_REGS && RAW_PYTHON >= LST_PYTHON_FRAMES &&
		       RAW_PYTHON_CODE == LST_PYTHON_CODE_MASK &&
		       RAW_PYTHON_ENTRY_SHIFT == LST_PYTHON_ENTRY_SHIFT &&
		       RAW_PYTHON_OWNER_SHIFT == LST_PYTHON_OWNER_SHIFT,
	       "what the kernel takes fits what the resolver accepts");

/* The number of a frame; sends it when it is new. The offset inside a function, and the address of code without a name, are left out: they would make every sample another stack. */
static uint32_t frame_number(struct live_source *s, const struct fact_frame *frame)
{
	struct bytes key = {0};
	struct fact_frame kept = *frame;
	uint32_t known = intern_count(s->frames);

	if (kept.function[0] || kept.kind == FRAME_JS)
		kept.offset = 0;
	bytes_printf(&key, "%d %d %d %llx %u %u", kept.kind, kept.method, kept.application,
		     (unsigned long long)kept.offset, kept.line, kept.begins);
	bytes_putc(&key, 0);
	bytes_put(&key, kept.function, strlen(kept.function) + 1);
	bytes_put(&key, kept.object, strlen(kept.object) + 1);
	bytes_put(&key, kept.file, strlen(kept.file) + 1);
	uint32_t id = bytes_ok(&key) ? intern_id(s->frames, key.data, key.len) : INTERN_NONE;
	bytes_free(&key);
	if (id == INTERN_NONE)
		return 0;
	kept.id = id + 1;
	if (id >= known) {
		struct fact f = {.kind = FACT_FRAME, .frame = kept};
		live_emit(s, &f, kernel_now_ns());
	}
	return kept.id;
}

uint32_t stacks_number(struct live_source *s, const struct resolved_stack *stack)
{
	struct {
		uint32_t state, frames[FACT_MAX_FRAMES];
	} key = {.state = stack->state};
	uint32_t n = 0, known = intern_count(s->stacks);

	for (uint32_t i = 0; i < stack->n && n < FACT_MAX_FRAMES; i++) {
		key.frames[n] = frame_number(s, &stack->frames[i]);
		n += key.frames[n] != 0;
	}
	if (!n)
		return 0;
	uint32_t id = intern_id(s->stacks, &key, sizeof key.state + n * sizeof key.frames[0]);
	if (id == INTERN_NONE)
		return 0;
	if (id >= known) {
		struct fact f = {.kind = FACT_STACK, .stack = {id + 1, stack->state, n, key.frames}};
		live_emit(s, &f, kernel_now_ns());
	}
	return id + 1;
}

static void stack_named(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct live_source *s = context;
	attribution_resolved(s->attribution, cookie, stacks_number(s, stack), kernel_now_ns());
}

static void raw_fill(struct raw_stack *raw, const struct lst_stack_record *r, const void *pages)
{
	*raw = (struct raw_stack){
		.pid = r->head.tgid,
		.taken_ns = own_clock_ns(r->head.time_ns),
		.pc = r->regs.pc,
		.regs_valid = r->regs.valid,
		.base = r->base,
		.n_pages = r->n_pages,
		.pages_present = r->pages_present,
		.pages = pages,
		.n_kernel = r->kernel_frames,
	};
	memcpy(raw->regs, r->regs.r, sizeof raw->regs);
	memcpy(raw->kernel, r->kstack, sizeof r->kstack);
}

static void raw_python_fill(struct raw_stack *raw, const struct lst_python_stack *python)
{
	raw->n_python = python->n;
	raw->python_cut = python->state == LST_PYTHON_TRUNCATED;
	for (uint32_t i = 0; i < python->n; i++)
		raw->python[i] = (struct raw_python_frame){python->frames[i].code, python->frames[i].instr,
							   python->frames[i].mark};
}

void stacks_raw(struct raw_stack *raw, const struct lst_stack_record *r, const void *pages,
		const struct lst_python_stack *python)
{
	raw_fill(raw, r, pages);
	if (python)
		raw_python_fill(raw, python);
}

static enum attribution_why stack_why(const struct lst_stack_record *r)
{
	if (r->why == LST_STACK_WAKER)
		return ATTRIBUTION_WAKER;
	return r->why == LST_STACK_SAMPLE || r->block == ~0u ? ATTRIBUTION_SAMPLE : ATTRIBUTION_BLOCK;
}

/* The outermost open gap of a thread that was only looked at. */
static bool gap_of_thread(struct live_source *s, uint32_t tid, uint32_t *slot, uint64_t *gap_seq)
{
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (!s->loops[i].id || loops[i].owner != tid || !loops[i].gap_start_ns)
			continue;
		*slot = i;
		*gap_seq = loops[i].gap_seq;
		return true;
	}
	return false;
}

void stacks_taken(void *context, const struct lst_stack_record *r, const void *pages,
		  const struct lst_python_stack *python)
{
	struct live_source *s = context;
	uint32_t slot = r->slot;
	uint64_t gap_seq = r->gap_seq;
	struct raw_stack raw;

	if (r->why == LST_STACK_STUCK && workers_stack_taken(s, r, pages, python))
		return;
	if (r->why == LST_STACK_STUCK)
		look_stack_taken(s, r);
	if (slot == ~0u && !gap_of_thread(s, r->head.tid, &slot, &gap_seq))
		return;
	struct followed *l = loops_at(s, slot);
	if (!l)
		return;
	struct attribution_stack expected = {
		.why = stack_why(r),
		.cookie = ++s->cookie,
		.tid = r->why == LST_STACK_WAKER ? r->for_tid : r->head.tid,
		.loop = l->id,
		.gap_seq = gap_seq,
		.seq = r->seq,
		.waker_tid = r->head.tid,
		.block = r->block,
		.weight_ns = r->weight_ns,
		.task = python ? python_task(s, python) : (struct fact_task){.name = ""},
		.collecting = python && python->collecting,
		.paused = python && python->collecting && python->gil == LST_GIL_STOPPED,
		.gil_held = python && python->gil == LST_GIL_HELD,
		.gil_released = python && python->gil == LST_GIL_RELEASED,
	};
	if (attribution_sample(s->attribution, &expected))
		return;
	stacks_raw(&raw, r, pages, python);
	if (python) {
		s->end.walks++;
		s->end.walked_frames += python->n;
		s->end.walks_ns += python->walk_ns;
	}
	if (resolver_submit(s->resolver, &raw, expected.cookie, stack_named, s))
		attribution_resolved(s->attribution, expected.cookie, 0, kernel_now_ns());
}
