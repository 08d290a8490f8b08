/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/module.h"

#include "symbol/arch.h"
#include "symbol/demangle.h"
#include "symbol/elf_symbol.h"
#include "symbol/inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* The kernel's vdso has its section table last and is at most this long. */
#define VDSO_MAX_BYTES (64u << 10)

#define FUNCTION_MAX_BYTES (64u << 10) /* that are looked through; V8's largest built-in has 30 KB */

static void take_elf(struct module *m, int err)
{
	m->usable = !err && arch_of(m->elf.machine) == arch_native();
	if (m->usable && (err = cfi_open(&m->cfi, &m->elf)))
		m->usable = false;
	m->starved = err == -ENOMEM;
}

struct module *module_open(int fd)
{
	struct module *m = calloc(1, sizeof *m);
	if (m && fd >= 0)
		take_elf(m, elf_file_map(&m->elf, fd));
	if (m && m->usable)
		m->link = debug_link_of(&m->elf);
	return m;
}

struct module *module_open_vdso(void)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct module *m = calloc(1, sizeof *m);
	if (!m || !image)
		return m;
	Elf64_Ehdr eh;
	memcpy(&eh, image, sizeof eh);
	uint64_t bytes = eh.e_shoff + (uint64_t)eh.e_shnum * eh.e_shentsize;
	if (bytes <= VDSO_MAX_BYTES)
		take_elf(m, elf_file_over(&m->elf, image, bytes));
	m->debug = MODULE_DEBUG_SETTLED;
	return m;
}

void module_close(struct module *m)
{
	if (!m)
		return;
	source_lines_close(m->lines);
	symtab_free(&m->symtab);
	cfi_close(&m->cfi);
	elf_file_close(&m->debug_elf);
	elf_file_close(&m->elf);
	free(m->unpacked);
	free(m);
}

bool module_wants_debug(const struct module *m)
{
	return m->usable && m->debug == MODULE_DEBUG_UNASKED && (m->elf.build_id_bytes || *m->link.name) &&
	       (!symtab_is_full(&m->elf) || (m->wants_lines && !source_lines_bytes(&m->elf)));
}

static bool is_of_this_build(const struct module *m, const struct elf_file *debug)
{
	const struct elf_file *f = &m->elf;

	if (!f->build_id_bytes)
		return debug_link_is_to(&m->link, debug);
	return f->build_id_bytes == debug->build_id_bytes &&
	       !memcmp(f->build_id, debug->build_id, f->build_id_bytes);
}

void module_settle_debug(struct module *m, int fd)
{
	m->debug = MODULE_DEBUG_SETTLED;
	if (fd < 0 || m->debug_elf.data || m->has_symtab)
		return;
	if (!elf_file_map(&m->debug_elf, fd) && !is_of_this_build(m, &m->debug_elf))
		elf_file_close(&m->debug_elf);
}

/* Where nobody has installed a debug file. NULL: there is nothing. */
static const struct elf_file *open_packed(struct module *m)
{
	Elf64_Shdr section;

	if (symtab_is_full(&m->elf) || !elf_file_section_named(&m->elf, ".gnu_debugdata", &section))
		return NULL;
	struct elf_range bytes = elf_file_contents(&m->elf, &section);
	int err = xz_inflate(&bytes, &m->unpacked);
	m->starved |= err == -ENOMEM;
	return err || elf_file_over(&m->packed_elf, bytes.data, bytes.bytes) ? NULL : &m->packed_elf;
}

static const struct symbol *find_symbol(struct module *m, uint64_t address, uint64_t record_start)
{
	if (!m->has_symtab) {
		const struct elf_file *debug = m->debug_elf.data ? &m->debug_elf : open_packed(m);
		m->has_symtab = true;
		m->starved |= symtab_build(&m->symtab, &m->elf, debug) != 0;
		elf_file_release(&m->elf);
		elf_file_release(&m->debug_elf);
	}
	return symtab_find(&m->symtab, address, record_start);
}

