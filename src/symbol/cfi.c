/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and parsing the records. What their instructions mean is in cfi_step.c. */
#include "symbol/cfi.h"

#include "base/array.h"
#include "symbol/inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* DW_EH_PE: the low nibble is the form, the next three bits what it is relative to. */
enum {
	PE_OMIT = 0xff,
	PE_FORM = 0x0f,
	PE_BASE = 0x70,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_INDIRECT = 0x80,
	PE_ULEB = 0x01,
	PE_UDATA2,
	PE_UDATA4,
	PE_UDATA8,
	PE_SLEB = 0x09,
	PE_SDATA2,
	PE_SDATA4,
	PE_SDATA8,
};

static uint64_t read_form(struct cursor *c, uint8_t form)
{
	switch (form) {
	case 0:
	case PE_UDATA8:
	case PE_SDATA8: return cursor_u64(c);
	case PE_ULEB: return cursor_uleb(c);
	case PE_SLEB: return (uint64_t)cursor_sleb(c);
	case PE_UDATA2: return cursor_u16(c);
	case PE_SDATA2: return (uint64_t)(int16_t)cursor_u16(c);
	case PE_UDATA4: return cursor_u32(c);
	case PE_SDATA4: return (uint64_t)(int32_t)cursor_u32(c);
	}
	c->failed = true;
	return 0;
}

/*
 * address: of the cursor's start. An indirect pointer is read and given back as it is: only personality
 * routines are.
 */
static uint64_t read_pointer(struct cursor *c, uint8_t encoding, uint64_t address, uint64_t data_base)
{
	if (encoding == PE_OMIT)
		return 0;
	uint64_t here = address + (uint64_t)(c->at - c->start);
	uint64_t value = read_form(c, encoding & PE_FORM);
	switch (encoding & PE_BASE) {
	case 0: return value;
	case PE_PCREL: return value + here;
	case PE_DATAREL: return value + data_base;
	}
	c->failed = true;
	return 0;
}

/* What the head of a record or of a CIE says. */
struct entry {
	struct cursor
		body; /* starts at the section's start, stands behind the CIE field, ends with the entry */
	size_t next;
	bool empty, is_cie;
	size_t cie; /* offset of the CIE, unless is_cie */
};

static bool open_entry(const struct cfi_section *s, size_t offset, struct entry *e)
{
	if (!s->bytes.data)
		return false;
	struct cursor c = cursor_over(s->bytes.data, s->bytes.bytes);
	cursor_seek(&c, offset);
	uint64_t length = cursor_u32(&c);
	bool wide = length == UINT32_MAX;
	if (wide)
		length = cursor_u64(&c);
	if (c.failed || length > cursor_left(&c))
		return false;
	size_t field = (size_t)(c.at - c.start);
	*e = (struct entry){.next = field + (size_t)length, .empty = !length, .body = c};
	if (e->empty)
		return true;
	e->body.end = c.at + length;

	bool wide_id = wide && s->is_debug;
	uint64_t id = wide_id ? cursor_u64(&e->body) : cursor_u32(&e->body);
	if (s->is_debug) {
		e->is_cie = id == (wide_id ? UINT64_MAX : UINT32_MAX);
		e->cie = (size_t)id;
	} else {
		e->is_cie = !id;
		e->cie = field - (size_t)id; /* wraps for a hostile id: the seek then fails */
	}
	return !e->body.failed;
}

static void read_augmentation(struct cfi_record *r, struct cursor *c, const char *letters, uint64_t data_base)
{
	uint64_t bytes = cursor_uleb(c);
	struct cursor data = *c;
	if (!cursor_skip(c, bytes))
		return;
	data.end = c->at;
	for (; *letters && !data.failed; letters++) {
		if (*letters == 'R')
			r->pointer_encoding = cursor_u8(&data);
		else if (*letters == 'L')
			cursor_u8(&data);
		else if (*letters == 'P')
			read_pointer(&data, cursor_u8(&data), r->section->bytes.address, data_base);
		else if (*letters == 'S')
			r->signal_frame = true;
		else if (*letters != 'B' && *letters != 'G') /* arm64: signing key, tagged stack; no data */
			return;
	}
}

static bool parse_cie(struct cfi_record *r, size_t offset, uint64_t data_base)
{
	struct entry e;
	if (!open_entry(r->section, offset, &e) || !e.is_cie)
		return false;
	struct cursor *c = &e.body;
	uint8_t version = cursor_u8(c);
	const char *letters = cursor_text(c);
	if (!letters || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4 && cursor_u16(c) != 8) /* bytes of an address, and of a segment */
		return false;
	if (!strncmp(letters, "eh", 2)) {
		cursor_u64(c);
		letters += 2;
	}
	r->code_align = cursor_uleb(c);
	r->data_align = cursor_sleb(c);
	r->return_column = version == 1 ? cursor_u8(c) : cursor_uleb(c);
	r->augmented = *letters == 'z';
	if (r->augmented)
		read_augmentation(r, c, letters + 1, data_base);
	r->initial = *c;
	return !c->failed;
}

