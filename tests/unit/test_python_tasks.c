/* SPDX-License-Identifier: Apache-2.0 */
/* Asyncio's tasks in a file that plays a process' memory, laid out as each version does: those that are not done are counted, or nothing. */
#include "symbol/python_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	STRING_TYPE = 0x100,
	DICT_TYPE = 0x200,
	SET_TYPE = 0x300,
	TASK_TYPE = 0x1000,
	OWN_TYPE = 0x1800, /* derived from it */
	NONE_TYPE = 0x2000,
	NONE_OBJECT = 0x2800,
	WEAK_SET_TYPE = 0x3000,
	RUNTIME = 0x4000,
	INTERP = 0x5000,
	MODULES = 0x8000,
	MODULE = 0x8100,
	MODULE_DICT = 0x8200,
	WEAK_SET = 0x9000,
	WEAK_SET_DICT = 0x9200,
	VALUES = 0x9300,
	SET = 0x9400,
	KEYS = 0xa000, /* of one dict after the other */
	STRINGS = 0xb000,
	TABLE = 0x10000,
	REFERENCES = 0x30000,
	TASKS = 0x80000,
	FAR_TASKS = 0x200000, /* each in a page of its own */
	MEMORY_BYTES = 0x200000 + 6000 * 4096,
};

enum { REFERENCE_BYTES = 0x40, TASK_BYTES = 0x100, THREAD = 0xc000, THREAD_BYTES = 0x800 };

struct fixture {
	struct python_space space;
	uint64_t keys, strings; /* where there is room */
	unsigned n;		/* tasks */
};

static void poke(const struct fixture *f, uint64_t at, uint64_t word)
{
	assert_int_equal(pwrite(f->space.memory, &word, sizeof word, (off_t)at), sizeof word);
}

static void poke_state(const struct fixture *f, uint64_t at, uint32_t state)
{
	assert_int_equal(pwrite(f->space.memory, &state, sizeof state, (off_t)at), sizeof state);
}

static uint64_t put_string(struct fixture *f, const char *text)
{
	const struct python_offsets *o = &f->space.offsets;
	uint64_t at = f->strings;

	f->strings += 0x100;
	poke(f, at + o->object_type, STRING_TYPE);
	poke(f, at + o->object_size, strlen(text));
	poke(f, at + o->string_state, 1u << o->kind_shift | 1u << o->compact_shift | 1u << o->ascii_shift);
	assert_int_equal(pwrite(f->space.memory, text, strlen(text), (off_t)(at + o->ascii_data)),
			 strlen(text));
	return at;
}

struct item {
	const char *key;
	uint64_t value;
};

/* Keys with their values, or shared ones without; two items, of which the one that is looked for is not the first. */
static uint64_t put_keys(struct fixture *f, bool shared, const struct item items[2])
{
	const bool is_new = f->space.offsets.minor >= 11;
	uint64_t keys = f->keys, entry = is_new ? keys + 32 + 8 : keys + 40 + 8;

	f->keys += 0x200;
	poke(f, keys + 8, is_new ? 3u << 8 | (shared ? 2u << 16 : 0) : 8);
	poke(f, keys + (is_new ? 24 : 32), 2);
	for (unsigned i = 0; i < 2; i++) {
		entry += is_new && shared ? 0 : 8; /* the hash */
		poke(f, entry, put_string(f, items[i].key));
		poke(f, entry + 8, shared ? 0 : items[i].value);
		entry += 16;
	}
	return keys;
}

static void put_dict(struct fixture *f, uint64_t at, const char *key, uint64_t value)
{
	const struct item items[] = {{"other", 1}, {key, value}};
	poke(f, at + 8, DICT_TYPE);
	poke(f, at + 32, put_keys(f, false, items));
}

