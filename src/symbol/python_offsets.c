/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_offsets.h"

#include "base/array.h"
#include "base/cursor.h"

#include <string.h>

#define NONE PYTHON_NO_MEMBER

/* What versions share, to keep the rows to what tells them apart. */
#define OBJECT                                                                                               \
	.object_type = 8, .object_size = 16, .string_state = 32, .bytes_data = 32, .thread_interp = 16,      \
	.type_base = 256, .set_used = 24, .set_mask = 32, .set_table = 40
#define WIDE_STRINGS                                                                                         \
	.ascii_data = 48, .compact_data = 72, .kind_shift = 2, .compact_shift = 5, .ascii_shift = 6
#define SLIM_STRINGS                                                                                         \
	.ascii_data = 40, .compact_data = 56, .kind_shift = 2, .compact_shift = 5, .ascii_shift = 6
#define OLD_CODE                                                                                             \
	.code_file = 104, .code_name = 112, .code_qualname = NONE, .code_lines = 120, .code_first_line = 40, \
	.code_number = NONE, .code_instructions = 48
#define NEW_CODE .code_file = 112, .code_name = 120, .code_qualname = 128, .code_lines = 136
/* Frames were objects up to 3.10, each with an evaluator of its own. */
#define OLD_FRAME                                                                                            \
	.thread_next = 8, .thread_id = 176, .thread_native_id = NONE, .thread_frame = 24,                    \
	.cframe_frame = NONE, .frame_previous = 24, .frame_code = 32, .frame_locals = 56,                    \
	.frame_bytes = 112, .owner_hidden = 255
/* Where an object of a Python class has its attributes (symbol/python_offsets.h). */
#define ATTRIBUTES(dict, keys, inside, before, tag)                                                          \
	.attributes = (dict), .type_keys = (keys), .values_inside = (inside), .values_before = (before),     \
	.values_tag = (tag)
/* Tasks know who awaits them and are linked from 3.14 on; before, a Python object has them all. */
#define UNAWARE                                                                                              \
	.task_awaited = NONE, .task_is_task = NONE, .task_awaited_is_set = NONE, .task_node = NONE,          \
	.thread_tasks = NONE, .interp_tasks = NONE
#define AWARE                                                                                                \
	ATTRIBUTES(NONE, NONE, NONE, NONE, 0), .task_awaited = 96, .task_is_task = 108,                      \
					       .task_awaited_is_set = 109, .task_node = 152
#define NEW_FRAME                                                                                            \
	.thread_frame = 72, .cframe_frame = NONE, .frame_previous = 8, .frame_code = 0, .frame_instr = 56,   \
	.frame_locals = 40, .owner_hidden = 3

