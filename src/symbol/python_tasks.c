/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_tasks.h"

#include "base/array.h"

#include <string.h>

#define BASES_MAX 8 /* of a class derived from Task */

/* --- a set of weak references (3.8 to 3.13) */

/* Their number is in the set. How many are not done is told by some of them: by all if they are few, else by these. */
#define CHUNKS	    64
#define CHUNK_SLOTS 64
#define SAMPLES	    256

#define FREED (~0ull) /* hash of a slot whose object was taken out; an object has never this one */

struct slot {
	uint64_t object, hash;
};

struct set_head {
	uint64_t used, mask, table;
};

struct sample {
	uint64_t n, pending;
	uint64_t type; /* the last one that was found to be that of tasks */
};

static bool read_set(const struct python_space *p, uint64_t set, struct set_head *h)
{
	return python_is_a(p, set, p->set_type) && python_read(p, set + p->offsets.set_used, h, sizeof *h) &&
	       h->mask < PYTHON_TASKS_SLOTS_MAX && !(h->mask & (h->mask + 1)) && h->used <= h->mask + 1;
}

static bool is_task_type(const struct python_space *p, struct sample *s, uint64_t type, uint64_t wanted)
{
	uint64_t base = type;

	for (unsigned i = 0; base && base != wanted && base != s->type && i < BASES_MAX; i++)
		if (!python_read_word(p, base + p->offsets.type_base, &base))
			return false;
	if (!base || (base != wanted && base != s->type))
		return false;
	s->type = type;
	return true;
}

/* A reference to a task that is gone refers to None; one that is not asyncio's, or derived from it, has no known state. */
static bool sample_reference(const struct python_space *p, struct sample *s, uint64_t reference,
			     uint64_t wanted)
{
	const struct python_offsets *o = &p->offsets;
	uint64_t task, type;
	uint32_t state;

	if (!python_read_word(p, reference + o->object_size, &task) ||
	    !python_read_word(p, task + o->object_type, &type))
		return false;
	s->n++;
	if (!is_task_type(p, s, type, wanted))
		return true;
	if (!python_read(p, task + o->task_state, &state, sizeof state))
		return false;
	s->pending += !state;
	return true;
}

static bool sample_chunk(const struct python_space *p, struct sample *s, uint64_t at, uint64_t n,
			 uint64_t most, uint64_t wanted)
{
	struct slot slots[CHUNK_SLOTS];

	if (!python_read(p, at, slots, n * sizeof slots[0]))
		return false;
	for (uint64_t i = 0; i < n && most; i++) {
		if (!slots[i].object || slots[i].hash == FREED)
			continue;
		most--;
		if (!sample_reference(p, s, slots[i].object, wanted))
			return false;
	}
	return true;
}

/* Each time at the same places, so that it is the number that changes and not the sample. */
static bool sample_set(const struct python_space *p, struct sample *s, const struct set_head *h,
		       uint64_t wanted)
{
	const uint64_t slots = h->mask + 1, n = slots < CHUNK_SLOTS ? slots : CHUNK_SLOTS;
	const uint64_t step = slots > CHUNK_SLOTS * CHUNKS ? slots / CHUNKS : n;
	const uint64_t most = h->used <= SAMPLES ? n : SAMPLES / CHUNKS;

	for (uint64_t at = 0; at < slots; at += step)
		if (!sample_chunk(p, s, h->table + at * sizeof(struct slot), n, most, wanted))
			return false;
	return s->n;
}

/* A table that has grown meanwhile has left another one behind, which may be anything by now. */
static bool count_set(const struct python_space *p, const struct python_tasks *tasks,
		      struct python_task_count *count)
{
	struct set_head before, after;
	struct sample s = {0};

	if (!read_set(p, tasks->set, &before))
		return false;
	if (before.used && !sample_set(p, &s, &before, tasks->type))
		return false;
	count->n = s.pending < s.n ? (uint64_t)((double)before.used * (double)s.pending / (double)s.n + 0.5)
				   : before.used;
	return read_set(p, tasks->set, &after) && after.table == before.table && after.mask == before.mask;
}

/* --- rings (from 3.14 on), read by pages: tasks that were made one after the other lie together */

#define PAGE_BYTES  4096u
#define THREADS_MAX 4096
#define TRIES	    3 /* of a ring that changes while it is walked */

