/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/symtab.h"

#include "base/array.h"
#include "base/cursor.h"
#include "symbol/go_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names are offsets in one of two string tables: symbols of one file may come from two of its tables. */
#define NAME_TABLE_BIT 0x80000000u

/* How far back an enclosing function is looked for when the nearest symbol ends before the address. */
#define NESTING 16

/* While the table is built a symbol carries what decides between two names of one address. */
struct candidate {
	struct symbol symbol;
	uint64_t limit; /* end of its section, for one without a size; 0: do not extend */
	int rank;
};

struct build {
	struct candidate *items;
	size_t n, cap;
	const struct symtab *table;
};

/* People know poll, not __poll; a function rather than a label; a global name rather than a local one. */
static int rank_of(const Elf64_Sym *sym, const char *name)
{
	int rank = ELF64_ST_TYPE(sym->st_info) == STT_NOTYPE ? 100 : 0;
	rank += sym->st_size ? 0 : 50;
	rank += ELF64_ST_BIND(sym->st_info) == STB_LOCAL ? 10 : 0;
	return rank + (int)strspn(name, "_");
}

/*
 * A label in code counts if it was meant for people: not the mapping symbols of arm64 or what compilers leave
 * over.
 */
static bool is_function(const struct elf_file *f, const Elf64_Sym *sym, const char *name, uint64_t *limit)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);
	Elf64_Shdr section;

	*limit = 0;
	if (sym->st_shndx == SHN_UNDEF || !*name)
		return false;
	bool in_code = sym->st_shndx < SHN_LORESERVE && elf_file_section(f, sym->st_shndx, &section) &&
		       (section.sh_flags & SHF_EXECINSTR) && section.sh_addr <= UINT64_MAX - section.sh_size;
	if (in_code)
		*limit = section.sh_addr + section.sh_size;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && in_code && *name != '$' && *name != '.';
}

static const char *text_at(const struct elf_range *names, uint32_t offset)
{
	if (!names->data)
		return "";
	struct cursor c = cursor_over(names->data, names->bytes);
	cursor_seek(&c, offset);
	const char *text = cursor_text(&c);
	return text ? text : "";
}

static int add_symbol(struct build *b, const struct elf_file *f, const Elf64_Sym *sym, unsigned table,
		      bool full)
{
	const char *name = text_at(&b->table->names[table], sym->st_name);
	uint64_t limit;
	if (sym->st_name >= NAME_TABLE_BIT || !is_function(f, sym, name, &limit))
		return 0;
	if (b->n >= SYMTAB_MAX_SYMBOLS)
		return 0;
	if (!array_reserve(&b->items, &b->cap, b->n + 1, sizeof *b->items))
		return -ENOMEM;
	b->items[b->n++] = (struct candidate){
		.symbol =
			{
				.address = sym->st_value,
				.bytes = sym->st_size < UINT32_MAX ? (uint32_t)sym->st_size : UINT32_MAX,
				.name = sym->st_name | (table ? NAME_TABLE_BIT : 0),
			},
		.limit = full ? limit : 0,
		.rank = rank_of(sym, name),
	};
	return 0;
}

static bool section_of_type(const struct elf_file *f, uint32_t type, Elf64_Shdr *section)
{
	for (uint32_t i = 1; i < f->n_sections && elf_file_section(f, i, section); i++)
		if (section->sh_type == type && elf_file_contents(f, section).data)
			return true;
	return false;
}

bool symtab_is_full(const struct elf_file *f)
{
	Elf64_Shdr section;
	return section_of_type(f, SHT_SYMTAB, &section);
}

static int add_table(struct symtab *t, struct build *b, const struct elf_file *f, uint32_t type,
		     unsigned table)
{
	Elf64_Shdr section, strings;
	if (!section_of_type(f, type, &section) || !elf_file_section(f, section.sh_link, &strings))
		return 0;
	t->names[table] = elf_file_contents(f, &strings);
	struct elf_range r = elf_file_contents(f, &section);
	struct cursor c = cursor_over(r.data, r.bytes);
	int err = 0;
	while (!err && cursor_left(&c) >= sizeof(Elf64_Sym)) {
		Elf64_Sym sym;
		memcpy(&sym, cursor_take(&c, sizeof sym), sizeof sym);
		err = add_symbol(b, f, &sym, table, type == SHT_SYMTAB);
	}
	return err;
}