static const struct python_offsets table[] = {
	{OBJECT,
	 WIDE_STRINGS,
	 OLD_CODE,
	 OLD_FRAME,
	 UNAWARE,
	 ATTRIBUTES(16, NONE, NONE, NONE, 0),
	 .minor = 8,
	 .runtime_interpreters = 32,
	 .interp_next = 0,
	 .interp_threads = 8,
	 .runtime_gc = 544,
	 .interp_gc = NONE,
	 .runtime_gil = 1152,
	 .interp_gil = NONE,
	 .interp_modules = 56,
	 .frame_instr = 104,
	 .frame_owner = 96,
	 .frame_entry = 96,
	 .thread_task = NONE,
	 .task_state = 72,
	 .task_coro = 112,
	 .coro_frame = NONE},
	{OBJECT,
	 WIDE_STRINGS,
	 OLD_CODE,
	 OLD_FRAME,
	 UNAWARE,
	 ATTRIBUTES(16, NONE, NONE, NONE, 0),
	 .minor = 9,
	 .runtime_interpreters = 32,
	 .interp_next = 0,
	 .interp_threads = 8,
	 .runtime_gc = NONE,
	 .interp_gc = 816,
	 .runtime_gil = 352,
	 .interp_gil = NONE,
	 .interp_modules = 856,
	 .frame_instr = 104,
	 .frame_owner = 96,
	 .frame_entry = 96,
	 .thread_task = NONE,
	 .task_state = 80,
	 .task_coro = 152,
	 .coro_frame = NONE},
	{OBJECT,
	 WIDE_STRINGS,
	 OLD_CODE,
	 OLD_FRAME,
	 UNAWARE,
	 ATTRIBUTES(16, NONE, NONE, NONE, 0),
	 .minor = 10,
	 .runtime_interpreters = 32,
	 .interp_next = 0,
	 .interp_threads = 8,
	 .runtime_gc = NONE,
	 .interp_gc = 816,
	 .runtime_gil = 352,
	 .interp_gil = NONE,
	 .interp_modules = 856,
	 .frame_instr = 96,
	 .frame_owner = 88,
	 .frame_entry = 88,
	 .thread_task = NONE,
	 .task_state = 88,
	 .task_coro = 160,
	 .coro_frame = NONE},
	{OBJECT,
	 WIDE_STRINGS,
	 NEW_CODE,
	 UNAWARE,
	 ATTRIBUTES(NONE, 872, NONE, 32, 0),
	 .minor = 11,
	 .runtime_interpreters = 40,
	 .interp_next = 0,
	 .interp_threads = 16,
	 .runtime_gc = NONE,
	 .interp_gc = 848,
	 .runtime_gil = 360,
	 .interp_gil = NONE,
	 .interp_modules = 888,
	 .thread_next = 8,
	 .thread_id = 152,
	 .thread_native_id = 160,
	 .thread_frame = 56,
	 .cframe_frame = 8,
	 .frame_previous = 48,
	 .frame_code = 32,
	 .frame_instr = 56,
	 .frame_locals = 24,
	 .frame_owner = 69,
	 .frame_entry = 68,
	 .frame_bytes = 72,
	 .owner_hidden = 255,
	 .code_first_line = 72,
	 .code_number = NONE,
	 .code_instructions = 184,
	 .thread_task = NONE,
	 .task_state = 88,
	 .task_coro = 136,
	 .coro_frame = 80},
	{OBJECT,
	 SLIM_STRINGS,
	 NEW_CODE,
	 UNAWARE,
	 ATTRIBUTES(NONE, 880, NONE, 24, 1),
	 .frame_previous = 8,
	 .frame_code = 0,
	 .frame_instr = 56,
	 .frame_locals = 40,
	 .owner_hidden = 3,
	 .minor = 12,
	 .runtime_interpreters = 40,
	 .interp_next = 0,
	 .interp_threads = 72,
	 .runtime_gc = NONE,
	 .interp_gc = 312,
	 .runtime_gil = NONE,
	 .interp_gil = 384,
	 .interp_modules = 944,
	 .thread_next = 8,
	 .thread_id = 136,
	 .thread_native_id = 144,
	 .thread_frame = 56,
	 .cframe_frame = 0,
	 .frame_owner = 70,
	 .frame_entry = 70,
	 .frame_bytes = 72,
	 .code_first_line = 68,
	 .code_number = 92,
	 .code_instructions = 192,
	 .thread_task = NONE,
	 .task_state = 88,
	 .task_coro = 136,
	 .coro_frame = 72},
	{OBJECT,
	 SLIM_STRINGS,
	 NEW_CODE,
	 UNAWARE,
	 ATTRIBUTES(NONE, 880, 16, NONE, 0),
	 NEW_FRAME,
	 .minor = 13,
	 .runtime_interpreters = 632,
	 .interp_next = 7264,
	 .interp_threads = 7344,
	 .runtime_gc = NONE,
	 .interp_gc = 7600,
	 .runtime_gil = NONE,
	 .interp_gil = 16,
	 .interp_modules = 7656,
	 .thread_next = 8,
	 .thread_id = 152,
	 .thread_native_id = 160,
	 .frame_owner = 70,
	 .frame_entry = 70,
	 .frame_bytes = 72,
	 .code_first_line = 68,
	 .code_number = 92,
	 .code_instructions = 200,
	 .thread_task = NONE,
	 .task_state = 96,
	 .task_coro = 120,
	 .coro_frame = 72},
	{OBJECT,
	 SLIM_STRINGS,
	 NEW_CODE,
	 AWARE,
	 NEW_FRAME,
	 .minor = 14,
	 .runtime_interpreters = 808,
	 .interp_next = 7272,
	 .interp_threads = 7344,
	 .runtime_gc = NONE,
	 .interp_gc = 7600,
	 .runtime_gil = NONE,
	 .interp_gil = 16,
	 .interp_modules = 7688,
	 .thread_next = 8,
	 .thread_id = 152,
	 .thread_native_id = 160,
	 .frame_owner = 74,
	 .frame_entry = 74,
	 .frame_bytes = 80,
	 .code_first_line = 68,
	 .code_number = 92,
	 .code_instructions = 208,
	 .thread_task = 872,
	 .thread_tasks = 880,
	 .interp_tasks = 10880,
	 .task_state = 104,
	 .task_coro = 128,
	 .coro_frame = 72},
	{OBJECT,
	 SLIM_STRINGS,
	 NEW_CODE,
	 AWARE,
	 NEW_FRAME,
	 .minor = 15,
	 .runtime_interpreters = 936,
	 .interp_next = 7264,
	 .interp_threads = 7336,
	 .runtime_gc = NONE,
	 .interp_gc = 7512,
	 .runtime_gil = NONE,
	 .interp_gil = 16,
	 .interp_modules = 7592,
	 .thread_next = 8,
	 .thread_id = 176,
	 .thread_native_id = 184,
	 .frame_owner = 74,
	 .frame_entry = 74,
	 .frame_bytes = 80,
	 .code_first_line = 68,
	 .code_number = 92,
	 .code_instructions = 208,
	 .thread_task = 1032,
	 .thread_tasks = 1048,
	 .interp_tasks = 10856,
	 .task_state = 104,
	 .task_coro = 128,
	 .coro_frame = 72},
};