/* False for a CIE, a terminator and anything malformed. */
static bool parse_record(const struct cfi_section *s, size_t offset, uint64_t data_base, struct cfi_record *r)
{
	struct entry e;
	if (!open_entry(s, offset, &e) || e.empty || e.is_cie)
		return false;
	*r = (struct cfi_record){.section = s};
	if (!parse_cie(r, e.cie, data_base))
		return false;
	struct cursor *c = &e.body;
	r->start = read_pointer(c, r->pointer_encoding, s->bytes.address, data_base);
	r->end = r->start + read_form(c, r->pointer_encoding & PE_FORM);
	if (r->augmented)
		cursor_skip(c, cursor_uleb(c));
	r->program = *c;
	return !c->failed && r->start < r->end && !(r->pointer_encoding & PE_INDIRECT);
}

static int by_start(const void *a, const void *b)
{
	const struct cfi_index_entry *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int build_index(struct cfi_section *s, uint64_t data_base)
{
	struct entry e;
	for (size_t at = 0; s->n_index < CFI_MAX_RECORDS && open_entry(s, at, &e); at = e.next) {
		struct cfi_record r;
		if (!parse_record(s, at, data_base, &r))
			continue;
		if (!array_reserve(&s->index, &s->cap_index, s->n_index + 1, sizeof *s->index))
			return -ENOMEM;
		s->index[s->n_index++] = (struct cfi_index_entry){r.start, at};
	}
	if (s->n_index)
		qsort(s->index, s->n_index, sizeof *s->index, by_start);
	return 0;
}

/*
 * .eh_frame_hdr names .eh_frame and may hold a sorted table. Anything unusual in it: as if there were no
 * table.
 */
static void read_header(struct cfi *c, const struct elf_file *f)
{
	struct cursor h = cursor_over(c->header.data, c->header.bytes);
	uint8_t version = cursor_u8(&h), frame_encoding = cursor_u8(&h);
	uint8_t count_encoding = cursor_u8(&h), table_encoding = cursor_u8(&h);
	uint64_t frame = read_pointer(&h, frame_encoding, c->header.address, c->header.address);
	if (h.failed || version != 1)
		return;
	c->eh_frame.bytes = elf_file_at(f, frame);

	uint64_t count = read_pointer(&h, count_encoding, c->header.address, c->header.address);
	if (h.failed || count_encoding == PE_OMIT || table_encoding != (PE_DATAREL | PE_SDATA4) ||
	    count > cursor_left(&h) / 8)
		return;
	c->table = (size_t)(h.at - h.start);
	c->n_table = (size_t)count;
}

static int open_debug_frame(struct cfi *c, const struct elf_file *f)
{
	Elf64_Shdr section;
	if (!elf_file_section_named(f, ".debug_frame", &section))
		return 0;
	struct elf_range bytes = elf_file_contents(f, &section);
	if (section.sh_flags & SHF_COMPRESSED) {
		int err = section_inflate(&bytes, &c->inflated);
		if (err)
			return err == -ENOMEM ? err : 0;
	}
	c->debug_frame.bytes = bytes;
	return build_index(&c->debug_frame, 0);
}

int cfi_open(struct cfi *c, const struct elf_file *f)
{
	Elf64_Shdr section;
	int err = 0;

	*c = (struct cfi){.header = f->eh_frame_hdr, .debug_frame.is_debug = true};
	if (c->header.data)
		read_header(c, f);
	if (!c->eh_frame.bytes.data && elf_file_section_named(f, ".eh_frame", &section))
		c->eh_frame.bytes = elf_file_contents(f, &section);
	if (!c->n_table)
		err = build_index(&c->eh_frame, c->header.address);
	if (!err)
		err = open_debug_frame(c, f);
	if (err)
		cfi_close(c);
	else if (c->eh_frame.bytes.data)
		c->eh_frame.memo = cfi_memo_new();
	return err;
}

void cfi_close(struct cfi *c)
{
	free(c->eh_frame.memo);
	free(c->eh_frame.index);
	free(c->debug_frame.index);
	free(c->inflated);
	*c = (struct cfi){0};
}

/* Start of the n-th pair, a 32-bit offset from the header. */
static uint64_t table_start(const struct cfi *c, size_t n, uint64_t *record)
{
	int32_t pair[2];
	memcpy(pair, c->header.data + c->table + n * sizeof pair, sizeof pair);
	*record = c->header.address + (uint64_t)(int64_t)pair[1];
	return c->header.address + (uint64_t)(int64_t)pair[0];
}

static bool find_in_table(const struct cfi *c, uint64_t address, struct cfi_record *r)
{
	size_t low = 0, high = c->n_table;
	uint64_t record;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (table_start(c, mid, &record) <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return false;
	table_start(c, low - 1, &record);
	return parse_record(&c->eh_frame, (size_t)(record - c->eh_frame.bytes.address), c->header.address, r);
}

static bool find_in_index(const struct cfi_section *s, uint64_t address, uint64_t data_base,
			  struct cfi_record *r)
{
	size_t low = 0, high = s->n_index;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->index[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low && parse_record(s, s->index[low - 1].offset, data_base, r);
}

static bool covers(const struct cfi_record *r, uint64_t address)
{
	return address >= r->start && address < r->end;
}

bool cfi_find(const struct cfi *c, uint64_t address, struct cfi_record *r)
{
	if (c->n_table && find_in_table(c, address, r) && covers(r, address))
		return true;
	if (find_in_index(&c->eh_frame, address, c->header.address, r) && covers(r, address))
		return true;
	return find_in_index(&c->debug_frame, address, 0, r) && covers(r, address);
}
