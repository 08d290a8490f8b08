/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_find.h"

#include "base/array.h"
#include "symbol/elf_symbol.h"

#include <string.h>

#define WITNESSES_MIN 20 /* of what is published and agrees; each of the four versions has 30 and more */

enum { MAJOR, MINOR, BYTECODE_SIZES, SYMBOLS };

static bool number_at(const struct elf_file *f, uint64_t address, uint32_t *number)
{
	struct elf_range r = address ? elf_file_at(f, address) : (struct elf_range){0};

	if (r.bytes < sizeof *number)
		return false;
	memcpy(number, r.data, sizeof *number);
	return true;
}

/* What is published has to agree, and there has to be enough of it. */
static bool is_as_published(const struct v8_offsets *o, const struct elf_file *f)
{
	struct v8_published published[V8_PUBLISHED_MAX];
	struct elf_symbol symbols[V8_PUBLISHED_MAX];
	size_t n = v8_offsets_published(o, published), agree = 0;

	for (size_t i = 0; i < n; i++)
		symbols[i] = (struct elf_symbol){.name = published[i].symbol};
	elf_symbols_find(f, symbols, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t number;
		if (!number_at(f, symbols[i].address, &number))
			continue;
		if ((uint16_t)number != published[i].value)
			return false;
		agree++;
	}
	return agree >= WITNESSES_MIN;
}

/* A table of three rows, one a scale. */
static void take_bytecode_sizes(struct v8_space *v, const struct elf_file *f, const struct elf_symbol *table)
{
	struct elf_range r = table->address ? elf_file_at(f, table->address) : (struct elf_range){0};
	uint64_t n = table->bytes / V8_SCALES;

	if (!r.data || table->bytes % V8_SCALES || n > V8_BYTECODES_MAX || table->bytes > r.bytes)
		return;
	for (uint32_t scale = 0; scale < V8_SCALES; scale++)
		memcpy(v->bytecode_bytes[scale], (const char *)r.data + scale * n, n);
	v->n_bytecodes = (uint32_t)n;
}

enum v8_find v8_find(struct v8_space *v, const struct elf_file *f, uint32_t *version)
{
	struct elf_symbol symbols[SYMBOLS] = {
		[MAJOR] = {.name = "_ZN2v88internal7Version6major_E"},
		[MINOR] = {.name = "_ZN2v88internal7Version6minor_E"},
		[BYTECODE_SIZES] = {.name = "_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE"},
	};
	uint32_t major, minor;
	enum v8_find state = V8_UNKNOWN;

	*version = 0;
	elf_symbols_find(f, symbols, ARRAY_LEN(symbols));
	if (!number_at(f, symbols[MAJOR].address, &major) || !number_at(f, symbols[MINOR].address, &minor))
		return V8_ABSENT;
	*version = major % 1000 * 100 + minor % 100;
	const struct v8_offsets *o = v8_offsets_of(major, minor);
	if (o) {
		v->offsets = *o;
		take_bytecode_sizes(v, f, &symbols[BYTECODE_SIZES]);
		state = is_as_published(o, f) ? V8_FOUND : V8_UNLIKE;
	}
	elf_file_release(f);
	return state;
}
