/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/arch.h"
#include "symbol/demangle.h"
#include "symbol/inflate.h"
#include "symbol/kallsyms.h"
#include "symbol/module.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static __attribute__((noinline)) int known_static_function(int n)
{
	volatile int twice = n * 2;
	return twice;
}

static void test_own_names(void **state)
{
	(void)state;
	extern const char __ehdr_start;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct module *m = module_open(fd);
	close(fd);
	assert_non_null(m);
	assert_true(m->usable);
	assert_true(symtab_is_full(&m->elf));
	assert_false(module_wants_debug(m));
	char text[64];
	uint64_t start, address = (uint64_t)(uintptr_t)known_static_function -
				  (uint64_t)(uintptr_t)&__ehdr_start + m->elf.loads[0].address;
	assert_int_equal(known_static_function(2), 4);
	module_name(m, address + 1, 0, text, sizeof text, &start);
	assert_string_equal(text, "known_static_function");
	assert_int_equal(start, address);
	module_name(m, 1, 0, text, sizeof text, &start);
	assert_string_equal(text, "");
	assert_int_equal(start, 0);
	module_close(m);
}

static void test_vdso(void **state)
{
	(void)state;
	char text[64];
	uint64_t start;
	struct module *m = module_open_vdso();
	assert_non_null(m);
	assert_true(m->usable);
	module_name(m, 0, 0, text, sizeof text, &start);
	bool found = false;
	for (size_t i = 0; i < m->symtab.n; i++)
		found |= strstr(symtab_name(&m->symtab, &m->symtab.symbols[i]), "clock_gettime") != NULL;
	assert_true(found);
	module_close(m);
}

/* As eu-strip writes a debug file: its notes are elsewhere than the program headers say. */
static void test_build_id_of_a_debug_file(void **state)
{
	(void)state;
	static const struct {
		Elf64_Ehdr eh;
		Elf64_Phdr segment;
		Elf64_Shdr sections[2];
		Elf64_Nhdr note;
		char name[4];
		unsigned char id[8];
	} image = {
		.eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_phnum = 1,
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_shoff = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		       .e_shnum = 2,
		       .e_shentsize = sizeof(Elf64_Shdr)},
		.segment = {.p_type = PT_NOTE, .p_offset = 8, .p_filesz = sizeof(Elf64_Nhdr) + 12},
		.sections = {[1] = {.sh_type = SHT_NOTE,
				    .sh_offset =
					    sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 2 * sizeof(Elf64_Shdr),
				    .sh_size = sizeof(Elf64_Nhdr) + 12}},
		.note = {.n_namesz = 4, .n_descsz = 8, .n_type = NT_GNU_BUILD_ID},
		.name = "GNU",
		.id = {1, 2, 3, 4, 5, 6, 7, 8},
	};
	struct elf_file f;

	assert_int_equal(elf_file_over(&f, &image, sizeof image), 0);
	assert_int_equal(f.build_id_bytes, sizeof image.id);
	assert_memory_equal(f.build_id, image.id, sizeof image.id);
}

/* A library of compiled kernels has 1.5 GB; here most of it is a hole. */
static void test_a_large_file(void **state)
{
	(void)state;
	char path[] = "/tmp/test_symtab.XXXXXX";
	const Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB}};
	struct elf_file f;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, &eh, sizeof eh), sizeof eh);
	assert_int_equal(ftruncate(fd, 3ll << 30), 0);
	assert_int_equal(elf_file_map(&f, fd), 0);
	elf_file_close(&f);
	assert_int_equal(ftruncate(fd, 5ll << 30), 0);
	assert_int_equal(elf_file_map(&f, fd), -EFBIG);
	close(fd);
}

/* --- a hand-made table */

#define CODE 0x1000

struct image {
	Elf64_Ehdr eh;
	Elf64_Shdr sections[5];
	char strings[64];
	Elf64_Sym symbols[10];
};

static const char strings[] = "\0big\0inner\0label\0__alias\0alias\0$x\0data\0last";
enum { BIG = 1, INNER = 5, LABEL = 11, UGLY = 17, ALIAS = 25, MARK = 31, DATA = 34, LAST = 39 };

static void put(struct image *im, unsigned n, uint32_t name, unsigned info, uint16_t section, uint64_t at,
		uint64_t bytes)
{
	im->symbols[n] = (Elf64_Sym){name, (unsigned char)info, 0, section, at, bytes};
}

