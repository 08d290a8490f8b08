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

static const struct v8_function *function_running(struct v8_names *n, uint64_t shared, uint64_t bytecodes)
{
	uint64_t data;
	const struct v8_function *f = v8_function_find(&n->functions, &n->space, shared, &data);

	return f && (data == bytecodes || v8_bytecodes_of(&n->space, data) == bytecodes) ? f : NULL;
}

/* By the frame's closure; where that is gone, by the list of all functions. */
static const struct v8_function *function_of(struct v8_names *n, const struct v8_frame *frame)
{
	const struct v8_space *v = &n->space;
	const struct v8_function *f = NULL;
	uint64_t shared;

	if (v8_load(v, frame->closure, v->offsets.function_shared, &shared))
		f = function_running(n, shared, frame->bytecodes);
	if (f)
		return f;
	shared = v8_index_find(&n->index, v, frame->root, frame->bytecodes);
	return shared ? function_running(n, shared, frame->bytecodes) : NULL;
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
				 struct v8_level *level)
{
	const struct v8_function *f = function_of(n, frame);
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

uint32_t v8_frame_name(struct v8_names *n, const struct v8_frame *frame,
		       struct v8_level levels[V8_LEVELS_MAX])
{
	const struct v8_space *v = &n->space;
	struct v8_code code;
	uint64_t bytecodes;

	v8_functions_begin(&n->functions);
	if (!v8_is_object(frame->context) || !v8_is_object(frame->closure))
		return 0;
	if (frame->interpreted)
		return !frame->no_bytecodes && v8_is_a(v, frame->bytecodes, v->offsets.bytecodes_type)
			       ? name_unoptimised(n, frame, NULL, levels)
			       : 0;
	if (!v8_code_find(&n->codes, v, frame->pc - !frame->exact, &code))
		return 0;
	bytecodes = v8_bytecodes_of(v, code.data);
	if (!bytecodes)
		return name_optimised(n, frame, &code, levels);
	return !frame->no_bytecodes && bytecodes == frame->bytecodes
		       ? name_unoptimised(n, frame, &code, levels)
		       : 0;
}