struct walk {
	const struct python_space *p;
	unsigned reads;
	bool spent; /* it has ended early */
	uint64_t pending, visited;
	uint64_t page_address;
	bool has_page;
	unsigned char page[PAGE_BYTES];
};

struct node {
	uint64_t next, previous;
};

static bool walk_may_read(struct walk *w)
{
	w->spent |= w->reads >= PYTHON_TASKS_READS_MAX;
	w->reads++;
	return !w->spent;
}

static bool walk_read(struct walk *w, uint64_t address, void *to, size_t bytes)
{
	uint64_t at = address % PAGE_BYTES;

	if (at + bytes > PAGE_BYTES)
		return walk_may_read(w) && python_read(w->p, address, to, bytes);
	if (!w->has_page || w->page_address != address - at) {
		w->page_address = address - at;
		w->has_page = walk_may_read(w) && python_read(w->p, w->page_address, w->page, PAGE_BYTES);
	}
	if (w->has_page)
		memcpy(to, w->page + at, bytes);
	return w->has_page;
}

/* Each node has to know the one that led to it: one that was taken out, or is something else by now, does not. */
static bool walk_node(struct walk *w, uint64_t at, uint64_t from, struct node *node)
{
	const struct python_offsets *o = &w->p->offsets;
	uint32_t state;

	if (!walk_read(w, at, node, sizeof *node) || node->previous != from ||
	    !walk_read(w, at - o->task_node + o->task_state, &state, sizeof state))
		return false;
	w->visited++;
	w->pending += !state;
	return true;
}

/* False: it changed. */
static bool walk_ring(struct walk *w, uint64_t head)
{
	struct node node;
	uint64_t at = head, from;

	if (!walk_may_read(w) || !python_read(w->p, head, &node, sizeof node))
		return w->spent;
	while (node.next != head) {
		from = at;
		at = node.next;
		w->spent |= w->visited >= PYTHON_TASKS_MAX;
		if (w->spent || !walk_node(w, at, from, &node))
			return w->spent;
	}
	return true;
}

static bool count_ring(struct walk *w, uint64_t head)
{
	const uint64_t pending = w->pending, visited = w->visited;

	for (unsigned i = 0; i < TRIES; i++) {
		w->pending = pending;
		w->visited = visited;
		w->has_page = false;
		if (walk_ring(w, head))
			return true;
	}
	return false;
}

static bool walk_rings(struct walk *w)
{
	const struct python_offsets *o = &w->p->offsets;
	uint64_t interp = python_main_interpreter(w->p), thread;

	if (!interp || !count_ring(w, interp + o->interp_tasks) ||
	    !python_read_word(w->p, interp + o->interp_threads, &thread))
		return false;
	for (unsigned i = 0; thread && i < THREADS_MAX && !w->spent; i++)
		if (!count_ring(w, thread + o->thread_tasks) ||
		    !python_read_word(w->p, thread + o->thread_next, &thread))
			return false;
	w->spent |= thread != 0;
	return true;
}

static bool count_rings(const struct python_space *p, struct python_task_count *count)
{
	struct walk w = {.p = p};
	bool is_whole = walk_rings(&w);

	*count = (struct python_task_count){.n = w.pending, .at_least = w.spent};
	return is_whole;
}

/* --- the interface */

static bool are_linked(const struct python_space *p)
{
	return p->offsets.thread_tasks != PYTHON_NO_MEMBER;
}

void python_tasks_find(const struct python_space *p, struct python_tasks *tasks)
{
	static const char *const names[] = {"_scheduled_tasks", "_all_tasks"}; /* 3.12 and 3.13; before */
	uint64_t all = 0;

	*tasks = (struct python_tasks){0};
	if (p->offsets.attributes == PYTHON_NO_MEMBER && p->offsets.type_keys == PYTHON_NO_MEMBER)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names) && !all; i++)
		all = python_module_get(p, "_asyncio", names[i]);
	if (!all)
		return;
	tasks->set = python_attribute_get(p, all, "data");
	tasks->type = python_module_get(p, "_asyncio", "Task");
}

bool python_tasks_count(const struct python_space *p, const struct python_tasks *tasks,
			struct python_task_count *count)
{
	*count = (struct python_task_count){0};
	if (are_linked(p))
		return count_rings(p, count);
	return tasks->set && tasks->type && count_set(p, tasks, count);
}