const struct python_offsets *python_offsets_of(unsigned minor)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].minor == minor)
			return &table[i];
	return NULL;
}

/* --- what the interpreter says of itself */

/*
 * The structure at the start of _PyRuntime (_Py_DebugOffsets) is a row of words, of which each version has
 * more than the one before: which word stands for what is data too.
 */
enum { WORD_COOKIE, WORD_VERSION, WORD_FREE_THREADED };
enum { COLUMN_313, COLUMN_314, COLUMN_315, COLUMNS };

static const char cookie[8] = "xdebugpy";

static const struct published {
	const char *name;
	size_t member;
	uint8_t words[COLUMNS]; /* 0: not looked at in that version */
	uint8_t plus[COLUMNS];	/* 0, or a second word to be added */
} published[] = {
#define AT(m) #m, offsetof(struct python_offsets, m)
	{AT(runtime_interpreters), {5, 5, 5}, {0}}, {AT(interp_next), {8, 8, 8}, {0}},
	{AT(interp_threads), {9, 9, 9}, {0}},	    {AT(interp_gc), {10, 11, 11}, {72, 82, 95}},
	{AT(interp_modules), {11, 12, 12}, {0}},    {AT(interp_gil), {14, 15, 15}, {0}},
	{AT(thread_next), {21, 24, 24}, {0}},	    {AT(thread_interp), {22, 25, 25}, {0}},
	{AT(thread_frame), {23, 26, 26}, {0}},	    {AT(thread_id), {24, 27, 30}, {0}},
	{AT(thread_native_id), {25, 28, 31}, {0}},  {AT(frame_previous), {29, 32, 40}, {0}},
	{AT(frame_code), {30, 33, 41}, {0}},	    {AT(frame_instr), {31, 34, 42}, {0}},
	{AT(frame_owner), {33, 36, 44}, {0}},	    {AT(code_file), {35, 40, 48}, {0}},
	{AT(code_name), {36, 41, 49}, {0}},	    {AT(code_qualname), {37, 42, 50}, {0}},
	{AT(code_lines), {38, 43, 51}, {0}},	    {AT(code_first_line), {39, 44, 52}, {0}},
	{AT(code_instructions), {43, 48, 56}, {0}}, {AT(object_type), {45, 51, 59}, {0}},
	{AT(bytes_data), {66, 76, 88}, {0}},	    {AT(object_size), {65, 75, 87}, {0}},
	{AT(string_state), {68, 78, 90}, {0}},	    {AT(ascii_data), {70, 80, 92}, {0}},
	{AT(set_used), {0, 63, 75}, {0}},	    {AT(set_mask), {0, 65, 77}, {0}},
	{AT(set_table), {0, 64, 76}, {0}},	    {AT(frame_copy), {0, 38, 46}, {0}},
	{AT(code_copies), {0, 49, 57}, {0}},
#undef AT
};

/* Members of heap objects that are not published move with the header, which is longer without a GIL. */
static const size_t of_objects[] = {
	offsetof(struct python_offsets, compact_data), offsetof(struct python_offsets, task_coro),
	offsetof(struct python_offsets, coro_frame),   offsetof(struct python_offsets, task_awaited),
	offsetof(struct python_offsets, task_is_task), offsetof(struct python_offsets, task_awaited_is_set),
	offsetof(struct python_offsets, code_number),
};

static uint16_t *member_at(struct python_offsets *o, size_t member)
{
	return (uint16_t *)((char *)o + member);
}

static uint64_t published_offset(const struct published *p, const uint64_t *words, unsigned column)
{
	return words[p->words[column]] + (p->plus[column] ? words[p->plus[column]] : 0);
}

/* Behind its status and where it came from; in 3.14 there are others between them. */
#define WORD_THREAD_STATUS_313 27
#define STATUS_TO_STATE_313    8

