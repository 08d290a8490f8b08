/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interpreter memory from nowhere good. The bytes are line tables; then they fill a file that plays memory, in which objects
 * of the right types lie where others point to, so that all but their types is hostile: lengths, kinds, tables, contents.
 */
#include "must.h"

#include "symbol/python_code.h"
#include "symbol/python_lines.h"
#include "symbol/python_tasks.h"

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	CODE_TYPE = 1,
	STRING_TYPE = 2,
	BYTES_TYPE = 3,
	DICT_TYPE = 4,
	SET_TYPE = 5,
	TASK_TYPE = 6,
	MEMORY_BYTES = 8192,
	CODE = 0,
	NAME = 512,
	FILE_NAME = 2048,
	LINES = 4096,
	DICT = 5120,
	KEYS = 5376,
	KEY = 7168,
	RUNTIME = 7680,
	INTERP = 1024,
	WEAK_SET = 3072,
	SET = 3328,
	TABLE = 3400,
	REFERENCE = 3700,
	TASK = 3800,
	RING = 6144,
};

#define TEXT_MAX_BYTES (4 * PYTHON_TEXT_BYTES)

static uint8_t memory[MEMORY_BYTES];

static void poke(uint64_t at, uint64_t word)
{
	memcpy(memory + at, &word, sizeof word);
}

static void decode_lines(const uint8_t *data, size_t size)
{
	for (unsigned minor = 8; minor <= 15; minor++) {
		for (int64_t offset = -2; offset < 64; offset += 6)
			must(python_line(minor, data, size, 1, offset) <= INT_MAX);
		must(python_line(minor, data, size, 7, -1) == 7);
		must(python_line(minor, data, 0, 7, 2) == (minor < 10 ? 7u : 0u));
	}
}

/* A table that says one line for all of its code gives it, whatever follows. */
static void decode_whole(const uint8_t *data, size_t size)
{
	uint8_t table[64] = {0x80 | 11 << 3 | 7, 0, 0};
	memcpy(table + 3, data, size < 61 ? size : 61);
	for (int64_t offset = 0; offset < 16; offset += 2)
		must(python_line(12, table, sizeof table, 41, offset) == 42);
}

static void read_strings(const struct python_space *p)
{
	static const uint64_t places[] = {NAME, FILE_NAME, KEY};
	for (unsigned i = 0; i < 6; i++) {
		struct bytes text = {0};
		if (python_read_string(p, places[i / 2], i & 1, &text))
			must(bytes_ok(&text) && text.len <= TEXT_MAX_BYTES);
		else
			must(!text.len);
		bytes_free(&text);
	}
}

static void read_bytes(const struct python_space *p)
{
	struct bytes read = {0};
	if (python_read_bytes(p, LINES, 600, &read))
		must(read.len <= 600 &&
		     (!read.len || !memcmp(read.data, memory + LINES + p->offsets.bytes_data, read.len)));
	bytes_free(&read);
}

static void name_code(const struct python_space *p, const uint8_t *data)
{
	uint32_t next_id = 1, line, again;
	struct python_codes codes = {.next_id = &next_id};
	struct python_code code;
	const struct raw_python_frame frame = {.code = CODE, .instr = data[1] + (data[2] & 1u) * 100};

	if (python_code_find(&codes, p, &frame, &code, &line)) {
		uint32_t id = code.id;
		must(strlen(code.function) <= TEXT_MAX_BYTES && strlen(code.file) <= TEXT_MAX_BYTES);
		must(line <= INT_MAX || p->offsets.minor < 10);
		must(python_code_find(&codes, p, &frame, &code, &again));
		must(again == line && code.id == id && next_id == id + 1);
	}
	python_codes_clear(&codes);
}

/* Objects of the right types, and a code object that points to them. */
static void lay_out(const struct python_offsets *o)
{
	poke(CODE + o->object_type, CODE_TYPE);
	poke(NAME + o->object_type, STRING_TYPE);
	poke(FILE_NAME + o->object_type, STRING_TYPE);
	poke(KEY + o->object_type, STRING_TYPE);
	poke(LINES + o->object_type, BYTES_TYPE);
	poke(DICT + o->object_type, DICT_TYPE);
	poke(DICT + o->object_size + 16, KEYS);
	poke(CODE + o->code_file, FILE_NAME);
	poke(CODE + o->code_name, NAME);
	poke(CODE + o->code_lines, LINES);
	if (o->code_qualname != PYTHON_NO_MEMBER)
		poke(CODE + o->code_qualname, NAME);
	if (o->minor < 11)
		poke(CODE + o->code_instructions, LINES);
}