static void build(struct image *im, struct elf_file *f, struct symtab *t, uint32_t type)
{
	const unsigned func = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		       none = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
	*im = (struct image){
		.eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
		       .e_shoff = offsetof(struct image, sections),
		       .e_shnum = 5,
		       .e_shentsize = sizeof(Elf64_Shdr),
		       .e_shstrndx = 2},
		.sections = {[1] = {.sh_type = type,
				    .sh_offset = offsetof(struct image, symbols),
				    .sh_size = sizeof im->symbols,
				    .sh_link = 2},
			     [2] = {.sh_type = SHT_STRTAB,
				    .sh_offset = offsetof(struct image, strings),
				    .sh_size = sizeof im->strings},
			     [3] = {.sh_type = SHT_NOBITS,
				    .sh_flags = SHF_EXECINSTR,
				    .sh_addr = CODE,
				    .sh_size = 0x1000},
			     [4] = {.sh_type = SHT_NOBITS, .sh_addr = 0x8000, .sh_size = 0x1000}},
	};
	memcpy(im->strings, strings, sizeof strings);
	put(im, 1, BIG, func, 3, CODE, 0x100);
	put(im, 2, INNER, func, 3, CODE + 0x40, 0x10);
	put(im, 3, LABEL, none, 3, CODE + 0x200, 0);
	put(im, 4, UGLY, func, 3, CODE + 0x300, 0x10);
	put(im, 5, ALIAS, func, 3, CODE + 0x300, 0x10);
	put(im, 6, MARK, none, 3, CODE + 0x280, 0);
	put(im, 7, DATA, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 4, 0x8000, 0x100);
	put(im, 8, BIG, func, SHN_UNDEF, 0, 0x100000);
	put(im, 9, LAST, func, 3, CODE + 0xf00, 0);
	assert_int_equal(elf_file_over(f, im, sizeof *im), 0);
	assert_int_equal(symtab_build(t, f, NULL), 0);
}

static const char *name_at(const struct symtab *t, uint64_t address, uint64_t record)
{
	const struct symbol *s = symtab_find(t, address, record);
	return s ? symtab_name(t, s) : "";
}

static void test_sizes_are_respected(void **state)
{
	(void)state;
	static struct image im;
	struct elf_file f;
	struct symtab t;
	build(&im, &f, &t, SHT_SYMTAB);
	assert_string_equal(name_at(&t, CODE, 0), "big");
	assert_string_equal(name_at(&t, CODE + 0x3f, 0), "big");
	assert_string_equal(name_at(&t, CODE + 0x45, 0), "inner");
	assert_string_equal(name_at(&t, CODE + 0x60, 0), "big"); /* behind the nested one */
	assert_string_equal(name_at(&t, CODE + 0x100, 0), "");
	assert_string_equal(name_at(&t, CODE - 1, 0), "");
	assert_string_equal(name_at(&t, CODE + 0x2ff, 0), "label"); /* up to the next function */
	assert_string_equal(name_at(&t, CODE + 0x300, 0), "alias");
	assert_string_equal(name_at(&t, CODE + 0x310, 0), "");
	assert_string_equal(name_at(&t, CODE + 0xfff, 0), "last"); /* up to the end of its section */
	assert_string_equal(name_at(&t, CODE + 0x1000, 0), "");
	assert_string_equal(name_at(&t, 0x8010, 0), "");
	symtab_free(&t);
	elf_file_close(&f);
}

static unsigned char *put_bytes(unsigned char *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, n), n);
	return fd;
}

/* A stripped file of this machine, that has one section of that name. */
static struct module *open_stripped(const char *section, const void *bytes, size_t n)
{
	static unsigned char file[8192];
	char names[32] = "\0";
	const Elf64_Shdr sections[3] = {
		[1] = {.sh_name = 1,
		       .sh_type = SHT_PROGBITS,
		       .sh_offset = sizeof(Elf64_Ehdr) + sizeof sections + sizeof names,
		       .sh_size = n},
		[2] = {.sh_type = SHT_STRTAB,
		       .sh_offset = sizeof(Elf64_Ehdr) + sizeof sections,
		       .sh_size = sizeof names},
	};
	const Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
			       .e_machine = arch_native()->machine,
			       .e_shoff = sizeof eh,
			       .e_shnum = 3,
			       .e_shentsize = sizeof(Elf64_Shdr),
			       .e_shstrndx = 2};

	snprintf(names + 1, sizeof names - 1, "%s", section);
	unsigned char *end = put_bytes(file, &eh, sizeof eh);
	end = put_bytes(put_bytes(end, sections, sizeof sections), names, sizeof names);
	end = put_bytes(end, bytes, n);
	int fd = file_of(file, (size_t)(end - file));
	struct module *m = module_open(fd);
	assert_non_null(m);
	assert_true(m->usable);
	close(fd);
	return m;
}

