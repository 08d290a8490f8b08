/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_v8.h"

#include "symbol/elf_symbol.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct worker_v8 *worker_v8_new(int memory, uint32_t *next_id)
{
	struct worker_v8 *v = calloc(1, sizeof *v);
	if (!v)
		return NULL;
	v->names.space.memory = memory;
	v->names.functions.next_id = next_id;
	return v;
}

void worker_v8_free(struct worker_v8 *v)
{
	if (!v)
		return;
	if (v->names.space.memory >= 0)
		close(v->names.space.memory);
	v8_names_clear(&v->names);
	free(v);
}

enum v8_find worker_v8_open(struct worker_v8 *v, uint32_t module, const struct elf_file *f, uint32_t *version)
{
	struct elf_symbol interpreter = {.name = "Builtins_InterpreterEntryTrampoline"};
	enum v8_find state = v8_find(&v->names.space, f, version);

	if (state != V8_FOUND)
		return state;
	elf_symbols_find(f, &interpreter, 1);
	elf_file_release(f);
	v->module = module;
	v->interpreter = interpreter.address;
	v->interpreter_bytes = interpreter.bytes;
	return state;
}

void worker_v8_begin(struct worker_v8 *v, const struct raw_stack *raw)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	v8_memo_begin(&v->names.memo, raw->taken_ns, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

/* Without symbols of its own code any of V8's frames may be: it has to look like one, and to lead to its bytecodes. */
static bool is_interpreter(const struct worker_v8 *v, const struct unwind_frame *f)
{
	return f->module == v->module &&
	       (!v->interpreter_bytes || f->address - !f->exact - v->interpreter < v->interpreter_bytes);
}

/*
 * Where a function is that calls another one lies in its frame. The one that runs has it in a register, as long as the code of the
 * bytecode leaves it there; that code is the frame below, if it has one.
 */
static void take_live_offset(const struct worker_v8 *v, const struct raw_stack *raw,
			     const struct unwound *unwound, uint32_t index, struct v8_frame *frame)
{
	const struct arch *a = arch_native();
	uint64_t offset = raw->regs[a->v8_offset];

	if (index > 1 || (index == 1 && unwound->frames[0].module != v->module))
		return;
	frame->offset_is_live = raw->regs[a->v8_bytecodes] == frame->bytecodes && offset <= UINT32_MAX;
	frame->offset_unknown = !frame->offset_is_live;
	frame->offset = offset;
}

uint32_t worker_v8_name(struct worker_v8 *v, const struct raw_stack *raw, const struct unwound *unwound,
			uint32_t index, struct v8_level levels[V8_LEVELS_MAX])
{
	const struct unwind_frame *f = &unwound->frames[index];
	struct v8_frame frame = {.pc = f->pc,
				 .exact = f->exact,
				 .interpreted = is_interpreter(v, f),
				 .root = unwound->v8_root};
	uint64_t sp = raw->regs[arch_native()->sp];

	if (!f->fp || (f->module && !frame.interpreted) ||
	    !raw_stack_read(raw, f->fp + V8_FRAME_CONTEXT, &frame.context, sizeof frame.context) ||
	    !raw_stack_read(raw, f->fp + V8_FRAME_FUNCTION, &frame.closure, sizeof frame.closure))
		return 0;
	frame.no_bytecodes =
		f->fp + V8_FRAME_OFFSET < sp ||
		!raw_stack_read(raw, f->fp + V8_FRAME_BYTECODES, &frame.bytecodes, sizeof frame.bytecodes) ||
		!raw_stack_read(raw, f->fp + V8_FRAME_OFFSET, &frame.offset, sizeof frame.offset);
	if (frame.interpreted)
		take_live_offset(v, raw, unwound, index, &frame);
	return v8_frame_name(&v->names, &frame, levels);
}
