/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_frame.h"

#include <string.h>

#define TABLE_MAX_BYTES	    (1u << 20)
#define BYTECODES_MAX_BYTES (1u << 20)
#define WRAPPED		    8  /* the function in a box */
#define INLINED_BYTES	    16 /* of an entry: where the call is, and which function it calls */

void v8_names_clear(struct v8_names *n)
{
	v8_codes_clear(&n->codes);
	v8_functions_clear(&n->functions);
	v8_index_clear(&n->index);
	v8_memo_clear(&n->memo);
	bytes_free(&n->table);
	bytes_free(&n->lengths);
}

/* --- lines */

/* False: there is no table, or nothing in it. */
static bool read_table(struct v8_names *n, uint64_t table, struct bytes *to)
{
	bytes_clear(to);
	return v8_read_bytes(&n->space, table, n->space.offsets.positions_type, TABLE_MAX_BYTES, to) &&
	       to->len;
}

static uint32_t line_at(struct v8_names *n, const struct v8_function *f, uint32_t position)
{
	uint32_t line = v8_function_line(&n->functions, &n->space, f, position);
	return line ? line : v8_function_line(&n->functions, &n->space, f, f->start);
}

/* --- interpreted and baseline frames */

/* *data: what the function has, which are the bytecodes or leads to them. */
static const struct v8_function *function_running(struct v8_names *n, uint64_t shared, uint64_t bytecodes,
						  uint64_t *data)
{
	const struct v8_function *f = v8_function_find(&n->functions, &n->space, shared, data);

	return f && (*data == bytecodes || v8_bytecodes_of(&n->space, *data) == bytecodes) ? f : NULL;
}

/* By the frame's closure; where that is gone, by the list of all functions. */
static const struct v8_function *function_of(struct v8_names *n, const struct v8_frame *frame, uint64_t *data)
{
	const struct v8_space *v = &n->space;
	const struct v8_function *f = NULL;
	uint64_t shared;

	if (v8_load(v, frame->closure, v->offsets.function_shared, &shared))
		f = function_running(n, shared, frame->bytecodes, data);
	if (f)
		return f;
	shared = v8_index_find(&n->index, v, frame->root, frame->bytecodes);
	return shared ? function_running(n, shared, frame->bytecodes, data) : NULL;
}

/* The interpreter counts from the tagged pointer to the bytecodes. */
static bool interpreter_offset(const struct v8_names *n, const struct v8_frame *frame, uint32_t *offset)
{
	uint64_t value = frame->offset_is_live ? frame->offset : frame->offset >> V8_SMI_SHIFT;
	uint32_t header = n->space.offsets.bytecodes_data - 1u;

	*offset = (uint32_t)value - header;
	return !frame->offset_unknown && value >= header && value - header < BYTECODES_MAX_BYTES;
}

static bool baseline_offset(struct v8_names *n, const struct v8_frame *frame, const struct v8_code *code,
			    uint32_t *offset)
{
	const struct v8_space *v = &n->space;
	uint32_t bytes;

	if (!v->n_bytecodes || !read_table(n, code->positions, &n->lengths) ||
	    !v8_load_smi(v, frame->bytecodes, V8_ARRAY_LENGTH, &bytes) || bytes > BYTECODES_MAX_BYTES)
		return false;
	bytes_clear(&n->table);
	bytes_fill(&n->table, 0, bytes);
	if (!bytes_ok(&n->table) ||
	    !v8_read(v, frame->bytecodes - 1 + v->offsets.bytecodes_data, n->table.data, bytes))
		return false;
	return v8_bytecode_at(v, n->lengths.data, n->lengths.len, n->table.data, bytes,
			      (uint32_t)(frame->pc - code->start) + frame->exact, offset);
}

/* code: NULL for the interpreter. */
static uint32_t name_unoptimised(struct v8_names *n, const struct v8_frame *frame, const struct v8_code *code,
				 struct v8_level *level, uint64_t *data)
{
	const struct v8_function *f = function_of(n, frame, data);
	struct v8_position position;
	uint64_t table;
	uint32_t offset;

	if (!f)
		return 0;
	*level = (struct v8_level){f, 0};
	if ((code ? baseline_offset(n, frame, code, &offset) : interpreter_offset(n, frame, &offset)) &&
	    v8_load(&n->space, frame->bytecodes, n->space.offsets.bytecodes_positions, &table) &&
	    read_table(n, table, &n->table) && v8_position_at(n->table.data, n->table.len, offset, &position))
		level->line = line_at(n, f, position.offset);
	else
		level->line = line_at(n, f, V8_NO_POSITION);
	return 1;
}

/* --- optimised frames */

struct optimised {
	uint64_t data; /* deoptimisation data */
	uint64_t shared;
	uint64_t literals, inlined;
};

static bool read_optimised(const struct v8_space *v, uint64_t data, struct optimised *to)
{
	const struct v8_offsets *o = &v->offsets;

	to->data = data;
	return v8_is_a(v, data, o->deopt_type) && v8_element(v, data, o->deopt_shared, &to->shared) &&
	       (!o->wrapper_type ||
		(v8_is_a(v, to->shared, o->wrapper_type) && v8_load(v, to->shared, WRAPPED, &to->shared))) &&
	       v8_element(v, data, o->deopt_literals, &to->literals) &&
	       v8_element(v, data, o->deopt_inlined, &to->inlined);
}

/* Does the closure in the frame lead to another function? One that has moved leads to none. */
static bool is_contradicted(const struct v8_space *v, const struct v8_frame *frame, uint64_t shared)
{
	uint64_t its_shared;

	return v8_load(v, frame->closure, v->offsets.function_shared, &its_shared) && its_shared != shared &&
	       v8_is_a(v, its_shared, v->offsets.shared_type);
}

