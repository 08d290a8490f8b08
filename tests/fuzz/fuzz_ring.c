/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record out of the ring: what reaches a handler is whole, and can be put into words. */
#include "capture/block_text.h"
#include "capture/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t seen; /* so that no read is left out */

static void read_all(const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seen ^= ((const uint8_t *)bytes)[i];
}

static void say(const struct lst_block *b, const struct lst_child *children)
{
	struct bytes text = {0};
	struct block_context context = {.pid = UINT32_MAX, .children = children};
	block_target_text(&text, b, &context);
	bytes_free(&text);
}

static void loop_came(void *context, const struct lst_loop_record *r)
{
	(void)context;
	read_all(r, sizeof *r);
}

static void stall_came(void *context, const struct lst_stall_record *r)
{
	(void)context;
	read_all(r, sizeof *r);
	for (size_t i = 0; i < LST_BLOCKS; i++)
		say(&r->blocks[i], r->children);
}

static void stack_came(void *context, const struct lst_stack_record *r, const void *pages,
		       const struct lst_python_stack *python)
{
	(void)context;
	if (python)
		read_all(python->frames, python->n * sizeof python->frames[0]);
	if (r->kernel_frames > LST_KSTACK || r->n_pages > LST_MAX_PAGES)
		abort();
	read_all(r, sizeof *r);
	read_all(pages, (size_t)r->n_pages * LST_PAGE_BYTES);
}

static void process_came(void *context, const struct lst_process_record *r)
{
	(void)context;
	read_all(r, sizeof *r);
}

static void task_came(void *context, const struct lst_task_record *r)
{
	(void)context;
	read_all(r, sizeof *r);
	say(&r->block, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture c = {.handlers = {NULL, loop_came, stall_came, stack_came, process_came, task_came}};
	struct lst_record head;
	/* The first two bytes choose how much is added, for records longer than a fuzzer likes to make. */
	size_t more = size > 2 ? (size_t)(data[0] | data[1] << 8) * 2 : 0,
	       bytes = size > 2 ? size - 2 + more : 0;
	uint8_t *record = calloc(1, bytes ? bytes : 1);

	if (!record)
		return 0;
	if (size > 2)
		memcpy(record, data + 2, size - 2);
	if (bytes >= sizeof head) { /* most kinds are foreign: a known one, unless the byte says otherwise */
		memcpy(&head, record, sizeof head);
		if (head.kind < 64)
			head.kind %= LST_RECORD_PYTHON + 2;
		memcpy(record, &head, sizeof head);
	}
	ring_take(&c, record, bytes);
	free(record);
	return 0;
}