static void assert_names(struct module *m, const char *inner)
{
	char text[64];
	uint64_t start;

	module_name(m, CODE + 0x45, 0, text, sizeof text, &start);
	assert_string_equal(text, inner);
	module_close(m);
}

/* As in Fedora and its relatives: a stripped file that has the table of its debug file in a section, in xz. */
static void test_names_packed_in_the_file(void **state)
{
	(void)state;
	static struct image im;
	static unsigned char packed[4096];
	struct elf_file f;
	struct symtab t;
	size_t n = 0;

	build(&im, &f, &t, SHT_SYMTAB);
	symtab_free(&t);
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (const uint8_t *)&im, sizeof im,
						 packed, &n, sizeof packed),
			 LZMA_OK);
	struct module *m = open_stripped(".gnu_debugdata", packed, n);
	module_settle_debug(m, -1);
	assert_names(m, "inner");
}

#define LINK_BYTES 16

/* Its name is a section, padded, and then its checksum. */
static struct module *open_linked(unsigned char link[LINK_BYTES], const struct image *im, size_t bytes)
{
	const uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)im, sizeof *im);

	memset(link, 0, LINK_BYTES);
	memcpy(link, "prog.debug", 10);
	memcpy(link + 12, &crc, sizeof crc);
	return open_stripped(".gnu_debuglink", link, bytes);
}

static void test_names_of_a_linked_file(void **state)
{
	(void)state;
	static struct image im;
	unsigned char link[LINK_BYTES];
	struct elf_file f;
	struct symtab t;

	build(&im, &f, &t, SHT_SYMTAB);
	symtab_free(&t);
	struct module *m = open_linked(link, &im, sizeof link);
	assert_string_equal(m->link.name, "prog.debug");
	assert_true(module_wants_debug(m));
	int fd = file_of(&im, sizeof im);
	module_settle_debug(m, fd);
	close(fd);
	assert_names(m, "inner");
	m = open_linked(link, &im, sizeof link);
	im.strings[sizeof im.strings - 1] ^= 1; /* another build's */
	fd = file_of(&im, sizeof im);
	module_settle_debug(m, fd);
	close(fd);
	assert_names(m, "");
	for (size_t bytes = 1; bytes < sizeof link; bytes++) {
		m = open_linked(link, &im, bytes);
		assert_false(module_wants_debug(m));
		module_close(m);
	}
}

/* A Go program linked with -s -w: two functions, and behind the last one an end. */
struct go_image {
	uint32_t magic;
	uint8_t pad[3], pointer_bytes;
	uint64_t n, files, text, names, units, file_names, tables, functions;
	char text_of_names[32];
	uint32_t index[5];
	uint32_t described[2][2]; /* where it begins, its name */
};

static const struct go_image go_image = {
	.magic = 0xfffffff1,
	.pointer_bytes = 8,
	.n = 2,
	.text = CODE,
	.names = offsetof(struct go_image, text_of_names),
	.units = offsetof(struct go_image, index),
	.functions = offsetof(struct go_image, index),
	.text_of_names = "main.handle\0main.(*T).Run",
	.index = {0, 20, 0x40, 28, 0x60},
	.described = {{0, 0}, {0x40, 12}},
};

static void assert_go_name(struct module *m, uint64_t address, const char *name)
{
	char text[64];
	uint64_t start;

	module_name(m, address, 0, text, sizeof text, &start);
	assert_string_equal(text, name);
}

