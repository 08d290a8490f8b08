/* SPDX-License-Identifier: Apache-2.0 */
/* Records out of the ring: one handler each, and none for a record that is not what it says. */
#include "capture/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* How often each handler was called, by record kind; and what a stack came with. */
struct calls {
	unsigned of[LST_RECORD_TASK + 1];
	uint32_t pages, python_frames;
	char first_byte;
};

static void loop_came(void *context, const struct lst_loop_record *r)
{
	((struct calls *)context)->of[LST_RECORD_LOOP] += r->slot == 7;
}

static void stall_came(void *context, const struct lst_stall_record *r)
{
	((struct calls *)context)->of[LST_RECORD_STALL] += r->slot == 7;
}

static void stack_came(void *context, const struct lst_stack_record *r, const void *pages,
		       const struct lst_python_stack *python)
{
	struct calls *c = context;
	c->python_frames = python ? python->n : 0;
	c->of[LST_RECORD_STACK]++;
	c->pages = r->n_pages;
	c->first_byte = r->n_pages ? *(const char *)pages : 0;
}

static void process_came(void *context, const struct lst_process_record *r)
{
	((struct calls *)context)->of[LST_RECORD_PROCESS] += r->event == LST_PROCESS_EXIT;
}

static void task_came(void *context, const struct lst_task_record *r)
{
	((struct calls *)context)->of[LST_RECORD_TASK] += r->slot == 7;
}

static struct calls calls;
static struct capture capture = {
	.handlers = {&calls, loop_came, stall_came, stack_came, process_came, task_came},
};

static const size_t sizes[] = {
	[LST_RECORD_LOOP] = sizeof(struct lst_loop_record),
	[LST_RECORD_STALL] = sizeof(struct lst_stall_record),
	[LST_RECORD_STACK] = sizeof(struct lst_stack_record),
	[LST_RECORD_PROCESS] = sizeof(struct lst_process_record),
	[LST_RECORD_TASK] = sizeof(struct lst_task_record),
};

/* A record of exactly this many bytes, so that the sanitizer sees a read behind it. */
static void *record_new(uint32_t kind, size_t bytes)
{
	char *r = calloc(1, bytes ? bytes : 1);
	struct lst_record head = {.kind = kind, .bytes = (uint32_t)bytes};
	assert_non_null(r);
	memcpy(r, &head, bytes < sizeof head ? bytes : sizeof head);
	return r;
}

static unsigned taken(void)
{
	unsigned n = 0;
	for (int kind = 0; kind <= LST_RECORD_TASK; kind++)
		n += calls.of[kind];
	return n;
}

static void give(void *record, size_t bytes)
{
	memset(&calls, 0, sizeof calls);
	ring_take(&capture, record, bytes);
	free(record);
}

static void each_kind_has_its_handler(void **state)
{
	(void)state;
	for (uint32_t kind = LST_RECORD_LOOP; kind <= LST_RECORD_TASK; kind++) {
		void *r = record_new(kind, sizes[kind]);
		if (kind == LST_RECORD_LOOP)
			((struct lst_loop_record *)r)->slot = 7;
		if (kind == LST_RECORD_STALL)
			((struct lst_stall_record *)r)->slot = 7;
		if (kind == LST_RECORD_TASK)
			((struct lst_task_record *)r)->slot = 7;
		if (kind == LST_RECORD_PROCESS)
			((struct lst_process_record *)r)->event = LST_PROCESS_EXIT;
		give(r, sizes[kind]);
		assert_int_equal(taken(), 1);
		assert_int_equal(calls.of[kind], 1);
	}
}

static void a_record_cut_short_is_dropped(void **state)
{
	(void)state;
	for (uint32_t kind = LST_RECORD_LOOP; kind <= LST_RECORD_TASK; kind++)
		for (size_t bytes = 0; bytes < sizes[kind]; bytes += bytes < 32 ? 1 : 37) {
			give(record_new(kind, bytes), bytes);
			assert_int_equal(taken(), 0);
		}
}

static void an_unknown_kind_is_dropped(void **state)
{
	(void)state;
	static const uint32_t kinds[] = {0, LST_RECORD_PYTHON + 1, 1000, UINT32_MAX};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		give(record_new(kinds[i], 8192), 8192);
		assert_int_equal(taken(), 0);
	}
}

