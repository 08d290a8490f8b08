/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/elf_symbol.h"

#include "base/cursor.h"

#include <string.h>

static bool is_complete(const struct elf_symbol *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!wanted[i].address)
			return false;
	return true;
}

static void take_symbol(const Elf64_Sym *sym, const struct elf_range *names, struct elf_symbol *wanted,
			size_t n)
{
	struct cursor c = cursor_over(names->data, names->bytes);

	cursor_seek(&c, sym->st_name);
	const char *name = cursor_text(&c);
	for (size_t i = 0; name && i < n; i++)
		if (!wanted[i].address && !strcmp(name, wanted[i].name)) {
			wanted[i].address = sym->st_value;
			wanted[i].bytes = sym->st_size;
		}
}

static void search_table(const struct elf_file *f, const Elf64_Shdr *table, struct elf_symbol *wanted,
			 size_t n)
{
	Elf64_Shdr strings;
	if (!elf_file_section(f, table->sh_link, &strings))
		return;
	struct elf_range names = elf_file_contents(f, &strings), symbols = elf_file_contents(f, table);
	struct cursor c = cursor_over(symbols.data, symbols.bytes);
	while (names.data && cursor_left(&c) >= sizeof(Elf64_Sym)) {
		Elf64_Sym sym;
		memcpy(&sym, cursor_take(&c, sizeof sym), sizeof sym);
		if (sym.st_shndx != SHN_UNDEF)
			take_symbol(&sym, &names, wanted, n);
	}
}

void elf_symbols_find(const struct elf_file *f, struct elf_symbol *wanted, size_t n)
{
	const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
	Elf64_Shdr section;

	for (size_t t = 0; t < 2; t++)
		for (uint32_t i = 1; i < f->n_sections && elf_file_section(f, i, &section); i++)
			if (section.sh_type == types[t] && !is_complete(wanted, n))
				search_table(f, &section, wanted, n);
}