/* self.other, self.data */
static void put_weak_set(struct fixture *f)
{
	const struct python_offsets *o = &f->space.offsets;
	const struct item items[] = {{"other", 0}, {"data", 0}};
	uint64_t values = VALUES, keys = put_keys(f, true, items);

	poke(f, WEAK_SET + o->object_type, WEAK_SET_TYPE);
	if (o->attributes != PYTHON_NO_MEMBER) {
		poke(f, WEAK_SET + o->attributes, WEAK_SET_DICT);
		poke(f, WEAK_SET_DICT + 8, DICT_TYPE);
		poke(f, WEAK_SET_DICT + 32, keys);
		poke(f, WEAK_SET_DICT + 40, VALUES);
	} else {
		poke(f, WEAK_SET_TYPE + o->type_keys, keys);
	}
	if (o->values_before != PYTHON_NO_MEMBER)
		poke(f, WEAK_SET - o->values_before, VALUES - o->values_tag);
	if (o->values_inside != PYTHON_NO_MEMBER) {
		values = WEAK_SET + o->values_inside + 8;
		poke(f, values - 8, 1u << 24); /* valid */
	}
	poke(f, values + 8, SET);
}

static void set_is(const struct fixture *f, uint64_t used, uint64_t mask)
{
	const struct python_offsets *o = &f->space.offsets;
	poke(f, SET + o->object_type, SET_TYPE);
	poke(f, SET + o->set_used, used);
	poke(f, SET + o->set_mask, mask);
	poke(f, SET + o->set_table, TABLE);
}

static void put_reference(const struct fixture *f, unsigned slot, uint64_t object)
{
	uint64_t reference = REFERENCES + slot * (uint64_t)REFERENCE_BYTES;
	poke(f, TABLE + slot * 16u, reference);
	poke(f, TABLE + slot * 16u + 8, slot + 1);
	poke(f, reference + 16, object);
}

static uint64_t put_task(struct fixture *f, uint64_t type, uint32_t state)
{
	uint64_t task = TASKS + f->n++ * (uint64_t)TASK_BYTES;
	poke(f, task + f->space.offsets.object_type, type);
	poke_state(f, task + f->space.offsets.task_state, state);
	return task;
}

static struct fixture start(unsigned minor)
{
	struct fixture f = {.space = {.memory = memfd_create("memory", 0),
				      .offsets = *python_offsets_of(minor),
				      .runtime = RUNTIME,
				      .string_type = STRING_TYPE,
				      .dict_type = DICT_TYPE,
				      .set_type = SET_TYPE},
			    .keys = KEYS,
			    .strings = STRINGS};
	const struct python_offsets *o = &f.space.offsets;

	assert_int_equal(ftruncate(f.space.memory, MEMORY_BYTES), 0);
	poke(&f, RUNTIME + o->runtime_interpreters, INTERP);
	poke(&f, INTERP + o->interp_next, 0);
	poke(&f, OWN_TYPE + o->type_base, TASK_TYPE);
	poke(&f, NONE_OBJECT + o->object_type, NONE_TYPE);
	return f;
}

/* Up to 3.13: two that are not done, one of a class of its own, one that is done, one that is gone, and one that is no task of asyncio's. */
static struct fixture start_set(unsigned minor)
{
	struct fixture f = start(minor);

	put_dict(&f, MODULES, "_asyncio", MODULE);
	poke(&f, INTERP + f.space.offsets.interp_modules, MODULES);
	poke(&f, MODULE + 16, MODULE_DICT);
	put_dict(&f, MODULE_DICT, minor < 12 ? "_all_tasks" : "_scheduled_tasks", WEAK_SET);
	put_weak_set(&f);
	set_is(&f, 6, 7);
	put_reference(&f, 0, put_task(&f, TASK_TYPE, 0));
	put_reference(&f, 1, put_task(&f, OWN_TYPE, 0));
	put_reference(&f, 2, put_task(&f, TASK_TYPE, 2));
	put_reference(&f, 4, NONE_OBJECT);
	put_reference(&f, 5, put_task(&f, NONE_TYPE, 0));
	put_reference(&f, 6, 1);
	poke(&f, TABLE + 6 * 16u + 8, UINT64_MAX); /* freed */
	put_reference(&f, 7, put_task(&f, TASK_TYPE, 0));
	return f;
}