/* A stack that says it has this many pages and kernel frames, and has this many bytes of pages. */
static void give_stack(uint32_t pages, uint32_t frames, size_t page_bytes)
{
	size_t bytes = sizeof(struct lst_stack_record) + page_bytes;
	struct lst_stack_record *r = record_new(LST_RECORD_STACK, bytes);
	r->n_pages = pages;
	r->kernel_frames = frames;
	memset(r + 1, 'p', page_bytes);
	give(r, bytes);
}

static void a_stack_has_the_pages_it_says(void **state)
{
	(void)state;
	give_stack(2, LST_KSTACK, 2 * LST_PAGE_BYTES);
	assert_int_equal(calls.of[LST_RECORD_STACK], 1);
	assert_int_equal(calls.pages, 2);
	assert_int_equal(calls.first_byte, 'p');
	give_stack(LST_MAX_PAGES, 0, LST_MAX_PAGES * LST_PAGE_BYTES);
	assert_int_equal(calls.of[LST_RECORD_STACK], 1);
	give_stack(0, 0, 0);
	assert_int_equal(calls.of[LST_RECORD_STACK], 1);
	give_stack(2, 0, 2 * LST_PAGE_BYTES - 1);
	assert_int_equal(taken(), 0);
	give_stack(LST_MAX_PAGES + 1, 0, (LST_MAX_PAGES + 1) * LST_PAGE_BYTES);
	assert_int_equal(taken(), 0);
	give_stack(UINT32_MAX, 0, LST_PAGE_BYTES);
	assert_int_equal(taken(), 0);
	give_stack(1, LST_KSTACK + 1, LST_PAGE_BYTES);
	assert_int_equal(taken(), 0);
}

/* A Python stack, and behind it a stack of one page; cut: bytes that are missing at the end. */
static void give_python(uint32_t frames, size_t cut)
{
	size_t bytes = sizeof(struct lst_python_record) + sizeof(struct lst_stack_record) + LST_PAGE_BYTES;
	struct lst_python_record *r = record_new(LST_RECORD_PYTHON, bytes - cut);
	struct lst_stack_record stack = {.n_pages = 1};
	if (cut < sizeof *r + LST_PAGE_BYTES) {
		r->python.n = frames;
		if (cut <= LST_PAGE_BYTES)
			memcpy(r + 1, &stack, sizeof stack);
	}
	give(r, bytes - cut);
}

static void a_python_stack_comes_with_its_native_one(void **state)
{
	(void)state;
	give_python(LST_PYTHON_FRAMES, 0);
	assert_int_equal(calls.of[LST_RECORD_STACK], 1);
	assert_int_equal(calls.pages, 1);
	assert_int_equal(calls.python_frames, LST_PYTHON_FRAMES);
	give_python(LST_PYTHON_FRAMES + 1, 0);
	assert_int_equal(taken(), 0);
	give_python(1, 1);
	assert_int_equal(taken(), 0);
	give_python(1, LST_PAGE_BYTES + 8);
	assert_int_equal(taken(), 0);
	give_python(1, LST_PAGE_BYTES + sizeof(struct lst_stack_record));
	assert_int_equal(taken(), 0);
}

/* A flood ends a poll now and then: a return below zero, with the record taken. */
static void a_poll_is_bounded(void **state)
{
	(void)state;
	unsigned pauses = 0;
	memset(&calls, 0, sizeof calls);
	for (int i = 0; i < 160; i++) {
		struct lst_process_record *r = record_new(LST_RECORD_PROCESS, sizeof *r);
		r->event = LST_PROCESS_EXIT;
		int ret = ring_take(&capture, r, sizeof *r);
		assert_true(ret <= 0);
		pauses += ret < 0;
		free(r);
	}
	assert_int_equal(calls.of[LST_RECORD_PROCESS], 160);
	assert_in_range(pauses, 1, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_handler),
		cmocka_unit_test(a_record_cut_short_is_dropped),
		cmocka_unit_test(an_unknown_kind_is_dropped),
		cmocka_unit_test(a_stack_has_the_pages_it_says),
		cmocka_unit_test(a_python_stack_comes_with_its_native_one),
		cmocka_unit_test(a_poll_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
