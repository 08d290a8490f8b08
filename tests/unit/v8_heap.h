/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that plays the memory of a process with V8, laid out as a row of the table says: two functions of one script, `poll` in line 2
 * and `spin` in line 5, with bytecodes, baseline code and optimised code of `poll` into which `spin` was compiled.
 */
#ifndef TESTS_UNIT_V8_HEAP_H
#define TESTS_UNIT_V8_HEAP_H

#include "symbol/v8_frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP_START	0x10000u
#define HEAP_BYTES	0x60000u
#define HEAP_ROOT	0x70000u /* the isolate's data, and in it the list of scripts */
#define HEAP_END	0x98000u
#define HEAP_CODE_BYTES 256u

#define HEAP_SOURCE  "'use strict';\nfunction poll() {\n\tspin();\n}\nfunction spin() {\n\tfor (;;);\n}\n"
#define HEAP_POLL    23 /* where it begins, its call of spin, where that begins, and its loop */
#define HEAP_CALL    33
#define HEAP_SPIN    57
#define HEAP_LOOPING 63

struct v8_heap {
	struct v8_names names;
	uint32_t next_id;
	uint64_t next; /* free from here on */
	uint64_t script, poll, spin, bytecodes, closure, other_closure, baseline, deopt, list;
	uint64_t baseline_start, optimised_start; /* instructions */
};

static inline void heap_put(struct v8_heap *h, uint64_t at, const void *data, size_t bytes)
{
	if (pwrite(h->names.space.memory, data, bytes, (off_t)at) != (ssize_t)bytes)
		abort();
}

static inline void heap_word(struct v8_heap *h, uint64_t object, unsigned offset, uint64_t word)
{
	heap_put(h, object - 1 + offset, &word, sizeof word);
}

static inline uint64_t heap_smi(uint64_t number)
{
	return number << V8_SMI_SHIFT;
}

/* An object of this type with a map of its own, room for 512 bytes. */
static inline uint64_t heap_object_at(struct v8_heap *h, uint64_t at, uint16_t type)
{
	uint64_t map = h->next + 1, object = at + 1;

	h->next += 64;
	heap_put(h, map - 1 + V8_MAP_TYPE, &type, sizeof type);
	heap_word(h, object, 0, map);
	return object;
}

static inline uint64_t heap_object(struct v8_heap *h, uint16_t type)
{
	uint64_t at = h->next;

	h->next += 512;
	return heap_object_at(h, at, type);
}

static inline uint64_t heap_string(struct v8_heap *h, const char *text)
{
	uint64_t string = heap_object(h, V8_STRING_ONE_BYTE);
	uint32_t length = (uint32_t)strlen(text);

	heap_put(h, string - 1 + V8_STRING_LENGTH, &length, sizeof length);
	heap_put(h, string - 1 + V8_STRING_CHARS, text, length);
	return string;
}

static inline uint64_t heap_bytes(struct v8_heap *h, uint16_t type, const void *data, size_t bytes)
{
	uint64_t array = heap_object(h, type);

	heap_word(h, array, V8_ARRAY_LENGTH, heap_smi(bytes));
	heap_put(h, array - 1 + V8_ARRAY_DATA, data, bytes);
	return array;
}

static inline uint64_t heap_array(struct v8_heap *h, uint16_t type, const uint64_t *words, size_t n)
{
	uint64_t array = heap_bytes(h, type, words, n * sizeof *words);
	heap_word(h, array, V8_ARRAY_LENGTH, heap_smi(n));
	return array;
}

static inline uint64_t heap_position(uint32_t offset, int inlining)
{
	return (uint64_t)(inlining + 1) << 31 | (uint64_t)(offset + 1) << 1;
}

static inline size_t heap_number(uint8_t *to, int64_t value)
{
	uint64_t number = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
	size_t n = 0;

	for (; number > 127; number >>= 7)
		to[n++] = (uint8_t)(number | 128);
	to[n++] = (uint8_t)number;
	return n;
}

/* A table of one entry, at the start of the code. */
static inline uint64_t heap_positions(struct v8_heap *h, uint64_t raw)
{
	uint8_t table[16];
	size_t n = heap_number(table, 0);

	n += heap_number(table + n, (int64_t)raw);
	return heap_bytes(h, h->names.space.offsets.positions_type, table, n);
}

static inline uint64_t heap_scope(struct v8_heap *h, const char *name, uint32_t start)
{
	const struct v8_offsets *o = &h->names.space.offsets;
	uint64_t flags = o->function_scope | 3u << 12, scope = heap_object(h, o->scope_type);
	unsigned names = o->scope_begins_with_place ? 48 : 32, place = o->scope_begins_with_place ? 32 : 48;

	heap_word(h, scope, 8, o->scope_begins_with_place ? flags : heap_smi(flags));
	heap_word(h, scope, names, heap_string(h, name));
	heap_word(h, scope, place, heap_smi(start));
	return scope;
}

static inline uint64_t heap_function(struct v8_heap *h, const char *name, uint32_t start, uint64_t data)
{
	const struct v8_offsets *o = &h->names.space.offsets;
	uint64_t shared = heap_object(h, o->shared_type);

	heap_word(h, shared, o->shared_data, data);
	heap_word(h, shared, o->shared_name, heap_scope(h, name, start));
	heap_word(h, shared, o->shared_script, h->script);
	return shared;
}

static inline uint64_t heap_closure(struct v8_heap *h, uint64_t shared)
{
	uint64_t closure = heap_object(h, 2066);
	heap_word(h, closure, h->names.space.offsets.function_shared, shared);
	return closure;
}

