/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreter memory from nowhere good: line tables as bytes, and code objects, strings and dicts in a file that plays memory. */
#include "symbol/python_code.h"
#include "symbol/python_lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_MAX 65536

static void decode_lines(const uint8_t *data, size_t size)
{
	for (unsigned minor = 8; minor <= 15; minor++)
		for (int64_t offset = -2; offset < 64; offset += 6)
			if (python_line(minor, data, size, 1, offset) > INT32_MAX)
				abort();
}

/* Types are small numbers, so that the fuzzer finds them. */
static void walk_memory(int memory, unsigned minor, uint32_t instr)
{
	uint32_t next_id = 1, line;
	struct python_space p = {
		.memory = memory, .code_type = 1, .string_type = 2, .bytes_type = 3, .dict_type = 4};
	struct python_codes codes = {.next_id = &next_id};
	struct python_code code;
	const struct raw_python_frame frame = {.code = 0, .instr = instr};

	p.offsets = *python_offsets_of(minor);
	for (int i = 0; i < 2; i++)
		if (python_code_find(&codes, &p, &frame, &code, &line) &&
		    strlen(code.function) > 4 * PYTHON_TEXT_BYTES)
			abort();
	python_dict_get(&p, 64, "x");
	python_module_get(&p, "_asyncio", "_current_tasks");
	python_codes_clear(&codes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int memory = -1;

	if (memory < 0)
		memory = memfd_create("memory", 0);
	if (size < 2 || size > MEMORY_MAX)
		return 0;
	decode_lines(data, size);
	if (ftruncate(memory, 0) || pwrite(memory, data + 2, size - 2, 0) < 0)
		return 0;
	walk_memory(memory, 8 + data[0] % 8, data[1]);
	return 0;
}
