/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_find.h"

#include "base/array.h"
#include "symbol/elf_symbol.h"

#include <string.h>

enum { RUNTIME, VERSION, CODE_TYPE, STRING_TYPE, BYTES_TYPE, DICT_TYPE, INT_TYPE, SET_TYPE, SYMBOLS };

#define MAJOR 3

/* 3.11 and later say it in a constant: 0x030b02f0. */
static unsigned minor_of(const struct elf_file *f, uint64_t version_address, unsigned named_minor)
{
	uint32_t version;
	struct elf_range r = version_address ? elf_file_at(f, version_address) : (struct elf_range){0};

	if (r.bytes < sizeof version)
		return named_minor;
	memcpy(&version, r.data, sizeof version);
	return version >> 24 == MAJOR ? version >> 16 & 0xff : 0;
}

static enum python_find check_layout(struct python_space *p)
{
	unsigned char bytes[PYTHON_DEBUG_BYTES];
	const char *differs;

	if (!python_read(p, p->runtime, bytes, sizeof bytes))
		return PYTHON_UNREADABLE;
	if (p->offsets.minor < PYTHON_DEBUG_MINOR)
		return PYTHON_FOUND;
	return python_offsets_check(&p->offsets, bytes, sizeof bytes, &differs) == PYTHON_CHECKED
		       ? PYTHON_FOUND
		       : PYTHON_UNLIKE;
}

enum python_find python_find(struct python_space *p, const struct elf_file *f, uint64_t bias,
			     unsigned named_minor)
{
	struct elf_symbol symbols[SYMBOLS] = {
		[RUNTIME] = {.name = "_PyRuntime"},	 [VERSION] = {.name = "Py_Version"},
		[CODE_TYPE] = {.name = "PyCode_Type"},	 [STRING_TYPE] = {.name = "PyUnicode_Type"},
		[BYTES_TYPE] = {.name = "PyBytes_Type"}, [DICT_TYPE] = {.name = "PyDict_Type"},
		[INT_TYPE] = {.name = "PyLong_Type"},	 [SET_TYPE] = {.name = "PySet_Type"},
	};

	elf_symbols_find(f, symbols, ARRAY_LEN(symbols));
	elf_file_release(f);
	if (!symbols[RUNTIME].address || !symbols[CODE_TYPE].address)
		return PYTHON_ABSENT;
	const struct python_offsets *o =
		python_offsets_of(minor_of(f, symbols[VERSION].address, named_minor));
	if (!o)
		return PYTHON_UNKNOWN;
	p->offsets = *o;
	p->runtime = symbols[RUNTIME].address + bias;
	p->code_type = symbols[CODE_TYPE].address + bias;
	p->string_type = symbols[STRING_TYPE].address + bias;
	p->bytes_type = symbols[BYTES_TYPE].address + bias;
	p->dict_type = symbols[DICT_TYPE].address + bias;
	p->int_type = symbols[INT_TYPE].address + bias;
	p->set_type = symbols[SET_TYPE].address + bias;
	return check_layout(p);
}
