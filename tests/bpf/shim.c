/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KIND_HASH = 1,
	KIND_ARRAY = 2,
	KIND_CGROUP_ARRAY = 8,
	KIND_QUEUE = 22,
	KIND_RINGBUF = 27
}; /* enum bpf_map_type */

#define MAX_MAPS      32
#define MAX_RANGES    64
#define FIRST_ADDRESS 4096 /* below it nothing is mapped */

struct map {
	const void *definition;
	unsigned kind, key_bytes, value_bytes, entries;
	unsigned n;	/* hash: used; queue: waiting */
	unsigned first; /* queue */
	unsigned char *keys, *values;
	bool *used;
};

struct record {
	struct record *next;
	unsigned long bytes;
	bool submitted;
	unsigned char data[] __attribute__((aligned(8)));
};

static struct {
	struct map maps[MAX_MAPS];
	unsigned n_maps;
	unsigned long long now_ns, ring_bytes, waiting_bytes;
	void *task;
	unsigned tgid, tid;
	char comm[16];
	struct {
		uintptr_t from, to;
	} ranges[MAX_RANGES];
	unsigned n_ranges;
	struct record *oldest, *newest, *taken;
	unsigned long places, interrupt_at;
	void (*interrupt)(void *);
	void *interrupt_context;
} shim;

static void *make(size_t n, size_t bytes)
{
	void *made = calloc(n ? n : 1, bytes ? bytes : 1);
	if (!made)
		abort();
	return made;
}

void shim_start(unsigned long long start_ns, unsigned long long ring_bytes)
{
	shim_stop();
	shim.now_ns = start_ns;
	shim.ring_bytes = ring_bytes;
}