static void test_names_of_go(void **state)
{
	(void)state;
	struct go_image broken = go_image;
	struct module *m = open_stripped(".gopclntab", &go_image, sizeof go_image);

	assert_go_name(m, CODE, "main.handle");
	assert_go_name(m, CODE + 0x3f, "main.handle");
	assert_go_name(m, CODE + 0x40, "main.(*T).Run");
	assert_go_name(m, CODE + 0x60, "");
	assert_go_name(m, CODE - 1, "");
	module_close(m);
	const size_t end = offsetof(struct go_image, described) + sizeof go_image.described;
	for (size_t bytes = 1; bytes < end; bytes++) {
		m = open_stripped(".gopclntab", &go_image, bytes);
		assert_go_name(m, CODE + 0x41, "");
		module_close(m);
	}
	broken.described[1][0]++; /* of another function */
	m = open_stripped(".gopclntab", &broken, sizeof broken);
	assert_go_name(m, CODE, "main.handle");
	assert_go_name(m, CODE + 0x41, "");
	module_close(m);
	broken = go_image;
	broken.text = 0; /* told by nobody */
	m = open_stripped(".gopclntab", &broken, sizeof broken);
	assert_go_name(m, CODE, "");
	module_close(m);
}

/* Bytes that are no archive, and one that unpacks to more than any names are. */
static void test_broken_archives(void **state)
{
	(void)state;
	static unsigned char plain[1 << 20], packed[1 << 16];
	unsigned char *owned = NULL;
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, plain, sizeof plain, packed, &n,
						 sizeof packed),
			 LZMA_OK);
	struct elf_range whole = {.data = packed, .bytes = n};
	assert_int_equal(xz_inflate(&whole, &owned), 0);
	assert_int_equal(whole.bytes, sizeof plain);
	free(owned);
	for (size_t bytes = 0; bytes < n; bytes += 1 + n / 64) {
		struct elf_range cut = {.data = packed, .bytes = bytes};
		assert_int_equal(xz_inflate(&cut, &owned), -EINVAL);
	}
	packed[n / 2] ^= 0x55;
	struct elf_range damaged = {.data = packed, .bytes = n};
	assert_int_equal(xz_inflate(&damaged, &owned), -EINVAL);
}

/*
 * In a table of exported functions a name without a size says nothing of what follows, unless a record bounds
 * it.
 */
static void test_exported_only(void **state)
{
	(void)state;
	static struct image im;
	struct elf_file f;
	struct symtab t;
	build(&im, &f, &t, SHT_DYNSYM);
	assert_false(symtab_is_full(&f));
	assert_string_equal(name_at(&t, CODE + 0xf08, 0), "");
	assert_string_equal(name_at(&t, CODE + 0xf08, CODE + 0xf00), "last");
	symtab_free(&t);
	elf_file_close(&f);
}

static void test_demangle(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{"poll", "poll"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"_ZN4node7startupEiPPc", "node::startup"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back"},
		{"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
		{"_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"},
		{"_Znonsense", "_Znonsense"},
		{"", ""},
	};
	char text[64];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		demangle(names[i][0], text, sizeof text);
		assert_string_equal(text, names[i][1]);
	}
	demangle("abcdefgh", text, 4);
	assert_string_equal(text, "abc");
}

static struct kallsyms *read_text(const char *text)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	assert_non_null(f);
	struct kallsyms *k = kallsyms_read(f);
	fclose(f);
	return k;
}

static void test_kallsyms(void **state)
{
	(void)state;
	uint64_t offset;
	struct kallsyms *k =
		read_text("ffffffff81000000 T _stext\nffffffff81000000 t twin\nffffffff81002000 D data\n"
			  "ffffffffc0000010 t ext4_sync [ext4]\nffffffff81001000 t do_wait\nrubbish\n");
	assert_non_null(k);
	assert_string_equal(kallsyms_find(k, 0xffffffff81001008u, &offset), "do_wait");
	assert_int_equal(offset, 8);
	assert_string_equal(kallsyms_find(k, 0xffffffff81000fffu, &offset), "_stext");
	assert_string_equal(kallsyms_find(k, 0xffffffffc0000011u, &offset), "ext4_sync");
	assert_null(kallsyms_find(k, 0xffffffff80ffffffu, &offset));
	assert_null(kallsyms_find(k, UINT64_MAX, &offset));
	kallsyms_free(k);
	assert_null(read_text("0000000000000000 T _stext\n0000000000000000 t do_wait\n"));
	assert_null(read_text("\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_build_id_of_a_debug_file),
		cmocka_unit_test(test_a_large_file),
		cmocka_unit_test(test_sizes_are_respected),
		cmocka_unit_test(test_exported_only),
		cmocka_unit_test(test_names_packed_in_the_file),
		cmocka_unit_test(test_names_of_a_linked_file),
		cmocka_unit_test(test_names_of_go),
		cmocka_unit_test(test_broken_archives),
		cmocka_unit_test(test_demangle),
		cmocka_unit_test(test_kallsyms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