static const struct python_tasks in_set = {SET, TASK_TYPE};

static void must_count(const struct fixture *f, const struct python_tasks *tasks, uint64_t n)
{
	struct python_task_count count;
	assert_true(python_tasks_count(&f->space, tasks, &count));
	assert_int_equal(count.n, n);
	assert_false(count.at_least);
}

static void must_not_count(const struct fixture *f)
{
	struct python_task_count count;
	assert_false(python_tasks_count(&f->space, &in_set, &count));
}

static void the_set_of_each_version_is_found(void **state)
{
	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		struct fixture f = start_set(minor);
		struct python_tasks tasks;
		python_tasks_find(&f.space, &tasks);
		assert_int_equal(tasks.set, SET);
		must_count(&f, &(struct python_tasks){tasks.set, TASK_TYPE}, 3);
		must_not_count(&(struct fixture){.space = {.memory = -1, .offsets = f.space.offsets}});
		close(f.space.memory);
	}
}

static void without_asyncio_there_is_nothing_to_count(void **state)
{
	struct python_tasks tasks;
	struct python_task_count count;

	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		struct fixture f = start_set(minor);
		poke(&f, MODULE + 16, 0);
		python_tasks_find(&f.space, &tasks);
		assert_int_equal(tasks.set, 0);
		assert_false(python_tasks_count(&f.space, &tasks, &count));
		close(f.space.memory);
	}
}

static void a_class_with_other_attributes_is_not_read(void **state)
{
	struct python_tasks tasks;
	struct fixture f = start_set(13);

	(void)state;
	poke(&f, WEAK_SET + f.space.offsets.values_inside, 0); /* not valid: there is a dict */
	python_tasks_find(&f.space, &tasks);
	assert_int_equal(tasks.set, 0);
	close(f.space.memory);
	f = start_set(12);
	poke(&f, WEAK_SET - f.space.offsets.values_before, WEAK_SET_DICT); /* even: the same */
	python_tasks_find(&f.space, &tasks);
	assert_int_equal(tasks.set, 0);
	close(f.space.memory);
}

static void many_are_asked_by_samples(void **state)
{
	struct fixture f = start(11);

	(void)state;
	set_is(&f, 1000, 4095);
	for (unsigned i = 0; i < 1000; i++)
		put_reference(&f, i * 4, put_task(&f, TASK_TYPE, 0));
	must_count(&f, &in_set, 1000); /* all that were asked are not done */
	for (unsigned i = 0; i < 1000; i += 2)
		poke_state(&f, TASKS + i * (uint64_t)TASK_BYTES + f.space.offsets.task_state, 1);
	must_count(&f, &in_set, 500);
	close(f.space.memory);
}

static void what_is_no_set_is_not_counted(void **state)
{
	struct fixture f = start_set(11);

	(void)state;
	set_is(&f, 6, 6);
	must_not_count(&f);
	set_is(&f, 9, 7);
	must_not_count(&f);
	set_is(&f, 6, ~0ull);
	must_not_count(&f);
	set_is(&f, 6, 7);
	poke(&f, SET + f.space.offsets.set_table, MEMORY_BYTES);
	must_not_count(&f);
	set_is(&f, 6, 7);
	must_count(&f, &in_set, 3);
	put_reference(&f, 0, MEMORY_BYTES);
	must_not_count(&f);
	poke(&f, SET + f.space.offsets.object_type, DICT_TYPE);
	must_not_count(&f);
	close(f.space.memory);
}

/* --- rings */

static uint64_t ring_of(const struct fixture *f, unsigned thread)
{
	return THREAD + thread * (uint64_t)THREAD_BYTES + f->space.offsets.thread_tasks;
}