/* Four bytecodes of one byte, which all belong to the call of spin. */
static inline uint64_t heap_bytecodes(struct v8_heap *h)
{
	static const uint8_t code[] = {7, 8, 9, 10};
	const struct v8_offsets *o = &h->names.space.offsets;
	uint64_t bytecodes = heap_object(h, o->bytecodes_type);

	heap_word(h, bytecodes, V8_ARRAY_LENGTH, heap_smi(sizeof code));
	heap_word(h, bytecodes, o->bytecodes_positions, heap_positions(h, heap_position(HEAP_CALL, -1)));
	heap_put(h, bytecodes - 1 + o->bytecodes_data, code, sizeof code);
	return bytecodes;
}

/* Code of this data and table; *start is where its instructions are. */
static inline uint64_t heap_code(struct v8_heap *h, uint64_t data, uint64_t table, uint64_t *start)
{
	const struct v8_offsets *o = &h->names.space.offsets;
	uint32_t bytes = HEAP_CODE_BYTES;
	uint64_t stream, code;

	*start = (h->next + 512 + 63) & ~63ull;
	h->next = *start + 512;
	stream = heap_object_at(h, *start - o->stream_start, o->stream_type);
	code = o->code_stream ? heap_object(h, o->code_type) : stream;
	if (o->code_stream) {
		heap_word(h, stream, o->stream_code, code);
		heap_word(h, code, o->code_stream, stream);
		heap_word(h, code, o->code_start, *start);
	}
	heap_word(h, code, o->code_data, data);
	heap_word(h, code, o->code_positions, table);
	heap_put(h, code - 1 + o->code_size, &bytes, sizeof bytes);
	return code;
}

/* Code of poll, all of it from the loop of spin, whose call was compiled into it. */
static inline void heap_optimise(struct v8_heap *h)
{
	const struct v8_offsets *o = &h->names.space.offsets;
	uint64_t words[9] = {0}, inlined[2] = {heap_position(HEAP_CALL, -1), 0}, literal = h->spin | 2;
	uint64_t shared = h->poll;

	if (o->wrapper_type) {
		shared = heap_object(h, o->wrapper_type);
		heap_word(h, shared, 8, h->poll);
	}
	words[o->deopt_shared] = shared;
	words[o->deopt_literals] = heap_array(h, o->literals_type, &literal, 1);
	words[o->deopt_inlined] = heap_bytes(h, o->inlined_type, inlined, sizeof inlined);
	h->deopt = heap_array(h, o->deopt_type, words, 9);
	heap_code(h, h->deopt, heap_positions(h, heap_position(HEAP_LOOPING, 0)), &h->optimised_start);
}

/* The list of all scripts, with one, whose functions are these two. */
static inline void heap_list(struct v8_heap *h)
{
	const struct v8_offsets *o = &h->names.space.offsets;
	uint64_t functions[3] = {3, h->poll | 2, h->spin | 2};

	heap_word(h, h->script, V8_SCRIPT_FUNCTIONS, heap_array(h, o->functions_type, functions, 3));
	h->list = heap_object(h, o->scripts_type);
	heap_word(h, h->list, 8, heap_smi(4));
	heap_word(h, h->list, 16, heap_smi(1));
	heap_word(h, h->list, 24, h->script | 2);
	heap_word(h, HEAP_ROOT + 1, 4096, h->list);
}

static inline void heap_fill(struct v8_heap *h, const struct v8_offsets *o)
{
	static const uint8_t lengths[] = {16, 60, 60, 60, 60};
	int memory = h->names.space.memory;

	*h = (struct v8_heap){.names.space = {.memory = memory, .offsets = *o, .n_bytecodes = 16},
			      .next_id = 1,
			      .next = HEAP_START};
	h->names.functions.next_id = &h->next_id;
	memset(h->names.space.bytecode_bytes, 1, sizeof h->names.space.bytecode_bytes);
	if (ftruncate(memory, 0) || ftruncate(memory, HEAP_END))
		abort();
	h->script = heap_object(h, o->script_type);
	heap_word(h, h->script, V8_SCRIPT_SOURCE, heap_string(h, HEAP_SOURCE));
	heap_word(h, h->script, V8_SCRIPT_NAME, heap_string(h, "/srv/app.js"));
	heap_word(h, h->script, V8_SCRIPT_ID, heap_smi(7));
	h->bytecodes = heap_bytecodes(h);
	h->poll = heap_function(h, "poll", HEAP_POLL, h->bytecodes);
	h->spin = heap_function(h, "spin", HEAP_SPIN, heap_bytecodes(h));
	h->closure = heap_closure(h, h->poll);
	h->other_closure = heap_closure(h, h->spin);
	h->baseline = heap_code(h, h->bytecodes, heap_bytes(h, o->positions_type, lengths, sizeof lengths),
				&h->baseline_start);
	heap_optimise(h);
	heap_list(h);
}

/* Frames of poll. */
static inline struct v8_frame heap_interpreted(const struct v8_heap *h)
{
	return (struct v8_frame){.pc = 1,
				 .interpreted = true,
				 .context = h->script,
				 .closure = h->closure,
				 .bytecodes = h->bytecodes,
				 .offset = heap_smi(h->names.space.offsets.bytecodes_data - 1u + 2)};
}

static inline struct v8_frame heap_compiled(const struct v8_heap *h, uint64_t start)
{
	return (struct v8_frame){
		.pc = start + 100, .context = h->script, .closure = h->closure, .bytecodes = h->bytecodes};
}

#endif
