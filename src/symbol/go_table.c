/* SPDX-License-Identifier: Apache-2.0 */
/* Go's source: runtime/symtab.go, pcHeader, functab and _func. */
#include "symbol/go_table.h"

#include "base/cursor.h"

#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u
#define ROW_BYTES                                                                                            \
	8 /* where a function begins, behind the text's start, and where it is described, behind the index' start */

static struct elf_range part(const struct elf_range *whole, uint64_t from, uint64_t to)
{
	if (from > to || to > whole->bytes)
		return (struct elf_range){0};
	return (struct elf_range){.data = whole->data + from, .bytes = (size_t)(to - from)};
}

static bool find_section(const struct elf_file *f, struct elf_range *bytes)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	Elf64_Shdr section;

	*bytes = (struct elf_range){0};
	for (size_t i = 0; i < sizeof names / sizeof names[0] && !bytes->data; i++)
		if (elf_file_section_named(f, names[i], &section))
			*bytes = elf_file_contents(f, &section);
	return bytes->data;
}

/*
 * From Go 1.26 on only the module's data say where the code begins: a pointer to the table, six slices, a pointer, the first and the last
 * address, and it.
 */
static uint64_t text_of_module(const struct elf_file *f, const struct elf_range *table)
{
	Elf64_Shdr section;

	if (!elf_file_section_named(f, ".go.module", &section))
		return 0;
	struct elf_range bytes = elf_file_contents(f, &section);
	struct cursor c = cursor_over(bytes.data, bytes.bytes);
	uint64_t header = cursor_u64(&c);
	cursor_skip(&c, 6 * 24 + 8);
	uint64_t first = cursor_u64(&c), last = cursor_u64(&c), text = cursor_u64(&c);
	bool known = !c.failed && header == table->address && text <= first && first < last;
	return known ? text : 0;
}

bool go_table_open(struct go_table *t, const struct elf_file *f)
{
	struct elf_range whole;

	*t = (struct go_table){0};
	if (!find_section(f, &whole))
		return false;
	struct cursor c = cursor_over(whole.data, whole.bytes);
	uint32_t magic = cursor_u32(&c);
	cursor_skip(&c, 3);
	uint8_t pointer_bytes = cursor_u8(&c);
	uint64_t n = cursor_u64(&c);
	cursor_u64(&c); /* files */
	t->text = cursor_u64(&c);
	uint64_t names = cursor_u64(&c), units = cursor_u64(&c);
	cursor_skip(&c, 16); /* files, and tables by address */
	uint64_t functions = cursor_u64(&c);
	if (c.failed || (magic != MAGIC_1_18 && magic != MAGIC_1_20) || pointer_bytes != 8)
		return false;
	if (!t->text)
		t->text = text_of_module(f, &whole);
	t->names = part(&whole, names, units);
	t->functions = part(&whole, functions, whole.bytes);
	t->n = n < t->functions.bytes / ROW_BYTES ? (uint32_t)n : 0;
	return t->text && t->n && t->names.data;
}

bool go_table_function(const struct go_table *t, uint32_t i, struct go_function *function)
{
	struct cursor row = cursor_over(t->functions.data, t->functions.bytes), c = row;

	if (i >= t->n)
		return false;
	cursor_seek(&row, (size_t)i * ROW_BYTES);
	uint32_t begin = cursor_u32(&row), described = cursor_u32(&row);
	uint32_t end = cursor_u32(&row); /* the next one's begin; behind the last row there is one more */
	cursor_seek(&c, described);
	uint32_t same = cursor_u32(&c);
	*function = (struct go_function){t->text + begin, end - begin, cursor_u32(&c)};
	return !row.failed && !c.failed && same == begin && end > begin;
}