static void link_nodes(const struct fixture *f, uint64_t from, uint64_t to)
{
	poke(f, from, to);
	poke(f, to + 8, from);
}

static void put_ring(struct fixture *f, uint64_t head, unsigned n, uint32_t state)
{
	uint64_t last = head;

	for (unsigned i = 0; i < n; i++) {
		uint64_t node = put_task(f, TASK_TYPE, state) + f->space.offsets.task_node;
		link_nodes(f, last, node);
		last = node;
	}
	link_nodes(f, last, head);
}

/* Two threads with 30 and 4 tasks, and 2 of a thread that is gone. */
static struct fixture start_rings(unsigned minor)
{
	struct fixture f = start(minor);
	const struct python_offsets *o = &f.space.offsets;

	poke(&f, INTERP + o->interp_threads, THREAD);
	poke(&f, THREAD + o->thread_next, THREAD + THREAD_BYTES);
	put_ring(&f, ring_of(&f, 0), 30, 0);
	put_ring(&f, ring_of(&f, 1), 4, 0);
	put_ring(&f, INTERP + o->interp_tasks, 2, 0);
	return f;
}

static void rings_of_all_threads_are_walked(void **state)
{
	(void)state;
	for (unsigned minor = 14; minor <= 15; minor++) {
		struct fixture f = start_rings(minor);
		must_count(&f, &in_set, 36);
		poke_state(&f, TASKS + 31 * (uint64_t)TASK_BYTES + f.space.offsets.task_state, 2);
		must_count(&f, &in_set, 35);
		put_ring(&f, ring_of(&f, 0), 0, 0);
		must_count(&f, &in_set, 5);
		f.space.offsets.thread_tasks = PYTHON_NO_MEMBER; /* asyncio says it differs */
		f.space.offsets.attributes = PYTHON_NO_MEMBER;
		struct python_tasks tasks;
		python_tasks_find(&f.space, &tasks);
		assert_false(python_tasks_count(&f.space, &tasks, &(struct python_task_count){0}));
		close(f.space.memory);
	}
}

static void a_ring_that_changes_is_not_counted(void **state)
{
	struct fixture f = start_rings(14);
	uint64_t node = TASKS + 7 * (uint64_t)TASK_BYTES + f.space.offsets.task_node;

	(void)state;
	poke(&f, node, TASKS + 3 * (uint64_t)TASK_BYTES + f.space.offsets.task_node); /* round and round */
	must_not_count(&f);
	poke(&f, node, 0);
	must_not_count(&f);
	poke(&f, node, MEMORY_BYTES);
	must_not_count(&f);
	link_nodes(&f, node, node + TASK_BYTES);
	must_count(&f, &in_set, 36);
	close(f.space.memory);
}

static void a_walk_has_an_end(void **state)
{
	struct fixture f = start_rings(14);
	uint64_t last = ring_of(&f, 0);
	struct python_task_count count;

	(void)state;
	for (unsigned i = 0; i < 6000; i++) {
		link_nodes(&f, last, FAR_TASKS + i * 4096ull + 512);
		last = FAR_TASKS + i * 4096ull + 512;
	}
	link_nodes(&f, last, ring_of(&f, 0));
	assert_true(python_tasks_count(&f.space, &in_set, &count));
	assert_true(count.at_least);
	assert_in_range(count.n, PYTHON_TASKS_READS_MAX - 16, PYTHON_TASKS_READS_MAX);
	close(f.space.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_set_of_each_version_is_found),
		cmocka_unit_test(without_asyncio_there_is_nothing_to_count),
		cmocka_unit_test(a_class_with_other_attributes_is_not_read),
		cmocka_unit_test(many_are_asked_by_samples),
		cmocka_unit_test(what_is_no_set_is_not_counted),
		cmocka_unit_test(rings_of_all_threads_are_walked),
		cmocka_unit_test(a_ring_that_changes_is_not_counted),
		cmocka_unit_test(a_walk_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