/* In the place of the full table. */
static int add_go_table(struct symtab *t, struct build *b, const struct elf_file *f)
{
	struct go_table go;
	struct go_function function;

	if (!go_table_open(&go, f))
		return 0;
	t->names[0] = go.names;
	for (uint32_t i = 0; i < go.n && b->n < SYMTAB_MAX_SYMBOLS; i++) {
		if (!go_table_function(&go, i, &function) || function.name >= NAME_TABLE_BIT ||
		    !*text_at(&go.names, function.name))
			continue;
		if (!array_reserve(&b->items, &b->cap, b->n + 1, sizeof *b->items))
			return -ENOMEM;
		b->items[b->n++] =
			(struct candidate){.symbol = {function.address, function.bytes, function.name}};
	}
	return 0;
}

static int by_address(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;
	if (a->symbol.address != b->symbol.address)
		return a->symbol.address < b->symbol.address ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank - b->rank;
	return a->symbol.name < b->symbol.name ? -1 : a->symbol.name > b->symbol.name;
}

/*
 * The best name of each address. In a full table a symbol without a size (assembly) reaches to the next one
 * or the end of its section; in a table of exported names only, the function behind it may be a hidden one.
 */
static int take_sorted(struct symtab *t, struct build *b)
{
	if (b->n)
		qsort(b->items, b->n, sizeof *b->items, by_address);
	if (!array_reserve(&t->symbols, &t->cap, b->n, sizeof *t->symbols))
		return -ENOMEM;
	for (size_t i = 0, next; i < b->n; i = next) {
		struct candidate *best = &b->items[i];
		for (next = i + 1; next < b->n && b->items[next].symbol.address == best->symbol.address;)
			next++;
		uint64_t start = best->symbol.address, limit = best->limit;
		if (next < b->n && b->items[next].symbol.address < limit)
			limit = b->items[next].symbol.address;
		if (!best->symbol.bytes && limit > start)
			best->symbol.bytes =
				limit - start < UINT32_MAX ? (uint32_t)(limit - start) : UINT32_MAX;
		t->symbols[t->n++] = best->symbol;
	}
	return 0;
}

int symtab_build(struct symtab *t, const struct elf_file *f, const struct elf_file *debug)
{
	*t = (struct symtab){0};
	struct build b = {.table = t};
	const struct elf_file *full = debug && symtab_is_full(debug) ? debug : f;
	int err = symtab_is_full(full) ? add_table(t, &b, full, SHT_SYMTAB, 0) : add_go_table(t, &b, f);
	if (!err)
		err = add_table(t, &b, f, SHT_DYNSYM, 1);
	if (!err)
		err = take_sorted(t, &b);
	free(b.items);
	if (err)
		symtab_free(t);
	return err;
}

static bool holds(const struct symbol *s, uint64_t address, uint64_t record_start)
{
	if (s->bytes)
		return address - s->address < s->bytes;
	return record_start && s->address == record_start;
}

const struct symbol *symtab_find(const struct symtab *t, uint64_t address, uint64_t record_start)
{
	size_t low = 0, high = t->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->symbols[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t back = 0; back < NESTING && back < low; back++)
		if (holds(&t->symbols[low - 1 - back], address, record_start))
			return &t->symbols[low - 1 - back];
	return NULL;
}

const char *symtab_name(const struct symtab *t, const struct symbol *s)
{
	return text_at(&t->names[s->name & NAME_TABLE_BIT ? 1 : 0], s->name & ~NAME_TABLE_BIT);
}

void symtab_free(struct symtab *t)
{
	free(t->symbols);
	*t = (struct symtab){0};
}
