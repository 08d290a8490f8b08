/* SPDX-License-Identifier: Apache-2.0 */
/* Items live in pages that never move, so that a looked-up pointer stays valid while more are taken. */
#include "model/dictionary.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ITEMS 256

/* Numbered items of one size, from 1 without holes. */
struct shelf {
	char **pages;
	size_t n_pages, cap;
	uint32_t n;
};

struct dictionary {
	struct shelf loops; /* pointers; NULL: forgotten */
	struct shelf frames, stacks;
};

static const struct fact_loop forgotten = {
	.comm = "",
	.process = "ended",
	.runtime = "",
	.wait_call = "",
	.container = "",
	.unit = "",
	.gone = true,
};

static void *shelf_at(const struct shelf *s, uint32_t id, size_t item_bytes)
{
	if (!id || id > s->n)
		return NULL;
	return s->pages[(id - 1) / PAGE_ITEMS] + (id - 1) % PAGE_ITEMS * item_bytes;
}

/* Room for the next item, not yet counted: the caller raises n once the item is whole. */
static void *shelf_room(struct shelf *s, size_t item_bytes)
{
	size_t page = s->n / PAGE_ITEMS;
	if (page == s->n_pages) {
		if (!array_reserve(&s->pages, &s->cap, page + 1, sizeof *s->pages))
			return NULL;
		s->pages[page] = calloc(PAGE_ITEMS, item_bytes);
		if (!s->pages[page])
			return NULL;
		s->n_pages++;
	}
	return s->pages[page] + s->n % PAGE_ITEMS * item_bytes;
}

static void shelf_free(struct shelf *s)
{
	for (size_t i = 0; i < s->n_pages; i++)
		free(s->pages[i]);
	free(s->pages);
}

struct dictionary *dictionary_new(void)
{
	return calloc(1, sizeof(struct dictionary));
}

void dictionary_free(struct dictionary *d)
{
	if (!d)
		return;
	for (uint32_t id = 1; id <= d->loops.n; id++)
		dictionary_forget_loop(d, id);
	for (uint32_t id = 1; id <= d->stacks.n; id++)
		free((void *)((struct fact_stack *)shelf_at(&d->stacks, id, sizeof(struct fact_stack)))
			     ->frames);
	shelf_free(&d->loops);
	shelf_free(&d->frames);
	shelf_free(&d->stacks);
	free(d);
}

static int take_loop(struct dictionary *d, const struct fact_loop *loop)
{
	struct fact_loop **at = shelf_at(&d->loops, loop->id, sizeof *at);
	if (!at && loop->id != d->loops.n + 1)
		return -EINVAL;
	if (!at)
		at = shelf_room(&d->loops, sizeof *at);
	if (!at || (!*at && !(*at = malloc(sizeof **at))))
		return -ENOMEM;
	**at = *loop;
	if (loop->id > d->loops.n)
		d->loops.n++;
	return 0;
}

static int take_frame(struct dictionary *d, const struct fact_frame *frame)
{
	if (frame->id != d->frames.n + 1)
		return -EINVAL;
	struct fact_frame *kept = shelf_room(&d->frames, sizeof *kept);
	if (!kept)
		return -ENOMEM;
	*kept = *frame;
	d->frames.n++;
	return 0;
}

static int take_stack(struct dictionary *d, const struct fact_stack *stack)
{
	if (stack->id != d->stacks.n + 1 || stack->n > FACT_MAX_FRAMES)
		return -EINVAL;
	for (uint32_t i = 0; i < stack->n; i++)
		if (!stack->frames[i] || stack->frames[i] > d->frames.n)
			return -EINVAL;
	uint32_t *frames = NULL;
	if (stack->n) {
		frames = malloc(stack->n * sizeof *frames);
		if (!frames)
			return -ENOMEM;
		memcpy(frames, stack->frames, stack->n * sizeof *frames);
	}
	struct fact_stack *kept = shelf_room(&d->stacks, sizeof *kept);
	if (!kept) {
		free(frames);
		return -ENOMEM;
	}
	*kept = *stack;
	kept->frames = frames;
	d->stacks.n++;
	return 0;
}

int dictionary_take(struct dictionary *d, const struct fact *f)
{
	switch (f->kind) {
	case FACT_LOOP: return take_loop(d, &f->loop);
	case FACT_FRAME: return take_frame(d, &f->frame);
	case FACT_STACK: return take_stack(d, &f->stack);
	default: return 0;
	}
}

const struct fact_loop *dictionary_loop(const struct dictionary *d, uint32_t id)
{
	struct fact_loop **at = shelf_at(&d->loops, id, sizeof *at);
	return !at ? NULL : *at ? *at : &forgotten;
}

void dictionary_forget_loop(struct dictionary *d, uint32_t id)
{
	struct fact_loop **at = shelf_at(&d->loops, id, sizeof *at);
	if (!at)
		return;
	free(*at);
	*at = NULL;
}

const struct fact_frame *dictionary_frame(const struct dictionary *d, uint32_t id)
{
	return shelf_at(&d->frames, id, sizeof(struct fact_frame));
}

const struct fact_stack *dictionary_stack(const struct dictionary *d, uint32_t id)
{
	return shelf_at(&d->stacks, id, sizeof(struct fact_stack));
}

uint32_t dictionary_loops(const struct dictionary *d)
{
	return d->loops.n;
}

uint32_t dictionary_frames(const struct dictionary *d)
{
	return d->frames.n;
}

uint32_t dictionary_stacks(const struct dictionary *d)
{
	return d->stacks.n;
}