void shim_stop(void)
{
	for (unsigned i = 0; i < shim.n_maps; i++) {
		free(shim.maps[i].keys);
		free(shim.maps[i].values);
		free(shim.maps[i].used);
	}
	free(shim.taken);
	for (struct record *r = shim.oldest, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	memset(&shim, 0, sizeof shim);
}

/* --- maps */

void shim_map(const void *map, unsigned kind, unsigned key_bytes, unsigned value_bytes, unsigned entries)
{
	if (shim.n_maps == MAX_MAPS)
		abort();
	struct map *m = &shim.maps[shim.n_maps++];
	*m = (struct map){.definition = map,
			  .kind = kind,
			  .key_bytes = key_bytes,
			  .value_bytes = value_bytes,
			  .entries = entries};
	m->values = make(entries, value_bytes);
	m->keys = make(entries, key_bytes);
	m->used = make(entries, sizeof *m->used);
}

static struct map *map_of(const void *definition)
{
	for (unsigned i = 0; i < shim.n_maps; i++)
		if (shim.maps[i].definition == definition)
			return &shim.maps[i];
	fprintf(stderr, "shim: a map that nobody declared\n");
	abort();
}

unsigned shim_entries(const void *map)
{
	return map_of(map)->entries;
}

static void *value_at(const struct map *m, unsigned i)
{
	return m->values + (size_t)i * m->value_bytes;
}

/* The entry of a key, or the number of entries. */
static unsigned hash_find(const struct map *m, const void *key)
{
	unsigned i = 0;
	while (i < m->entries &&
	       !(m->used[i] && !memcmp(m->keys + (size_t)i * m->key_bytes, key, m->key_bytes)))
		i++;
	return i;
}

void *shim_lookup(const void *map, const void *key)
{
	struct map *m = map_of(map);
	unsigned at;

	shim_place();
	if (m->kind == KIND_ARRAY)
		memcpy(&at, key, sizeof at);
	else
		at = hash_find(m, key);
	return at < m->entries ? value_at(m, at) : NULL;
}

long shim_update(const void *map, const void *key, const void *value, unsigned long long flags)
{
	struct map *m = map_of(map);
	unsigned at = hash_find(m, key);

	if (m->kind != KIND_HASH)
		return -EINVAL;
	if (at < m->entries && flags == 1)
		return -EEXIST;
	if (at == m->entries)
		for (at = 0; at < m->entries && m->used[at]; at++)
			;
	if (at == m->entries)
		return -E2BIG;
	m->used[at] = true;
	memcpy(m->keys + (size_t)at * m->key_bytes, key, m->key_bytes);
	memcpy(value_at(m, at), value, m->value_bytes);
	return 0;
}

long shim_delete(const void *map, const void *key)
{
	struct map *m = map_of(map);
	unsigned at = hash_find(m, key);

	if (at == m->entries)
		return -ENOENT;
	m->used[at] = false;
	return 0;
}

long shim_push(const void *map, const void *value)
{
	struct map *m = map_of(map);

	if (m->n == m->entries)
		return -E2BIG;
	memcpy(value_at(m, (m->first + m->n++) % m->entries), value, m->value_bytes);
	return 0;
}

long shim_pop(const void *map, void *value)
{
	struct map *m = map_of(map);

	memset(value, 0, m->value_bytes);
	if (!m->n)
		return -ENOENT;
	memcpy(value, value_at(m, m->first), m->value_bytes);
	m->first = (m->first + 1) % m->entries;
	m->n--;
	return 0;
}

/* --- clock and task */

unsigned long long shim_now(void)
{
	return shim.now_ns;
}

void shim_advance(unsigned long long ns)
{
	shim.now_ns += ns;
}

void shim_run(void *task, unsigned tgid, unsigned tid, const char *comm)
{
	shim.task = task;
	shim.tgid = tgid;
	shim.tid = tid;
	memcpy(shim.comm, comm, strnlen(comm, sizeof shim.comm - 1) + 1);
}

void *shim_current(void)
{
	return shim.task;
}

unsigned long long shim_current_id(void)
{
	return (unsigned long long)shim.tgid << 32 | shim.tid;
}

long shim_current_comm(void *to, unsigned bytes)
{
	memset(to, 0, bytes);
	memcpy(to, shim.comm, bytes < sizeof shim.comm ? bytes : sizeof shim.comm);
	return 0;
}

/* --- memory */

long shim_read(void *to, unsigned bytes, const void *from)
{
	shim_place();
	if ((uintptr_t)from < FIRST_ADDRESS) {
		memset(to, 0, bytes);
		return -EFAULT;
	}
	memcpy(to, from, bytes);
	return 0;
}

static long copy_text(char *to, unsigned bytes, const char *from, size_t readable)
{
	size_t most = readable < bytes ? readable : bytes, n = strnlen(from, most);

	if (!bytes || (n == readable && n < bytes))
		return -EFAULT;
	if (n == bytes)
		n--;
	memcpy(to, from, n);
	to[n] = 0;
	return (long)n + 1;
}

long shim_read_text(void *to, unsigned bytes, const void *from)
{
	if ((uintptr_t)from < FIRST_ADDRESS)
		return -EFAULT;
	return copy_text(to, bytes, from, SIZE_MAX);
}

void shim_user_memory(const void *at, unsigned long bytes)
{
	if (shim.n_ranges == MAX_RANGES)
		abort();
	shim.ranges[shim.n_ranges].from = (uintptr_t)at;
	shim.ranges[shim.n_ranges++].to = (uintptr_t)at + bytes;
}

/* Bytes of user memory from an address on. */
static size_t user_bytes(const void *from)
{
	for (unsigned i = 0; i < shim.n_ranges; i++)
		if ((uintptr_t)from >= shim.ranges[i].from && (uintptr_t)from < shim.ranges[i].to)
			return shim.ranges[i].to - (uintptr_t)from;
	return 0;
}

long shim_read_user(void *to, unsigned bytes, const void *from)
{
	if (user_bytes(from) < bytes) {
		memset(to, 0, bytes);
		return -EFAULT;
	}
	memcpy(to, from, bytes);
	return 0;
}

long shim_read_user_text(void *to, unsigned bytes, const void *from)
{
	size_t readable = user_bytes(from);
	return readable ? copy_text(to, bytes, from, readable) : -EFAULT;
}

/* --- ring */

void *shim_reserve(unsigned long long bytes)
{
	if (shim.waiting_bytes + bytes > shim.ring_bytes)
		return NULL;
	struct record *r = malloc(sizeof *r + bytes);
	if (!r)
		abort();
	*r = (struct record){.bytes = bytes};
	memset(r->data, 0xa5, bytes);
	if (shim.newest)
		shim.newest->next = r;
	else
		shim.oldest = r;
	shim.newest = r;
	shim.waiting_bytes += bytes;
	return r->data;
}

void shim_submit(void *record)
{
	((struct record *)((char *)record - offsetof(struct record, data)))->submitted = true;
}

long shim_output(const void *record, unsigned long long bytes)
{
	void *to = shim_reserve(bytes);
	if (!to)
		return -EAGAIN;
	memcpy(to, record, bytes);
	shim_submit(to);
	return 0;
}

unsigned long long shim_waiting_bytes(void)
{
	return shim.waiting_bytes;
}

const void *shim_take(unsigned long *bytes)
{
	struct record *r = shim.oldest;

	free(shim.taken);
	shim.taken = NULL;
	if (!r || !r->submitted)
		return NULL;
	shim.oldest = r->next;
	if (!shim.oldest)
		shim.newest = NULL;
	shim.waiting_bytes -= r->bytes;
	shim.taken = r;
	*bytes = r->bytes;
	return r->data;
}

/* --- another CPU */

void shim_interrupt(unsigned long at, void (*act)(void *), void *context)
{
	shim.places = 0;
	shim.interrupt_at = at;
	shim.interrupt = act;
	shim.interrupt_context = context;
}

unsigned long shim_places(void)
{
	return shim.places;
}

void shim_place(void)
{
	if (!shim.interrupt || shim.places++ != shim.interrupt_at)
		return;
	void (*act)(void *) = shim.interrupt;
	void *task = shim.task;
	unsigned tgid = shim.tgid, tid = shim.tid;
	char comm[sizeof shim.comm];
	memcpy(comm, shim.comm, sizeof comm);
	shim.interrupt = NULL; /* the other CPU is not interrupted in turn */
	act(shim.interrupt_context);
	shim_run(task, tgid, tid, comm);
}

void __sanitizer_cov_trace_pc(void);

/* The compiler calls this in every basic block of the programs. */
void __sanitizer_cov_trace_pc(void)
{
	shim_place();
}
