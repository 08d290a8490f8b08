/* SPDX-License-Identifier: Apache-2.0 */
/*
 * V8's memory from nowhere good. A heap that a version could have, of which the bytes change any words: types, lengths, where things
 * lie, contents. The rest of the bytes are its tables.
 */
#include "must.h"

#include "tests/unit/v8_heap.h"

#define PATCH_BYTES 6 /* which word, and what it becomes */
#define PATCHES_MAX 64
#define NEAR_BYTES  0x8000u /* all of the heap's objects lie within */

static void decode_tables(const struct v8_space *v, const uint8_t *data, size_t size)
{
	size_t half = size / 2;
	struct v8_position position;
	uint32_t offset;

	for (uint32_t at = 0; at < 4096; at += 31) {
		if (v8_position_at(data, size, at, &position))
			must(position.offset < 1u << 30 && position.inlining >= -1 &&
			     position.inlining < 0xffff);
		if (v8_bytecode_at(v, data, half, data + half, size - half, at, &offset))
			must(offset < size - half);
	}
}

/* Small words are made to refer to objects, or to be small integers; large ones stay as they are. */
static uint64_t value_of(const uint8_t *patch)
{
	uint32_t low = patch[2] | patch[3] << 8 | patch[4] << 16;

	switch (patch[5] % 4) {
	case 0: return HEAP_START + (low % NEAR_BYTES & ~7u) + 1 + (patch[5] & 64 ? 2 : 0);
	case 1: return heap_smi(low);
	case 2: return (uint64_t)low << 40 | low;
	default: return low;
	}
}

static void change(struct v8_heap *h, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + PATCH_BYTES <= size && i < PATCHES_MAX * PATCH_BYTES; i += PATCH_BYTES) {
		uint32_t at = (data[i] | data[i + 1] << 8) * 8u % NEAR_BYTES;
		uint64_t word = value_of(data + i);
		heap_put(h, HEAP_START + at, &word, sizeof word);
	}
}

static void name(struct v8_heap *h, const struct v8_frame *frame)
{
	struct v8_level levels[V8_LEVELS_MAX], again[V8_LEVELS_MAX];
	uint32_t ids[V8_LEVELS_MAX], n = v8_frame_name(&h->names, frame, levels);

	must(n <= V8_LEVELS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = levels[i].function->id;
		must(ids[i] && ids[i] < h->next_id);
		must(strlen(levels[i].function->function) <= 16 * 4 * V8_TEXT_BYTES);
		must(strlen(levels[i].function->file) <= 16 * 4 * V8_TEXT_BYTES);
	}
	must(v8_frame_name(&h->names, frame, again) == n);
	for (uint32_t i = 0; i < n; i++)
		must(again[i].function->id == ids[i]);
}

static void name_frames(struct v8_heap *h, const uint8_t *data)
{
	struct v8_frame frames[] = {heap_interpreted(h), heap_compiled(h, h->baseline_start),
				    heap_compiled(h, h->optimised_start)};

	for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		frames[i].exact = data[1] & 1;
		frames[i].pc += data[2];
		if (data[1] & 2)
			frames[i].closure = h->other_closure;
		if (data[1] & 4)
			frames[i].root = HEAP_ROOT;
		name(h, &frames[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned rows[][2] = {{10, 2}, {11, 3}, {12, 4}, {13, 6}};
	static int memory = -1;

	if (memory < 0)
		memory = memfd_create("memory", MFD_CLOEXEC);
	if (size < 4)
		return 0;
	struct v8_heap h = {.names.space.memory = memory};
	heap_fill(&h, v8_offsets_of(rows[data[0] % 4][0], rows[data[0] % 4][1]));
	must(h.next < HEAP_START + NEAR_BYTES);
	decode_tables(&h.names.space, data + 3, size - 3);
	change(&h, data + 3, size - 3);
	name_frames(&h, data);
	v8_names_clear(&h.names);
	return 0;
}
