/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ELF file seen through its bytes: program headers, sections, build id. It gets a descriptor or bytes,
 * never a path, because it runs where open() is forbidden. Only 64-bit files of this machine's byte order;
 * everything else is refused.
 *
 * All addresses here are those of the file (p_vaddr), without the place it was loaded at.
 * A mapped file that is cut short by its owner raises SIGBUS: use it only where a crash is survivable (the
 * worker).
 */
#ifndef LOOPSTALL_SYMBOL_ELF_FILE_H
#define LOOPSTALL_SYMBOL_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_MAX_BYTES (4ull << 30) /* of a file; PyTorch has a library of 1.5 GB */
#define ELF_MAX_LOADS	   32
#define ELF_BUILD_ID_BYTES 32

/* Bytes of the file, and the address of the first of them. */
struct elf_range {
	const unsigned char *data; /* NULL: there is none */
	size_t bytes;
	uint64_t address;
};

struct elf_load {
	uint64_t address, offset, file_bytes;
	bool exec, writable;
};

struct elf_file {
	const unsigned char *data; /* NULL: not open */
	size_t bytes;
	bool mapped;
	uint16_t machine;
	uint32_t n_loads;
	struct elf_load loads[ELF_MAX_LOADS];
	struct elf_range eh_frame_hdr; /* by its program header, so it is found without section headers */
	uint64_t section_offset;
	uint32_t n_sections, names_section;
	uint32_t build_id_bytes;
	unsigned char build_id[ELF_BUILD_ID_BYTES];
};

/*
 * The descriptor stays the caller's. 0, -EINVAL (not a regular file, not ELF), -EFBIG, -errno of fstat and
 * mmap.
 */
int elf_file_map(struct elf_file *f, int fd);
/* Over bytes that outlive it. 0 or -EINVAL. */
int elf_file_over(struct elf_file *f, const void *data, size_t bytes);
void elf_file_close(struct elf_file *f);
/*
 * Gives the pages of the mapping back; what is read again comes again. After a pass over the whole symbol
 * table of node: 13 MB.
 */
void elf_file_release(const struct elf_file *f);

/* Address of the executable byte at this file offset; false if no executable segment holds it. */
bool elf_file_address(const struct elf_file *f, uint64_t offset, uint64_t *address);
/* The file's bytes from an address to the end of its segment; an empty range if none holds it. */
struct elf_range elf_file_at(const struct elf_file *f, uint64_t address);
/* Reads memory that the program cannot have changed. False if not all of it is in a read-only segment. */
bool elf_file_read_constant(const struct elf_file *f, uint64_t address, void *to, size_t bytes);

bool elf_file_section(const struct elf_file *f, uint32_t index, Elf64_Shdr *section);
/*
 * The first section of that name and its bytes; false if there is none. NOBITS and compressed sections are
 * given as they are.
 */
bool elf_file_section_named(const struct elf_file *f, const char *name, Elf64_Shdr *section);
/* Contents; empty for NOBITS and for a section outside of the file. */
struct elf_range elf_file_contents(const struct elf_file *f, const Elf64_Shdr *section);

#endif
