/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/unwind.h"

#include <string.h>

/* No frame of a real program is larger; beyond, a frame pointer is just a number. */
#define MAX_FRAME_BYTES (8u << 20)

struct walk {
	const struct unwind_input *in;
	struct unwound *out;
	struct arch_regs regs;
	struct unwind_module module; /* of the frame in hand; elf NULL if it has none */
	uint64_t bias;
	enum frame_method method;
	bool exact;
};

/* --- memory: the snapshot, else the constant parts of the module's file */

bool raw_stack_read(const struct raw_stack *raw, uint64_t address, void *to, size_t bytes)
{
	uint64_t offset = address - raw->base;
	uint64_t size = (uint64_t)raw->n_pages * RAW_PAGE;

	if (address < raw->base || offset >= size || bytes > size - offset)
		return false;
	for (uint64_t page = offset / RAW_PAGE; page <= (offset + bytes - 1) / RAW_PAGE; page++)
		if (page >= 64 || !(raw->pages_present >> page & 1))
			return false;
	memcpy(to, (const char *)raw->pages + offset, bytes);
	return true;
}

static bool read_memory(void *context, uint64_t address, void *to, size_t bytes)
{
	const struct walk *w = context;
	if (raw_stack_read(w->in->raw, address, to, bytes))
		return true;
	return w->module.elf && elf_file_read_constant(w->module.elf, address - w->bias, to, bytes);
}

static const struct unwind_map *map_at(const struct unwind_input *in, uint64_t pc)
{
	size_t low = 0, high = in->n_maps;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (pc < in->maps[mid].start)
			high = mid;
		else if (pc >= in->maps[mid].end)
			low = mid + 1;
		else
			return &in->maps[mid];
	}
	return NULL;
}

/* --- one frame */

/* False: a module has to come first. */
static bool locate(struct walk *w, struct unwind_frame *frame, const struct unwind_map *map)
{
	w->module = (struct unwind_module){0};
	frame->address = frame->pc;
	frame->outside = !map;
	if (!map || !map->module)
		return true;
	frame->module = map->module;
	enum unwind_module_state state = w->in->module(w->in->context, map->module, &w->module);
	if (state == UNWIND_MODULE_WANTED) {
		w->out->wanted_module = map->module;
		return false;
	}
	uint64_t file_offset = frame->pc - map->start + map->offset;
	if (state == UNWIND_MODULE_USELESS ||
	    !elf_file_address(w->module.elf, file_offset, &frame->address)) {
		w->module = (struct unwind_module){0};
		frame->address = file_offset;
	}
	w->bias = frame->pc - frame->address;
	return true;
}

/*
 * The record to use. A caller's pc lies behind its call and may already belong to the next function, hence pc
 * - 1; but the trampoline a signal handler returns to was never called, and not every C library lets its
 * record begin one byte early.
 */
static bool find_record(const struct walk *w, const struct unwind_frame *frame, struct cfi_record *record,
			uint64_t *address)
{
	if (!w->module.cfi)
		return false;
	*address = frame->address - !frame->exact;
	if (cfi_find(w->module.cfi, *address, record))
		return true;
	*address = frame->address;
	return !frame->exact && cfi_find(w->module.cfi, *address, record) && record->signal_frame;
}

static bool is_code(const struct walk *w, uint64_t pc)
{
	return map_at(w->in, pc) != NULL;
}

/* True also where its code cannot be seen: compiled at run time, or in a file that is not here yet. */
static bool is_behind_call(const struct walk *w, uint64_t pc)
{
	const struct unwind_map *map = map_at(w->in, pc);
	struct unwind_module m;
	uint64_t address;

	if (!map || !map->module || w->in->module(w->in->context, map->module, &m) != UNWIND_MODULE_READY ||
	    !elf_file_address(m.elf, pc - map->start + map->offset, &address) || address < ARCH_CALL_BYTES)
		return true;
	struct elf_range before = elf_file_at(m.elf, address - ARCH_CALL_BYTES);
	return before.bytes < ARCH_CALL_BYTES ||
	       arch_is_behind_call(w->in->arch, before.data, ARCH_CALL_BYTES);
}

static bool load(struct walk *w, uint64_t address, uint64_t *value)
{
	return read_memory(w, address, value, sizeof *value);
}

/* What a frame pointer leads to; the registers it does not save are unknown from there on. */
static void take_caller(struct walk *w, uint64_t pc, uint64_t sp, uint64_t fp)
{
	const struct arch *a = w->in->arch;
	w->regs = (struct arch_regs){.pc = pc & a->pc_mask, .valid = 1ull << a->sp | 1ull << a->fp};
	w->regs.r[a->sp] = sp;
	w->regs.r[a->fp] = fp;
}

static bool is_above_snapshot(const struct walk *w, uint64_t address)
{
	return address >= w->in->raw->base + (uint64_t)w->in->raw->n_pages * RAW_PAGE;
}

/* x86-64 and arm64 lay a frame out alike: the caller's frame pointer, above it the return address. */
static enum cfi_result step_by_frame_pointer(struct walk *w)
{
	const struct arch *a = w->in->arch;
	uint64_t fp = w->regs.r[a->fp], sp = w->regs.r[a->sp], caller_fp, ra;

