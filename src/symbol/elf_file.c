/* SPDX-License-Identifier: Apache-2.0 */
/* Not libelf: what is needed is the few look-ups below, bounds-checked and fuzzed with the rest. */
#include "symbol/elf_file.h"

#include "base/cursor.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

#define MAX_SECTIONS (1u << 20) /* that are looked through; a program has some dozens */

static struct elf_range range_at(const struct elf_file *f, uint64_t offset, uint64_t bytes, uint64_t address)
{
	if (offset > f->bytes || bytes > f->bytes - offset)
		return (struct elf_range){0};
	return (struct elf_range){.data = f->data + offset, .bytes = (size_t)bytes, .address = address};
}

/* An item of a table in the file, copied out because nothing promises alignment. */
static bool copy_item(const struct elf_file *f, uint64_t offset, void *item, size_t bytes)
{
	struct elf_range r = range_at(f, offset, bytes, 0);
	if (!r.data)
		return false;
	memcpy(item, r.data, bytes);
	return true;
}

static void take_build_id(struct elf_file *f, uint64_t offset, uint64_t bytes)
{
	struct elf_range r = range_at(f, offset, bytes, 0);
	struct cursor c = cursor_over(r.data, r.bytes);

	while (!f->build_id_bytes && cursor_left(&c) >= sizeof(Elf64_Nhdr)) {
		uint32_t name_bytes = cursor_u32(&c), id_bytes = cursor_u32(&c), type = cursor_u32(&c);
		const char *name = cursor_take(&c, name_bytes);
		cursor_skip(&c, -name_bytes & 3u);
		const void *id = cursor_take(&c, id_bytes);
		cursor_skip(&c, -id_bytes & 3u);
		if (!id)
			return;
		if (type != NT_GNU_BUILD_ID || name_bytes != 4 || memcmp(name, "GNU", 4))
			continue;
		if (id_bytes > sizeof f->build_id)
			return;
		f->build_id_bytes = id_bytes;
		memcpy(f->build_id, id, id_bytes);
	}
}

static void take_load(struct elf_file *f, const Elf64_Phdr *ph)
{
	if (f->n_loads == ELF_MAX_LOADS || ph->p_vaddr > UINT64_MAX - ph->p_filesz ||
	    ph->p_offset > UINT64_MAX - ph->p_filesz)
		return;
	f->loads[f->n_loads++] = (struct elf_load){
		.address = ph->p_vaddr,
		.offset = ph->p_offset,
		.file_bytes = ph->p_filesz,
		.exec = ph->p_flags & PF_X,
		.writable = ph->p_flags & PF_W,
	};
}

static void take_program_headers(struct elf_file *f, const Elf64_Ehdr *eh)
{
	for (uint32_t i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;
		if (eh->e_phoff > f->bytes || !copy_item(f, eh->e_phoff + i * sizeof ph, &ph, sizeof ph))
			return;
		if (ph.p_type == PT_LOAD)
			take_load(f, &ph);
		else if (ph.p_type == PT_NOTE)
			take_build_id(f, ph.p_offset, ph.p_filesz);
		else if (ph.p_type == PT_GNU_EH_FRAME)
			f->eh_frame_hdr = range_at(f, ph.p_offset, ph.p_filesz, ph.p_vaddr);
	}
}

/* More than 65,279 sections: the numbers are in section 0. */
static void take_section_table(struct elf_file *f, const Elf64_Ehdr *eh)
{
	Elf64_Shdr zero;
	f->section_offset = eh->e_shoff;
	f->n_sections = eh->e_shnum;
	f->names_section = eh->e_shstrndx;
	if (!eh->e_shoff || eh->e_shoff > f->bytes || !copy_item(f, eh->e_shoff, &zero, sizeof zero)) {
		f->n_sections = 0;
		return;
	}
	if (!f->n_sections)
		f->n_sections = zero.sh_size > MAX_SECTIONS ? MAX_SECTIONS : (uint32_t)zero.sh_size;
	if (f->names_section == SHN_XINDEX)
		f->names_section = zero.sh_link;
}

