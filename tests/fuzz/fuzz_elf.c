/* SPDX-License-Identifier: Apache-2.0 */
/* A whole file as the worker gets it: headers, symbols, call-frame information, names. */
#include "base/cursor.h"
#include "symbol/demangle.h"
#include "symbol/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct elf_file *f, const struct cfi *c, const struct symtab *t, uint64_t offset)
{
	uint64_t address = offset;
	struct cfi_record r = {0};
	char text[128], constant[16];

	elf_file_address(f, offset, &address);
	elf_file_read_constant(f, address, constant, sizeof constant);
	cfi_find(c, address, &r);
	const struct symbol *s = symtab_find(t, address, r.start);
	if (s)
		demangle(symtab_name(t, s), text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file f;
	struct cfi c;
	struct symtab t;

	if (elf_file_over(&f, data, size))
		return 0;
	if (!cfi_open(&c, &f)) {
		if (!symtab_build(&t, &f, &f)) {
			for (uint64_t offset = 0; offset < size; offset += 1 + size / 64)
				look_up(&f, &c, &t, offset);
			for (size_t i = 0; i < t.n && i < 64; i++)
				look_up(&f, &c, &t, t.symbols[i].address);
			symtab_free(&t);
		}
		cfi_close(&c);
	}
	elf_file_close(&f);
	return 0;
}
