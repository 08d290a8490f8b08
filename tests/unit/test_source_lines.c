/* SPDX-License-Identifier: Apache-2.0 */
/* Source lines of this very program, which knows them. */
#include "symbol/source_lines.h"

#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INLINED static inline __attribute__((always_inline))
#define KEPT	static __attribute__((noinline, noclone))

static volatile unsigned sink;
static uint32_t inner_line, middle_line, outer_line, plain_line;

/* namespaced.cc */
unsigned long caller(void);
unsigned long namespaced(void);
extern unsigned namespaced_line, namespaced_call_line;

/* An address within the call that led here. */
__attribute__((noinline, noclone)) unsigned long caller(void)
{
	sink++;
	return (uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)) - 1;
}

INLINED uint64_t inner(void)
{
	inner_line = __LINE__ + 1;
	uint64_t address = caller();
	sink++;
	return address;
}

INLINED uint64_t middle(void)
{
	middle_line = __LINE__ + 1;
	uint64_t address = inner();
	sink++;
	return address;
}

KEPT uint64_t outer(void)
{
	outer_line = __LINE__ + 1;
	uint64_t address = middle();
	sink++;
	return address;
}

KEPT uint64_t plain(void)
{
	plain_line = __LINE__ + 1;
	uint64_t address = caller();
	sink++;
	return address;
}

static int take_bias(struct dl_phdr_info *info, size_t bytes, void *bias)
{
	(void)bytes;
	*(uint64_t *)bias = info->dlpi_addr;
	return 1; /* the program itself comes first */
}

struct opened {
	struct elf_file elf;
	struct source_lines *lines;
	uint64_t bias;
};

static int open_self(void **state)
{
	static struct opened o;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	dl_iterate_phdr(take_bias, &o.bias);
	if (fd < 0 || elf_file_map(&o.elf, fd))
		return -1;
	close(fd);
	o.lines = source_lines_open(&o.elf);
	*state = &o;
	return o.lines ? 0 : -1;
}

static int close_self(void **state)
{
	struct opened *o = *state;
	source_lines_close(o->lines);
	elf_file_close(&o->elf);
	return 0;
}

static void is_here(const struct source_place *place, const char *function, uint32_t line)
{
	const char *file = strstr(place->file, "tests/unit/test_source_lines.c");
	assert_non_null(file);
	assert_string_equal(place->function, function);
	assert_int_equal(place->line, line);
}

static void test_line(void **state)
{
	struct opened *o = *state;
	struct source_place places[SOURCE_MAX_DEPTH];

	assert_int_equal(source_lines_at(o->lines, plain() - o->bias, places), 1);
	is_here(&places[0], "", plain_line);
}

static void test_inlined_calls(void **state)
{
	struct opened *o = *state;
	struct source_place places[SOURCE_MAX_DEPTH];

	assert_int_equal(source_lines_at(o->lines, outer() - o->bias, places), 3);
	is_here(&places[0], "inner", inner_line);
	is_here(&places[1], "middle", middle_line);
	is_here(&places[2], "", outer_line);
}

static void test_inlined_in_a_namespace(void **state)
{
	struct opened *o = *state;
	struct source_place places[SOURCE_MAX_DEPTH];

	assert_int_equal(source_lines_at(o->lines, namespaced() - o->bias, places), 2);
	assert_string_equal(places[0].function, "_ZN3app6report4loadEv");
	assert_int_equal(places[0].line, namespaced_line);
	assert_non_null(strstr(places[0].file, "namespaced.cc"));
	assert_string_equal(places[1].function, "");
	assert_int_equal(places[1].line, namespaced_call_line);
}

static void test_unknown_addresses(void **state)
{
	struct opened *o = *state;
	struct source_place places[SOURCE_MAX_DEPTH];

	assert_int_equal(source_lines_at(o->lines, 0, places), 0);
	assert_int_equal(source_lines_at(o->lines, UINT64_MAX, places), 0);
	assert_true(source_lines_bytes(&o->elf) > 1000);
}

/* Without sections there is no DWARF, and no crash either. */
static void test_without_dwarf(void **state)
{
	(void)state;
	Elf64_Ehdr head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof head};
	struct elf_file f = {.data = (const unsigned char *)&head, .bytes = sizeof head};

	assert_int_equal(source_lines_bytes(&f), 0);
	assert_null(source_lines_open(&f));
}

/* Each byte of the sections that say how the others are read, wrong in turn: anything but a wild access is a right answer. */
static void test_broken_dwarf(void **state)
{
	struct opened *o = *state;
	struct source_place places[SOURCE_MAX_DEPTH];
	uint64_t address = outer() - o->bias;
	unsigned char *copy = malloc(o->elf.bytes);
	Elf64_Shdr section;

	assert_non_null(copy);
	assert_true(elf_file_section_named(&o->elf, ".debug_info", &section));
	memcpy(copy, o->elf.data, o->elf.bytes);
	for (size_t at = 0; at < 400 && at < section.sh_size; at++) {
		struct elf_file f;
		copy[section.sh_offset + at] ^= 0xff;
		assert_int_equal(elf_file_over(&f, copy, o->elf.bytes), 0);
		struct source_lines *lines = source_lines_open(&f);
		if (lines)
			assert_true(source_lines_at(lines, address, places) <= SOURCE_MAX_DEPTH);
		source_lines_close(lines);
		copy[section.sh_offset + at] ^= 0xff;
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_inlined_calls),
		cmocka_unit_test(test_inlined_in_a_namespace),
		cmocka_unit_test(test_unknown_addresses),
		cmocka_unit_test(test_without_dwarf),
		cmocka_unit_test(test_broken_dwarf),
	};
	return cmocka_run_group_tests_name("source lines", tests, open_self, close_self);
}