static struct leaf leaf_of(const unsigned char *code, size_t before, size_t bytes)
{
	const struct arch *a = arch_native();

	for (size_t at = 0; at + sizeof a->setup <= before; at += a->setup_bytes) {
		uint32_t word;
		size_t behind = at + sizeof word;
		memcpy(&word, code + at, sizeof word);
		if ((word & a->setup_mask) != a->setup)
			continue;
		if (!a->push_marker || behind + 2 > bytes || code[behind] != a->push_marker)
			return (struct leaf){LEAF_UNKNOWN, 0};
		return (struct leaf){LEAF_MARKED, code[behind + 1]};
	}
	return (struct leaf){LEAF_FRAMELESS, 0};
}

/* Or only reserves stack, so that what lies on top of it is not where it returns to. */
static bool begins_frame(const unsigned char *code, size_t before)
{
	const struct arch *a = arch_native();

	for (size_t at = 0; at + sizeof(uint32_t) <= before; at += a->setup_bytes) {
		uint32_t word;
		memcpy(&word, code + at, sizeof word);
		for (size_t i = 0; i < ARCH_FRAMES && a->frames[i].mask; i++)
			if ((word & a->frames[i].mask) == a->frames[i].code)
				return true;
	}
	return false;
}

struct leaf module_leaf(struct module *m, uint64_t address)
{
	const struct leaf unknown = {LEAF_UNKNOWN, 0};

	if (!m->has_symtab && module_wants_debug(m))
		return unknown; /* the names would be built without those that are still asked for */
	const struct symbol *s = find_symbol(m, address, 0);
	struct elf_range code = elf_file_at(&m->elf, s ? s->address : address);
	uint64_t before = s ? address - s->address : 0;
	if (!s || before > FUNCTION_MAX_BYTES || before > code.bytes)
		return unknown;
	struct leaf leaf = leaf_of(code.data, before, code.bytes);
	if (strncmp(symtab_name(&m->symtab, s), "Builtins_", 9) != 0 && /* V8's, all made alike */
	    (leaf.frame == LEAF_MARKED || begins_frame(code.data, before)))
		return unknown;
	return leaf;
}

void module_name(struct module *m, uint64_t address, uint64_t record_start, char *text, size_t cap,
		 uint64_t *start)
{
	*text = 0;
	*start = 0;
	const struct symbol *s = find_symbol(m, address, record_start);
	if (!s)
		return;
	demangle(symtab_name(&m->symtab, s), text, cap);
	*start = s->address;
}

uint64_t module_open_lines(struct module *m, uint64_t room_bytes)
{
	if (!m->wants_lines || m->has_lines)
		return 0;
	const struct elf_file *f = source_lines_bytes(&m->elf) ? &m->elf : &m->debug_elf;
	uint64_t bytes = f->data ? source_lines_bytes(f) : 0;

	m->has_lines = true;
	m->lines = bytes && bytes <= room_bytes ? source_lines_open(f) : NULL;
	return m->lines ? bytes : 0;
}

uint32_t module_lines(struct module *m, uint64_t address, struct source_place places[SOURCE_MAX_DEPTH])
{
	char mangled[SOURCE_NAME_BYTES];
	uint32_t n = m->lines ? source_lines_at(m->lines, address, places) : 0;

	for (uint32_t i = 0; i + 1 < n; i++) {
		memcpy(mangled, places[i].function, sizeof mangled);
		demangle(mangled, places[i].function, sizeof places[i].function);
	}
	return n;
}

bool module_switches_stacks(struct module *m)
{
	struct elf_symbol entry = {.name = "PyInit__greenlet"};

	if (m->switches == SWITCHES_UNASKED && m->usable) {
		elf_symbols_find(&m->elf, &entry, 1);
		if (!m->lines) /* libdw counts on what libelf noted there */
			elf_file_release(&m->elf);
		m->switches = entry.address ? SWITCHES_STACKS : SWITCHES_NOT;
	}
	return m->switches == SWITCHES_STACKS;
}