/* Of a call that was compiled into the code: the function called, and where the call is. */
static bool read_inlined(struct v8_names *n, const struct optimised *o, int32_t index, uint64_t *shared,
			 uint64_t *position)
{
	const struct v8_space *v = &n->space;
	uint64_t entry[INLINED_BYTES / 8];
	uint32_t bytes;

	if (!v8_is_a(v, o->inlined, v->offsets.inlined_type) ||
	    !v8_load_smi(v, o->inlined, V8_ARRAY_LENGTH, &bytes) ||
	    (uint64_t)index * INLINED_BYTES + INLINED_BYTES > bytes ||
	    !v8_read(v, o->inlined - 1 + V8_ARRAY_DATA + (uint64_t)index * INLINED_BYTES, entry,
		     sizeof entry))
		return false;
	*position = entry[0];
	if ((int32_t)entry[1] < 0) {
		*shared = o->shared;
		return true;
	}
	if (!v8_is_a(v, o->literals, v->offsets.literals_type) ||
	    !v8_element(v, o->literals, (uint32_t)entry[1], shared))
		return false;
	*shared &= ~2ull; /* weak */
	return true;
}

static bool put_level(struct v8_names *n, uint64_t shared, uint32_t position, struct v8_level *levels,
		      uint32_t *k)
{
	uint64_t data;
	const struct v8_function *f = v8_function_find(&n->functions, &n->space, shared, &data);

	if (!f || *k >= V8_LEVELS_MAX)
		return false;
	levels[(*k)++] = (struct v8_level){f, line_at(n, f, position)};
	return true;
}

/* From the innermost function outwards, as the calls were compiled into each other. */
static bool put_inlined(struct v8_names *n, const struct optimised *o, struct v8_position *at,
			struct v8_level *levels, uint32_t *k)
{
	while (at->inlining >= 0) {
		uint64_t shared, raw;
		if (!read_inlined(n, o, at->inlining, &shared, &raw) ||
		    !put_level(n, shared, at->offset, levels, k) || !v8_position_decode(raw, at))
			return false;
	}
	return true;
}

static uint32_t name_optimised(struct v8_names *n, const struct v8_frame *frame, const struct v8_code *code,
			       struct v8_level *levels)
{
	struct v8_position at = {V8_NO_POSITION, -1};
	struct optimised o;
	uint32_t k = 0;

	if (!read_optimised(&n->space, code->data, &o) || is_contradicted(&n->space, frame, o.shared))
		return 0;
	/* A call returns behind itself. */
	if (read_table(n, code->positions, &n->table) &&
	    v8_position_at(n->table.data, n->table.len, (uint32_t)(frame->pc - code->start) - !frame->exact,
			   &at) &&
	    !put_inlined(n, &o, &at, levels, &k)) {
		k = 0;
		at.offset = V8_NO_POSITION;
	}
	return put_level(n, o.shared, at.offset, levels, &k) ? k : 0;
}

/* --- any frame */

/* As it is in memory. Notes for the memo what that depends on. */
static uint32_t name_anew(struct v8_names *n, const struct v8_frame *frame, struct v8_level *levels,
			  struct v8_named *named)
{
	const struct v8_space *v = &n->space;

	named->bytecodes = frame->bytecodes;
	if (frame->interpreted)
		return v8_is_a(v, frame->bytecodes, v->offsets.bytecodes_type)
			       ? name_unoptimised(n, frame, NULL, levels, &named->data)
			       : 0;
	if (!v8_code_find(&n->codes, v, named->place.pc, &named->code))
		return 0;
	named->bytecodes = v8_bytecodes_of(v, named->code.data);
	if (!named->bytecodes)
		return name_optimised(n, frame, &named->code, levels);
	return !frame->no_bytecodes && named->bytecodes == frame->bytecodes
		       ? name_unoptimised(n, frame, &named->code, levels, &named->data)
		       : 0;
}

static struct v8_place place_of(const struct v8_frame *frame)
{
	if (!frame->interpreted)
		return (struct v8_place){.pc = frame->pc - !frame->exact, .offset = frame->exact};
	return (struct v8_place){.bytecodes = frame->bytecodes,
				 .offset = frame->offset_unknown   ? UINT64_MAX
					   : frame->offset_is_live ? frame->offset << V8_SMI_SHIFT
								   : frame->offset};
}

static void keep(struct v8_memo *m, struct v8_named *named, const struct v8_level *levels, uint32_t k)
{
	named->n = k;
	for (uint32_t i = 0; i < k; i++) {
		named->levels[i].shared = levels[i].function->shared;
		named->levels[i].id = levels[i].function->id;
		named->levels[i].line = levels[i].line;
	}
	v8_memo_keep(m, named);
}

uint32_t v8_frame_name(struct v8_names *n, const struct v8_frame *frame,
		       struct v8_level levels[V8_LEVELS_MAX])
{
	struct v8_named named = {.place = place_of(frame)};
	uint32_t k;

	v8_functions_begin(&n->functions);
	if (!v8_is_object(frame->context) || !v8_is_object(frame->closure) ||
	    (frame->interpreted && frame->no_bytecodes))
		return 0;
	k = v8_memo_find(&n->memo, &n->space, &n->codes, &n->functions, &named.place,
			 frame->no_bytecodes ? 0 : frame->bytecodes, levels);
	if (k)
		return k;
	k = name_anew(n, frame, levels, &named);
	if (k)
		keep(&n->memo, &named, levels, k);
	return k;
}