static void take_free_threaded(struct python_offsets *o, const uint64_t *words, unsigned column)
{
	const uint16_t header = o->object_size;

	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		const struct published *p = &published[i];
		uint64_t offset = published_offset(p, words, column);
		if (!p->words[column])
			continue;
		*member_at(o, p->member) = offset < PYTHON_NO_MEMBER ? (uint16_t)offset : PYTHON_NO_MEMBER;
	}
	for (size_t i = 0; i < ARRAY_LEN(of_objects); i++)
		if (*member_at(o, of_objects[i]) != NONE)
			*member_at(o, of_objects[i]) += o->object_size - header;
	o->frame_entry = o->frame_owner;
	if (column == COLUMN_313)
		o->thread_state = (uint16_t)(words[WORD_THREAD_STATUS_313] + STATUS_TO_STATE_313);
	if (o->minor >= 14) { /* the lock bits of a str come first */
		o->kind_shift = 8;
		o->compact_shift = 11;
		o->ascii_shift = 12;
	}
	o->free_threaded = true;
	o->type_keys = o->thread_tasks = NONE; /* laid out in a way that was not measured */
}

enum python_check python_offsets_check(struct python_offsets *o, const void *runtime, size_t bytes,
				       const char **differs)
{
	uint64_t words[PYTHON_DEBUG_BYTES / sizeof(uint64_t)] = {0};
	unsigned column = o->minor - PYTHON_DEBUG_MINOR;

	*differs = "";
	memcpy(words, runtime, bytes < sizeof words ? bytes : sizeof words);
	if (memcmp(words, cookie, sizeof cookie))
		return PYTHON_NO_COOKIE;
	if (words[WORD_VERSION] >> 24 != 3 || (words[WORD_VERSION] >> 16 & 0xff) != o->minor ||
	    column >= COLUMNS)
		return PYTHON_OTHER_VERSION;
	if (words[WORD_FREE_THREADED]) {
		take_free_threaded(o, words, column);
		return PYTHON_CHECKED;
	}
	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		const struct published *p = &published[i];
		*differs = p->name;
		if (p->words[column] && published_offset(p, words, column) != *member_at(o, p->member))
			return PYTHON_DIFFERS;
	}
	*differs = "";
	return PYTHON_CHECKED;
}

/* The section .AsyncioDebug (Py_AsyncioModuleDebugOffsets): a row of words too, the same in 3.14 and 3.15. */
enum {
	TASK_NAME = 1,
	TASK_AWAITED_BY,
	TASK_IS_TASK,
	TASK_AWAITED_BY_IS_SET,
	TASK_CORO,
	TASK_NODE,
	INTERP_TASKS = 8,
	THREAD_TASK = 11,
	THREAD_TASKS,
	ASYNCIO_WORDS
};

/* The kernel's walk reads them together (bpf/python_space.h). */
#define FLAGS_MAX 8
#define TO_CORO	  32

static bool is_flag_of(uint16_t flag, uint16_t word)
{
	return flag >= word + sizeof(uint64_t) && flag < word + sizeof(uint64_t) + FLAGS_MAX;
}

static bool knows_awaiters(const struct python_offsets *o, const uint64_t words[ASYNCIO_WORDS])
{
	return words[TASK_AWAITED_BY] == o->task_awaited && words[TASK_IS_TASK] == o->task_is_task &&
	       words[TASK_AWAITED_BY_IS_SET] == o->task_awaited_is_set && words[TASK_CORO] == o->task_coro &&
	       o->task_coro - o->task_awaited == TO_CORO &&
	       words[TASK_NAME] == o->task_coro + sizeof(uint64_t) && words[THREAD_TASK] == o->thread_task &&
	       is_flag_of(o->task_is_task, o->task_awaited) &&
	       is_flag_of(o->task_awaited_is_set, o->task_awaited) &&
	       o->set_mask == o->set_used + sizeof(uint64_t) &&
	       o->set_table == o->set_mask + sizeof(uint64_t);
}

/* Where a thread keeps its running task is all that cannot be told from other builds; it has no row here. */
static void take_thread_task(struct python_offsets *o, const uint64_t words[ASYNCIO_WORDS])
{
	if (o->free_threaded && o->thread_task != NONE)
		o->thread_task = words[THREAD_TASK] < NONE ? (uint16_t)words[THREAD_TASK] : NONE;
}

/* The state is not published; it lies between two members that are. */
static bool knows_tasks(const struct python_offsets *o, const uint64_t *words)
{
	return words[THREAD_TASKS] == o->thread_tasks && words[INTERP_TASKS] == o->interp_tasks &&
	       words[TASK_NODE] == o->task_node &&
	       words[TASK_AWAITED_BY] + sizeof(uint64_t) == o->task_state &&
	       words[TASK_IS_TASK] == o->task_state + sizeof(uint32_t);
}

void python_offsets_check_asyncio(struct python_offsets *o, const void *section, size_t bytes)
{
	uint64_t words[ASYNCIO_WORDS] = {[THREAD_TASK] = NONE};

	if (section && bytes >= sizeof words)
		memcpy(words, section, sizeof words);
	take_thread_task(o, words);
	if (!knows_awaiters(o, words))
		o->task_awaited = NONE;
	if (!knows_tasks(o, words))
		o->thread_tasks = NONE;
}