/* A separate debug file may keep the program headers of what it was taken from, and they lead nowhere in it. */
static void take_build_id_of_sections(struct elf_file *f)
{
	Elf64_Shdr section;

	for (uint32_t i = 1; !f->build_id_bytes && elf_file_section(f, i, &section); i++)
		if (section.sh_type == SHT_NOTE)
			take_build_id(f, section.sh_offset, section.sh_size);
}

int elf_file_over(struct elf_file *f, const void *data, size_t bytes)
{
	Elf64_Ehdr eh;
	*f = (struct elf_file){.data = data, .bytes = bytes};

	if (!copy_item(f, 0, &eh, sizeof eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != NATIVE_DATA ||
	    (eh.e_phnum && eh.e_phentsize != sizeof(Elf64_Phdr)) ||
	    (eh.e_shnum && eh.e_shentsize != sizeof(Elf64_Shdr))) {
		*f = (struct elf_file){0};
		return -EINVAL;
	}
	f->machine = eh.e_machine;
	take_program_headers(f, &eh);
	take_section_table(f, &eh);
	take_build_id_of_sections(f);
	return 0;
}

int elf_file_map(struct elf_file *f, int fd)
{
	struct stat st;
	*f = (struct elf_file){0};

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -EINVAL;
	if ((uint64_t)st.st_size > ELF_FILE_MAX_BYTES)
		return -EFBIG;
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	int err = elf_file_over(f, data, (size_t)st.st_size);
	if (err)
		munmap(data, (size_t)st.st_size);
	else
		f->mapped = true;
	return err;
}

void elf_file_close(struct elf_file *f)
{
	if (f->mapped)
		munmap((void *)f->data, f->bytes);
	*f = (struct elf_file){0};
}

void elf_file_release(const struct elf_file *f)
{
	if (f->mapped)
		madvise((void *)f->data, f->bytes, MADV_DONTNEED);
}

bool elf_file_address(const struct elf_file *f, uint64_t offset, uint64_t *address)
{
	for (uint32_t i = 0; i < f->n_loads; i++) {
		const struct elf_load *l = &f->loads[i];
		if (!l->exec || offset < l->offset || offset - l->offset >= l->file_bytes)
			continue;
		*address = offset - l->offset + l->address;
		return true;
	}
	return false;
}

static const struct elf_load *load_at(const struct elf_file *f, uint64_t address)
{
	for (uint32_t i = 0; i < f->n_loads; i++) {
		const struct elf_load *l = &f->loads[i];
		if (address >= l->address && address - l->address < l->file_bytes)
			return l;
	}
	return NULL;
}

struct elf_range elf_file_at(const struct elf_file *f, uint64_t address)
{
	const struct elf_load *l = load_at(f, address);
	if (!l)
		return (struct elf_range){0};
	uint64_t skip = address - l->address;
	return range_at(f, l->offset + skip, l->file_bytes - skip, address);
}

bool elf_file_read_constant(const struct elf_file *f, uint64_t address, void *to, size_t bytes)
{
	const struct elf_load *l = load_at(f, address);
	if (!l || l->writable)
		return false;
	struct elf_range r = elf_file_at(f, address);
	if (!r.data || r.bytes < bytes)
		return false;
	memcpy(to, r.data, bytes);
	return true;
}

bool elf_file_section(const struct elf_file *f, uint32_t index, Elf64_Shdr *section)
{
	return index < f->n_sections &&
	       copy_item(f, f->section_offset + index * sizeof *section, section, sizeof *section);
}

bool elf_file_section_named(const struct elf_file *f, const char *name, Elf64_Shdr *section)
{
	Elf64_Shdr names;
	if (!elf_file_section(f, f->names_section, &names))
		return false;
	struct elf_range text = elf_file_contents(f, &names);
	if (!text.data)
		return false;
	for (uint32_t i = 1; i < f->n_sections && elf_file_section(f, i, section); i++) {
		struct cursor c = cursor_over(text.data, text.bytes);
		cursor_seek(&c, section->sh_name);
		const char *found = cursor_text(&c);
		if (found && !strcmp(found, name))
			return true;
	}
	return false;
}

struct elf_range elf_file_contents(const struct elf_file *f, const Elf64_Shdr *section)
{
	if (section->sh_type == SHT_NOBITS)
		return (struct elf_range){0};
	return range_at(f, section->sh_offset, section->sh_size, section->sh_addr);
}
