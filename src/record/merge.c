/* SPDX-License-Identifier: Apache-2.0 */
#include "record/merge.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/intern.h"
#include "record/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct merge {
	uint32_t loops;
	struct intern *frames, *stacks; /* by content; id + 1 is the output's number */
	struct bytes key;
};

struct merge *merge_new(void)
{
	struct merge *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->frames = intern_new();
	m->stacks = intern_new();
	if (m->frames && m->stacks)
		return m;
	merge_free(m);
	return NULL;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	intern_free(m->frames);
	intern_free(m->stacks);
	bytes_free(&m->key);
	free(m);
}

void numbering_free(struct numbering *in)
{
	free(in->loops);
	free(in->frames);
	free(in->stacks);
	*in = (struct numbering){0};
}

static int numbering_set(uint32_t **ids, size_t *cap, uint32_t id, uint32_t number)
{
	if (!array_reserve(ids, cap, (size_t)id + 1, sizeof **ids))
		return -ENOMEM;
	(*ids)[id] = number;
	return 0;
}

static int renumber(void *context, enum field_type type, uint32_t *id)
{
	const struct numbering *in = context;
	const uint32_t *ids = type == FIELD_LOOP ? in->loops : type == FIELD_FRAME ? in->frames : in->stacks;
	size_t cap = type == FIELD_LOOP	   ? in->loops_cap
		     : type == FIELD_FRAME ? in->frames_cap
					   : in->stacks_cap;
	if (*id >= cap || !ids[*id])
		return -EINVAL;
	*id = ids[*id];
	return 0;
}

static int merge_loop(struct merge *m, struct numbering *in, struct fact_loop *loop)
{
	uint32_t number = loop->id < in->loops_cap ? in->loops[loop->id] : 0;
	if (!number) {
		number = ++m->loops;
		if (numbering_set(&in->loops, &in->loops_cap, loop->id, number))
			return -ENOMEM;
	}
	loop->id = number;
	return 1;
}

static void put_text(struct bytes *key, const char *text)
{
	bytes_put(key, text, strlen(text) + 1);
}

static void frame_key(struct bytes *key, const struct fact_frame *frame)
{
	bytes_clear(key);
	put_text(key, frame->function);
	put_text(key, frame->object);
	put_text(key, frame->file);
	bytes_printf(key, "%u %u %llu %u %u %d", frame->kind, frame->method,
		     (unsigned long long)frame->offset, frame->line, frame->begins, frame->application);
}

static void stack_key(struct bytes *key, const struct fact_stack *stack)
{
	bytes_clear(key);
	bytes_put(key, &stack->state, sizeof stack->state);
	bytes_put(key, stack->frames, stack->n * sizeof *stack->frames);
}

/* The output's number for the key; *is_new if it had none. 0 without memory. */
static uint32_t number_of(struct intern *known, const struct bytes *key, bool *is_new)
{
	uint32_t before = intern_count(known);
	uint32_t id = bytes_ok(key) ? intern_id(known, key->data, key->len) : INTERN_NONE;
	*is_new = id == before;
	return id == INTERN_NONE ? 0 : id + 1;
}

static int merge_frame(struct merge *m, struct numbering *in, struct fact_frame *frame)
{
	bool is_new;
	frame_key(&m->key, frame);
	uint32_t number = number_of(m->frames, &m->key, &is_new);
	if (!number || numbering_set(&in->frames, &in->frames_cap, frame->id, number))
		return -ENOMEM;
	frame->id = number;
	return is_new;
}

static int merge_stack(struct merge *m, struct numbering *in, struct fact_stack *stack)
{
	bool is_new;
	stack_key(&m->key, stack);
	uint32_t number = number_of(m->stacks, &m->key, &is_new);
	if (!number || numbering_set(&in->stacks, &in->stacks_cap, stack->id, number))
		return -ENOMEM;
	stack->id = number;
	return is_new;
}

int merge_fact(struct merge *m, struct numbering *in, struct fact *f)
{
	int err = fact_visit_references(f, renumber, in);
	if (err)
		return err;
	switch (f->kind) {
	case FACT_LOOP: return merge_loop(m, in, &f->loop);
	case FACT_FRAME: return merge_frame(m, in, &f->frame);
	case FACT_STACK: return merge_stack(m, in, &f->stack);
	default: return 1;
	}
}