	if (!(w->regs.valid >> a->fp & 1) || fp < sp || fp % 8 || fp - sp > MAX_FRAME_BYTES)
		return CFI_INVALID;
	if (!load(w, fp, &caller_fp) || !load(w, fp + 8, &ra))
		return is_above_snapshot(w, fp + 8) ? CFI_MISSING : CFI_INVALID;
	if (!ra)
		return CFI_END;
	if (!is_code(w, ra & a->pc_mask))
		return CFI_INVALID;
	take_caller(w, ra, fp + 16, caller_fp);
	w->method = FRAME_FP;
	return CFI_CALLER;
}

/*
 * Only for the innermost frame: a leaf that has not set up a frame, or a call through a bad pointer. Its
 * return address is in the link register or on top of the stack. It is taken if it is code behind a call, and
 * marked as the guess it is unless the function's code says so.
 */
static enum cfi_result step_out_of_leaf(struct walk *w, enum frame_method method)
{
	const struct arch *a = w->in->arch;
	uint64_t sp = w->regs.r[a->sp], ra, fp = w->regs.r[a->fp];
	uint64_t valid = w->regs.valid;

	if (a->link < ARCH_REGS)
		ra = w->regs.r[a->link];
	else if (sp % 8 || !load(w, sp, &ra))
		return CFI_INVALID;
	else
		sp += 8;
	if (!is_code(w, ra & a->pc_mask) || !is_behind_call(w, ra & a->pc_mask))
		return CFI_INVALID;
	take_caller(w, ra, sp, fp);
	w->regs.valid &= valid;
	w->method = method;
	return CFI_CALLER;
}

static bool is_frameless(const struct walk *w, const struct unwind_frame *frame)
{
	const struct arch *a = w->in->arch;
	struct leaf leaf = {LEAF_UNKNOWN, 0};
	uint64_t marker;

	if (w->in->leaf)
		leaf = w->in->leaf(w->in->context, frame);
	if (leaf.frame != LEAF_MARKED)
		return leaf.frame == LEAF_FRAMELESS;
	return (w->regs.valid >> a->fp & 1) &&
	       raw_stack_read(w->in->raw, w->regs.r[a->fp] - 8, &marker, sizeof marker) &&
	       marker != leaf.marker;
}

static enum cfi_result step_by_record(struct walk *w, const struct cfi_record *record, uint64_t address)
{
	const struct cfi_target target = {.read = read_memory, .context = w, .load_bias = w->bias};
	uint64_t missing = 0;
	enum cfi_result result = cfi_step(record, w->in->arch, address, &w->regs, &target, &missing);

	w->method = FRAME_CFI;
	if (result == CFI_CALLER && !w->regs.pc)
		return CFI_END; /* threads and fibers often start with a zero */
	return result;
}

/* From the frame in hand to its caller in w->regs. */
static enum cfi_result step(struct walk *w, struct unwind_frame *frame)
{
	const struct arch *a = w->in->arch;
	uint64_t sp = w->regs.r[a->sp], address;
	bool first = w->out->n == 1, signal_frame = false;
	struct cfi_record record;
	enum cfi_result result;

	if (find_record(w, frame, &record, &address)) {
		frame->record_start = record.start;
		signal_frame = record.signal_frame;
		result = step_by_record(w, &record, address);
	} else {
		result = CFI_INVALID;
		if (!w->out->v8_root && w->regs.valid >> a->v8_root & 1)
			w->out->v8_root = w->regs.r[a->v8_root];
		if (first && is_frameless(w, frame))
			result = step_out_of_leaf(w, FRAME_FP);
		if (result == CFI_INVALID) {
			uint64_t fp = w->regs.r[a->fp];
			result = step_by_frame_pointer(w);
			frame->fp = result == CFI_INVALID ? 0 : fp;
		}
		if (result == CFI_INVALID && first)
			result = step_out_of_leaf(w, FRAME_GUESS);
	}
	w->exact = signal_frame;
	/* An outer frame lies higher, but for a leaf of arm64 and for a signal that came on another stack. */
	if (result == CFI_CALLER && !signal_frame &&
	    (w->regs.r[a->sp] < sp || (w->regs.r[a->sp] == sp && !first)))
		return CFI_INVALID;
	return result;
}

static const enum stack_state state_of[] = {
	[CFI_CALLER] = STACK_TRUNCATED, /* more frames than we keep */
	[CFI_END] = STACK_COMPLETE,
	[CFI_MISSING] = STACK_TRUNCATED,
	[CFI_INVALID] = STACK_BROKEN,
};

static void start(struct walk *w)
{
	const struct raw_stack *raw = w->in->raw;
	w->regs = (struct arch_regs){.pc = raw->pc & w->in->arch->pc_mask, .valid = raw->regs_valid};
	for (unsigned n = 0; n < ARCH_REGS && n < RAW_REGS; n++)
		w->regs.r[n] = raw->regs[n];
	w->method = FRAME_PC;
	w->exact = true;
}

void unwind(const struct unwind_input *in, struct unwound *out)
{
	struct walk w = {.in = in, .out = out};
	enum cfi_result result = CFI_CALLER;

	out->n = out->wanted_module = 0;
	out->v8_root = 0;
	out->wants_maps = false;
	start(&w);
	while (result == CFI_CALLER && out->n < FACT_MAX_FRAMES) {
		struct unwind_frame *frame = &out->frames[out->n++];
		*frame = (struct unwind_frame){.pc = w.regs.pc, .method = w.method, .exact = w.exact};
		const struct unwind_map *map = map_at(in, frame->pc - !frame->exact);
		out->wants_maps = !map && !in->maps_final;
		if (out->wants_maps || !locate(&w, frame, map))
			return;
		result = frame->outside && out->n > 1 ? CFI_INVALID : step(&w, frame);
	}
	out->state = state_of[result];
}
