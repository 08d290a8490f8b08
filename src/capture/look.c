/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack of a thread that sleeps, on kernels whose programs cannot read its memory (before 5.18): they say where it is, and it is
 * read from here, without stopping the thread. A page that cannot be read is left out and marked, as in the stacks that the kernel takes.
 */
#include "capture/internal.h"

#include <sys/uio.h>

static bool page_read(pid_t tid, uint64_t address, void *to)
{
	struct iovec local = {to, LST_PAGE_BYTES}, remote = {(void *)(uintptr_t)address, LST_PAGE_BYTES};
	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == LST_PAGE_BYTES;
}

void look_stack_take(struct capture *c, const struct lst_task_record *r)
{
	struct whole_stack *stack = &c->looked;

	if (r->stack.head.kind != LST_RECORD_STACK || r->stack.n_pages > LST_MAX_PAGES ||
	    r->stack.kernel_frames > LST_KSTACK)
		return;
	stack->record = r->stack;
	stack->record.pages_present = 0;
	for (uint32_t i = 0; i < r->stack.n_pages; i++)
		if (page_read((pid_t)r->head.tid, r->stack.base + (uint64_t)i * LST_PAGE_BYTES,
			      stack->pages + i * LST_PAGE_BYTES))
			stack->record.pages_present |= 1ull << i;
	c->handlers.stack(c->handlers.context, &stack->record, stack->pages, NULL);
}
