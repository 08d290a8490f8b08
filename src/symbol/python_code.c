/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_code.h"

#include "symbol/python_lines.h"

#include <stdlib.h>
#include <string.h>

#define CODES_MAX                                                                                            \
	16384 /* per process; a large application has some 50,000 functions, few of them on a stack */
#define LINES_MAX_BYTES (1u << 20)
#define UNIT_BYTES	2 /* of an instruction */

/* The members of a code object that make it the same one. */
struct code_head {
	uint64_t lines, file, name, qualname, n_units;
	uint32_t first_line, number;
};

struct entry {
	struct code_head head;
	uint64_t checked_ns;
	uint32_t id;
	char *function, *file;
	struct bytes lines;
};

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	free(e->function);
	free(e->file);
	bytes_free(&e->lines);
	free(e);
}

void python_codes_clear(struct python_codes *codes)
{
	size_t at = 0;
	struct entry *e;
	while ((e = idmap_next(&codes->by_address, &at, NULL)))
		entry_free(e);
	idmap_free(&codes->by_address);
	codes->by_address = (struct idmap){0};
}

#define HEAD_BYTES 256 /* all members that are read lie in it */

static uint64_t word_at(const unsigned char *object, unsigned offset)
{
	uint64_t word = 0;
	if (offset + sizeof word <= HEAD_BYTES)
		memcpy(&word, object + offset, sizeof word);
	return word;
}

/* How many instructions: the object's own size from 3.11 on, before that of a bytes object. */
static bool read_units(const struct python_space *p, const unsigned char *object, uint64_t *n_units)
{
	const struct python_offsets *o = &p->offsets;
	uint64_t bytes, instructions = word_at(object, o->code_instructions);

	if (o->minor >= 11) {
		*n_units = word_at(object, o->object_size);
		return true;
	}
	if (!python_is_a(p, instructions, p->bytes_type) ||
	    !python_read_word(p, instructions + o->object_size, &bytes))
		return false;
	*n_units = bytes / UNIT_BYTES;
	return true;
}

/* Short of memory behind it a code object is still read: it may be the last thing in its page. */
static bool read_head(const struct python_space *p, uint64_t code, struct code_head *head)
{
	const struct python_offsets *o = &p->offsets;
	unsigned char object[HEAD_BYTES];
	size_t bytes = o->code_lines + sizeof(uint64_t);

	if (bytes > sizeof object || !python_read(p, code, object, bytes) ||
	    word_at(object, o->object_type) != p->code_type || !p->code_type)
		return false;
	memset(object + bytes, 0, sizeof object - bytes);
	*head = (struct code_head){
		.lines = word_at(object, o->code_lines),
		.file = word_at(object, o->code_file),
		.name = word_at(object, o->code_name),
		.first_line = (uint32_t)word_at(object, o->code_first_line),
	};
	if (o->code_number != PYTHON_NO_MEMBER)
		head->number = (uint32_t)word_at(object, o->code_number);
	if (o->code_qualname != PYTHON_NO_MEMBER)
		head->qualname = word_at(object, o->code_qualname);
	return read_units(p, object, &head->n_units);
}

static bool is_same(const struct code_head *a, const struct code_head *b)
{
	return a->lines == b->lines && a->file == b->file && a->name == b->name &&
	       a->qualname == b->qualname && a->n_units == b->n_units && a->first_line == b->first_line &&
	       a->number == b->number;
}

/* Of code that runs once the frame has kept which one it was. */
static bool is_marked(const struct python_offsets *o, const struct code_head *head, uint32_t mark)
{
	uint32_t lines = (uint32_t)head->lines, file = (uint32_t)head->file;

	return !mark ||
	       mark == (o->code_number != PYTHON_NO_MEMBER ? head->number : PYTHON_MARK_BOTH(lines, file));
}

static char *read_text(const struct python_space *p, uint64_t string, bool keep_end)
{
	struct bytes text = {0};
	char *copy = NULL;
	if (python_read_string(p, string, keep_end, &text))
		copy = strdup(bytes_text(&text));
	bytes_free(&text);
	return copy;
}

static struct entry *entry_read(struct python_codes *codes, const struct python_space *p,
				const struct code_head *head)
{
	struct entry *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->head = *head;
	e->function = read_text(p, head->qualname ? head->qualname : head->name, false);
	e->file = read_text(p, head->file, true);
	if (!e->function || !e->file || !python_read_bytes(p, head->lines, LINES_MAX_BYTES, &e->lines)) {
		entry_free(e);
		return NULL;
	}
	e->id = (*codes->next_id)++;
	return e;
}

/* The object was read in pieces: what it is now must be what it was before. */
static struct entry *entry_new(struct python_codes *codes, const struct python_space *p, uint64_t address,
			       const struct code_head *head)
{
	struct code_head again;
	struct entry *e = entry_read(codes, p, head);

	if (e && codes->by_address.n >= CODES_MAX)
		python_codes_clear(codes);
	if (e && read_head(p, address, &again) && is_same(head, &again) &&
	    idmap_put(&codes->by_address, address, e))
		return e;
	entry_free(e);
	return NULL;
}

/* In bytes from the first instruction; negative before the first. */
static int64_t instruction_offset(const struct python_offsets *o, const struct raw_python_frame *frame)
{
	int64_t instr = (int32_t)frame->instr;
	if (o->minor >= 11)
		return instr - o->code_instructions;
	return o->minor == 10 ? instr * UNIT_BYTES : instr;
}

void python_codes_begin(struct python_codes *codes, uint64_t taken_ns, uint64_t now_ns)
{
	codes->taken_ns = taken_ns;
	codes->now_ns = now_ns;
}

/* Read before this stack was taken, and found to be the same since. */
static bool is_checked(const struct python_codes *codes, const struct entry *e)
{
	return e && codes->taken_ns && e->checked_ns > codes->taken_ns;
}

bool python_code_find(struct python_codes *codes, const struct python_space *p,
		      const struct raw_python_frame *frame, struct python_code *code, uint32_t *line)
{
	uint64_t address = frame->code & RAW_PYTHON_CODE;
	int64_t offset = instruction_offset(&p->offsets, frame);
	struct entry *e = idmap_get(&codes->by_address, address);
	struct code_head head;

	bool checked = is_checked(codes, e);

	if (checked) {
		head = e->head;
	} else if (!read_head(p, address, &head)) {
		if (!e || python_is_alive(p))
			return false;
		head = e->head; /* the process has ended: what it was last */
	}
	if (!is_marked(&p->offsets, &head, frame->mark) || offset < -UNIT_BYTES ||
	    offset >= (int64_t)(head.n_units * UNIT_BYTES))
		return false;
	if (e && !is_same(&e->head, &head)) {
		entry_free(idmap_take(&codes->by_address, address));
		e = NULL;
	}
	if (!e)
		e = entry_new(codes, p, address, &head);
	if (!e)
		return false;
	if (!checked)
		e->checked_ns = codes->now_ns;
	*code = (struct python_code){e->id, (uint32_t)head.first_line, e->function, e->file};
	*line = python_line(p->offsets.minor, e->lines.data, e->lines.len, head.first_line, offset);
	return true;
}
