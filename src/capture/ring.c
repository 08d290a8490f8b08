/* SPDX-License-Identifier: Apache-2.0 */
/* Records out of the ring buffer: checked against their kind, then handed on. A poll is bounded, so that a flood cannot keep the reader. */
#include "capture/internal.h"

#include "base/array.h"

#include <errno.h>

#define POLL_RECORDS 16	       /* so that whoever names the stacks can keep up in between */
#define POLL_AGAIN   (-EAGAIN) /* ends the poll; the record itself has been taken */

int capture_fd(const struct capture *c)
{
	return ring_buffer__epoll_fd(c->ring);
}

/* The smallest a record of a kind may be. */
static const size_t record_bytes[] = {
	[LST_RECORD_LOOP] = sizeof(struct lst_loop_record),
	[LST_RECORD_STALL] = sizeof(struct lst_stall_record),
	[LST_RECORD_STACK] = sizeof(struct lst_stack_record),
	[LST_RECORD_PROCESS] = sizeof(struct lst_process_record),
	[LST_RECORD_TASK] = sizeof(struct lst_task_record),
	[LST_RECORD_PYTHON] = sizeof(struct lst_python_record),
};

static void stack_take(struct capture *c, const struct lst_stack_record *r, size_t bytes,
		       const struct lst_python_stack *python)
{
	if (bytes >= sizeof *r && r->n_pages <= LST_MAX_PAGES &&
	    bytes >= sizeof *r + (size_t)r->n_pages * LST_PAGE_BYTES && r->kernel_frames <= LST_KSTACK)
		c->handlers.stack(c->handlers.context, r, r + 1, python);
}

static void python_take(struct capture *c, const struct lst_python_record *r, size_t bytes)
{
	if (r->python.n <= LST_PYTHON_FRAMES)
		stack_take(c, (const void *)(r + 1), bytes - sizeof *r, &r->python);
}

static void record_take(struct capture *c, const struct lst_record *head, size_t bytes)
{
	void *context = c->handlers.context;

	switch (head->kind) {
	case LST_RECORD_LOOP: c->handlers.loop(context, (const void *)head); break;
	case LST_RECORD_STALL: c->handlers.stall(context, (const void *)head); break;
	case LST_RECORD_PROCESS: c->handlers.process(context, (const void *)head); break;
	case LST_RECORD_TASK:
		c->handlers.task(context, (const void *)head);
		look_stack_take(c, (const void *)head);
		break;
	case LST_RECORD_STACK: stack_take(c, (const void *)head, bytes, NULL); break;
	case LST_RECORD_PYTHON: python_take(c, (const void *)head, bytes); break;
	}
}

int ring_take(void *context, void *data, size_t bytes)
{
	struct capture *c = context;
	const struct lst_record *head = data;

	if (bytes >= sizeof *head && head->kind < ARRAY_LEN(record_bytes) && record_bytes[head->kind] &&
	    bytes >= record_bytes[head->kind])
		record_take(c, head, bytes);
	return ++c->polled % POLL_RECORDS ? 0 : POLL_AGAIN;
}

int capture_poll(struct capture *c)
{
	size_t before = c->polled;
	int err = ring_buffer__consume(c->ring);
	return err < 0 && err != POLL_AGAIN ? err : (int)(c->polled - before);
}
