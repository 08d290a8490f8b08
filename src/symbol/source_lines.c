/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/source_lines.h"

#include "base/array.h"
#include "symbol/source_scopes.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_RANGES 2000000u /* of compilation units: Chromium has 250,000 */

/* Code of one compilation unit. The table is made here because .debug_aranges is missing from what clang, rustc and Go write. */
struct unit_range {
	uint64_t start, end; /* [start, end) */
	Dwarf_Off unit;
};

struct source_lines {
	Elf *elf;
	Dwarf *dwarf;
	struct unit_range *ranges; /* by start, once the first address is asked for */
	size_t n, cap;
	bool has_ranges;
	struct source_functions functions;
};

/* --- opening */

static bool is_debug_section(const struct elf_file *f, const Elf64_Shdr *names, const Elf64_Shdr *section)
{
	static const char *const wanted[] = {".debug_info", ".debug_line",   ".debug_abbrev",
					     ".debug_str",  ".debug_ranges", ".debug_rnglists"};
	struct elf_range text = elf_file_contents(f, names);

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		size_t bytes = strlen(wanted[i]) + 1;
		if (text.data && section->sh_name < text.bytes && text.bytes - section->sh_name >= bytes &&
		    !memcmp(text.data + section->sh_name, wanted[i], bytes))
			return true;
	}
	return false;
}

static uint64_t plain_bytes(const struct elf_file *f, const Elf64_Shdr *section)
{
	struct elf_range range = elf_file_contents(f, section);
	Elf64_Chdr head;

	if (!(section->sh_flags & SHF_COMPRESSED) || range.bytes < sizeof head)
		return range.bytes;
	memcpy(&head, range.data, sizeof head);
	return head.ch_size;
}

uint64_t source_lines_bytes(const struct elf_file *f)
{
	Elf64_Shdr names, section;
	uint64_t bytes = 0;

	if (!elf_file_section(f, f->names_section, &names))
		return 0;
	for (uint32_t i = 1; i < f->n_sections && elf_file_section(f, i, &section); i++) {
		uint64_t more = is_debug_section(f, &names, &section) ? plain_bytes(f, &section) : 0;
		if (__builtin_add_overflow(bytes, more, &bytes))
			return UINT64_MAX;
	}
	return bytes;
}

/* libelf notes in the section headers that it has decompressed a section: in our private pages, never in the file. */
static bool make_headers_writable(const struct elf_file *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = f->n_sections * sizeof(Elf64_Shdr);
	uintptr_t start = (uintptr_t)(f->data + f->section_offset) & ~(page - 1);
	uintptr_t end = (uintptr_t)(f->data + f->section_offset) + bytes;

	if (f->section_offset > f->bytes || f->bytes - f->section_offset < bytes)
		return false;
	return !f->mapped || !mprotect((void *)start, end - start, PROT_READ | PROT_WRITE);
}

struct source_lines *source_lines_open(const struct elf_file *f)
{
	struct source_lines *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	elf_version(EV_CURRENT);
	if (make_headers_writable(f))
		s->elf = elf_memory((char *)f->data, f->bytes);
	s->dwarf = s->elf ? dwarf_begin_elf(s->elf, DWARF_C_READ, NULL) : NULL;
	if (s->dwarf)
		return s;
	source_lines_close(s);
	return NULL;
}

void source_lines_close(struct source_lines *s)
{
	if (!s)
		return;
	dwarf_end(s->dwarf);
	elf_end(s->elf);
	free(s->ranges);
	source_functions_free(&s->functions);
	free(s);
}

/* --- which unit */

static bool add_unit(struct source_lines *s, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		if (s->n == MAX_RANGES || !array_reserve(&s->ranges, &s->cap, s->n + 1, sizeof *s->ranges))
			return false;
		s->ranges[s->n++] = (struct unit_range){start, end, dwarf_dieoffset(unit)};
	}
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct unit_range *left = a, *right = b;
	return left->start < right->start ? -1 : left->start > right->start;
}

static void build_ranges(struct source_lines *s)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	s->has_ranges = true;
	while (!dwarf_get_units(s->dwarf, unit, &unit, NULL, NULL, &die, NULL))
		if (!add_unit(s, &die))
			break;
	if (s->n)
		qsort(s->ranges, s->n, sizeof *s->ranges, by_start);
}

static bool find_unit(struct source_lines *s, uint64_t address, Dwarf_Die *unit)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < s->ranges[low - 1].end &&
	       dwarf_offdie(s->dwarf, s->ranges[low - 1].unit, unit);
}

/* --- what is there */

/* The line table joins the two; most people know their files without the first. */
static void put_file(char *to, const char *path, const char *directory)
{
	size_t skip = directory ? strlen(directory) : 0;

	if (!path)
		path = "";
	if (skip && !strncmp(path, directory, skip) && path[skip] == '/')
		path += skip + 1;
	while (!strncmp(path, "./", 2))
		path += 2;
	snprintf(to, SOURCE_FILE_BYTES, "%s", path);
}

static const char *directory_of(Dwarf_Die *unit)
{
	Dwarf_Attribute at;
	return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &at));
}

static void put_call_site(struct source_place *place, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Attribute at;
	Dwarf_Files *files;
	Dwarf_Word file, line;

	if (!dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &at), &line) && line <= UINT32_MAX)
		place->line = (uint32_t)line;
	if (!dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &at), &file) &&
	    !dwarf_getsrcfiles(unit, &files, NULL))
		put_file(place->file, dwarf_filesrc(files, file, NULL, NULL), directory_of(unit));
}

static void put_name(struct source_place *place, Dwarf_Die *function)
{
	Dwarf_Attribute at;
	const char *name = dwarf_formstring(dwarf_attr_integrate(function, DW_AT_linkage_name, &at));

	if (!name)
		name = dwarf_diename(function);
	snprintf(place->function, sizeof place->function, "%s", name ? name : "");
}

/* The calls around an address that left no frame, innermost first; each place but the first is where the one before was called. */
static uint32_t put_calls(struct source_lines *s, Dwarf_Die *unit, uint64_t address,
			  struct source_place *places)
{
	Dwarf_Die scopes[SOURCE_MAX_SCOPES];
	uint32_t at = 0;

	for (int i = source_scopes_at(&s->functions, unit, address, scopes) - 1;
	     i > 0 && at + 1 < SOURCE_MAX_DEPTH; i--) {
		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		put_name(&places[at], &scopes[i]);
		if (!places[at].function[0])
			continue; /* its line still says more than the call's */
		places[++at] = (struct source_place){0};
		put_call_site(&places[at], unit, &scopes[i]);
	}
	return at;
}

uint32_t source_lines_at(struct source_lines *s, uint64_t address,
			 struct source_place places[SOURCE_MAX_DEPTH])
{
	Dwarf_Die unit;
	int line;

	if (!s->has_ranges)
		build_ranges(s);
	if (!find_unit(s, address, &unit))
		return 0;
	Dwarf_Line *record = dwarf_getsrc_die(&unit, address);
	if (!record)
		return 0;
	places[0] = (struct source_place){0};
	put_file(places[0].file, dwarf_linesrc(record, NULL, NULL), directory_of(&unit));
	if (!dwarf_lineno(record, &line) && line > 0)
		places[0].line = (uint32_t)line;
	return 1 + put_calls(s, &unit, address, places);
}
