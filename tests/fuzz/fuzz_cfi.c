/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are one section (.eh_frame, or .debug_frame by the first byte) behind a stack of 64 bytes, and a
 * record is stepped through for addresses all over it: once by what the memo knows and once anew, which must be the same.
 */
#include "must.h"

#include "symbol/cfi.h"

#define STACK_BYTES 64
#define STACK_BASE  0x7000

static bool read_stack(void *context, uint64_t address, void *to, size_t bytes)
{
	if (address < STACK_BASE || address - STACK_BASE > STACK_BYTES - bytes)
		return false;
	memcpy(to, (const uint8_t *)context + (address - STACK_BASE), bytes);
	return true;
}

static void step_at(const struct cfi *c, uint64_t address, const struct cfi_target *target)
{
	static const uint16_t machines[] = {EM_X86_64, EM_AARCH64};
	for (unsigned i = 0; i < 2; i++) {
		struct arch_regs regs = {.pc = address, .valid = UINT64_MAX}, again;
		struct cfi_record record;
		uint64_t missing = 0, missing_again = 0;
		for (unsigned n = 0; n < ARCH_REGS; n++)
			regs.r[n] = STACK_BASE + n;
		again = regs;
		if (!cfi_find(c, address, &record))
			continue;
		must(record.start <= address && address < record.end);
		enum cfi_result result =
			cfi_step(&record, arch_of(machines[i]), address, &regs, target, &missing);
		struct cfi_section without_memo = *record.section;
		without_memo.memo = NULL;
		record.section = &without_memo;
		must(result ==
		     cfi_step(&record, arch_of(machines[i]), address, &again, target, &missing_again));
		must(missing == missing_again && !memcmp(&regs, &again, sizeof regs));
	}
}

/* As an ELF file with one section would have it. */
static int open_section(struct cfi *c, const uint8_t *data, size_t size, bool debug)
{
	static const char names[] = "\0.debug_frame\0.eh_frame";
	static uint8_t file[1 << 16];
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
			 .e_shoff = sizeof eh,
			 .e_shnum = 3,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shstrndx = 1};
	Elf64_Shdr sections[3] = {{0}};
	size_t at = sizeof eh + sizeof sections;
	struct elf_file f;

	if (size > sizeof file - at - sizeof names)
		return -1;
	sections[1] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = sizeof names};
	sections[2] = (Elf64_Shdr){.sh_name = debug ? 1 : 14,
				   .sh_type = SHT_PROGBITS,
				   .sh_addr = 0x1000,
				   .sh_offset = at + sizeof names,
				   .sh_size = size};
	memcpy(file, &eh, sizeof eh);
	memcpy(file + sizeof eh, sections, sizeof sections);
	memcpy(file + at, names, sizeof names);
	memcpy(file + at + sizeof names, data, size);
	if (elf_file_over(&f, file, at + sizeof names + size))
		return -1;
	return cfi_open(c, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfi c;
	if (size <= STACK_BYTES + 1)
		return 0;
	const struct cfi_target target = {read_stack, (void *)(data + 1), 0};
	if (open_section(&c, data + 1 + STACK_BYTES, size - 1 - STACK_BYTES, data[0] & 1))
		return 0;
	const struct cfi_section *s = data[0] & 1 ? &c.debug_frame : &c.eh_frame;
	for (size_t i = 1; i < s->n_index; i++)
		must(s->index[i - 1].start <= s->index[i].start);
	for (size_t i = 0; i < s->n_index && i < 16; i++)
		for (uint64_t ahead = 0; ahead < 64; ahead += 9)
			step_at(&c, s->index[i].start + ahead, &target);
	cfi_close(&c);
	return 0;
}
