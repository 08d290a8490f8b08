/* SPDX-License-Identifier: Apache-2.0 */
/* A whole file as the worker gets it: headers, symbols, call-frame information, names. What is found lies where it was looked for. */
#include "must.h"

#include "symbol/demangle.h"
#include "symbol/inflate.h"
#include "symbol/module.h"

static void look_up(const struct elf_file *f, const struct cfi *c, const struct symtab *t, uint64_t offset)
{
	uint64_t address = offset;
	struct cfi_record r = {0};
	char text[128], constant[16];

	elf_file_address(f, offset, &address);
	elf_file_read_constant(f, address, constant, sizeof constant);
	must(!cfi_find(c, address, &r) || (r.start <= address && address < r.end));
	const struct symbol *s = symtab_find(t, address, r.start);
	if (!s)
		return;
	must(s->address <= address && (!s->bytes || address - s->address < s->bytes));
	memset(text, 'x', sizeof text);
	demangle(symtab_name(t, s), text, sizeof text);
	must(memchr(text, 0, sizeof text));
}

static void check_order(const struct symtab *t)
{
	for (size_t i = 1; i < t->n; i++)
		must(t->symbols[i - 1].address < t->symbols[i].address);
}

static void follow(const struct elf_file *f)
{
	const struct debug_link link = debug_link_of(f);

	must(memchr(link.name, 0, sizeof link.name));
	must(*link.name || !debug_link_is_to(&link, f));
}

static void unpack(const uint8_t *data, size_t size)
{
	struct elf_range r = {.data = data, .bytes = size};
	unsigned char *owned = NULL;

	if (!xz_inflate(&r, &owned))
		must(r.data == owned && r.bytes && r.bytes <= INFLATE_MAX_BYTES + (1u << 14));
	free(owned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file f;
	struct cfi c;
	struct symtab t;

	unpack(data, size);
	if (elf_file_over(&f, data, size))
		return 0;
	follow(&f);
	if (!cfi_open(&c, &f)) {
		if (!symtab_build(&t, &f, &f)) {
			check_order(&t);
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