/* A set with a task in the first slot, the rest of which is hostile; an object that has the set; a ring of one task. */
static void lay_out_tasks(const struct python_offsets *o, uint8_t how)
{
	poke(SET + o->object_type, SET_TYPE);
	poke(SET + o->set_used, how & 7);
	poke(SET + o->set_mask, (1u << (how >> 3 & 7)) - 1);
	poke(SET + o->set_table, TABLE);
	poke(TABLE, REFERENCE);
	poke(REFERENCE + o->object_size, TASK);
	poke(TASK + o->object_type, TASK_TYPE);
	if (o->attributes != PYTHON_NO_MEMBER)
		poke(WEAK_SET + o->attributes, DICT);
	if (o->values_before != PYTHON_NO_MEMBER)
		poke(WEAK_SET - o->values_before, KEYS - o->values_tag);
	if (o->task_node == PYTHON_NO_MEMBER)
		return;
	poke(RING, TASK + o->task_node);
	poke(TASK + o->task_node, how & 64 ? RING : TASK + o->task_node);
	poke(TASK + o->task_node + 8, RING);
}

static void walk_memory(int fd, unsigned minor, const uint8_t *data, size_t size)
{
	struct python_space p = {.memory = fd,
				 .offsets = *python_offsets_of(minor),
				 .runtime = RUNTIME,
				 .code_type = CODE_TYPE,
				 .string_type = STRING_TYPE,
				 .bytes_type = BYTES_TYPE,
				 .dict_type = DICT_TYPE};

	for (size_t i = 0; i < sizeof memory; i++)
		memory[i] = data[i % size];
	if (!(data[0] & 128))
		lay_out(&p.offsets);
	must(pwrite(fd, memory, sizeof memory, 0) == sizeof memory);
	read_strings(&p);
	read_bytes(&p);
	name_code(&p, data);
	python_dict_get(&p, DICT, "x");
	python_module_get(&p, "_asyncio", "_current_tasks");
}

static void count_tasks(int fd, unsigned minor, const uint8_t *data, size_t size)
{
	struct python_space p = {.memory = fd,
				 .offsets = *python_offsets_of(minor),
				 .runtime = RUNTIME,
				 .string_type = STRING_TYPE,
				 .dict_type = DICT_TYPE,
				 .set_type = SET_TYPE};
	struct python_tasks tasks, found;
	struct python_task_count count;

	for (size_t i = 0; i < sizeof memory; i++)
		memory[i] = data[i % size];
	lay_out_tasks(&p.offsets, data[1]);
	poke(RUNTIME + p.offsets.runtime_interpreters % 256, INTERP);
	p.offsets.runtime_interpreters %= 256; /* so that they fit */
	p.offsets.interp_next %= 256;
	p.offsets.interp_threads %= 512;
	poke(INTERP + p.offsets.interp_next, 0);
	if (p.offsets.thread_tasks != PYTHON_NO_MEMBER) {
		p.offsets.interp_tasks = RING - INTERP;
		p.offsets.thread_tasks = 0;
		poke(INTERP + p.offsets.interp_threads, data[2] & 1 ? RING : 0);
	}
	must(pwrite(fd, memory, sizeof memory, 0) == sizeof memory);
	python_attribute_get(&p, WEAK_SET, "data");
	python_tasks_find(&p, &found);
	tasks = (struct python_tasks){SET, TASK_TYPE};
	if (!python_tasks_count(&p, &tasks, &count))
		return;
	must(count.n <= PYTHON_TASKS_SLOTS_MAX);
	must(minor >= 14 ? count.n <= PYTHON_TASKS_MAX : !count.at_least && count.n <= (data[1] & 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("memory", MFD_CLOEXEC);
	if (size < 3)
		return 0;
	decode_lines(data, size);
	decode_whole(data, size);
	walk_memory(fd, 8 + data[0] % 8, data, size);
	count_tasks(fd, 8 + data[0] % 8, data, size);
	return 0;
}
