/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A snapshot of registers and the used part of the user stack, to be unwound in user space by call-frame information.
 *
 * It begins below the red zone: hand-written code keeps its frame reachable at sp-8, which may lie in the page below. It ends at the
 * stack's top where that is known, because a page that is not there costs a fault (about 1 us). Pages that cannot be read are left
 * out and marked; unwinding usually steps over them.
 */
#ifndef LOOPSTALL_BPF_STACK_H
#define LOOPSTALL_BPF_STACK_H

#include "python.h"

#define RED_ZONE_BYTES 128

struct stack_buffer {
	struct python_scratch scratch;
	struct lst_python_record python; /* sent before the stack when it has frames */
	struct lst_stack_record record;
	char pages[LST_MAX_PAGES * LST_PAGE_BYTES];
};

/* Two per CPU: a sample may interrupt the capture of a waker. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_buffer);
} stack_buffers SEC(".maps");

/* Kept while a thread is blocked inside a gap, because nobody knows yet how long. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_buffer);
} block_buffers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

__u32 stack_seq;

enum stack_buffer_use { BUFFER_SAMPLE, BUFFER_WAKER, BUFFER_USES };

/* A place names a buffer: one of stack_buffers, or with this bit of block_buffers. */
#define PLACE_BLOCK 0x80000000u

static __always_inline __u32 place_of_cpu(enum stack_buffer_use use)
{
	return bpf_get_smp_processor_id() * BUFFER_USES + use;
}

static __always_inline struct stack_buffer *stack_buffer_at(__u32 place)
{
	__u32 index = place & ~PLACE_BLOCK;
	if (place & PLACE_BLOCK)
		return bpf_map_lookup_elem(&block_buffers, &index);
	return bpf_map_lookup_elem(&stack_buffers, &index);
}

SEPARATE int python_walk_on(__u32 place)
{
	struct stack_buffer *buffer = stack_buffer_at(place);
	return buffer ? python_walk_some(&buffer->python.python, &buffer->scratch, NULL) : LST_PYTHON_BROKEN;
}

SEPARATE int python_search_on(__u32 place)
{
	struct stack_buffer *buffer = stack_buffer_at(place);
	return buffer ? (int)thread_search_some(&buffer->scratch, NULL) : SEARCH_ENDED;
}

SEPARATE int python_task_take(__u32 place)
{
	struct stack_buffer *buffer = stack_buffer_at(place);
	if (buffer)
		task_take(&buffer->python.python, &buffer->scratch, NULL);
	return 0;
}

/* Wakes the reader only when much is waiting: a wakeup per event would make the traced thread and the reader take turns. */
static __always_inline __u64 ring_flags(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > cfg.ring_wake_bytes ? BPF_RB_FORCE_WAKEUP
										 : BPF_RB_NO_WAKEUP;
}

static __always_inline void record_begin(struct lst_record *head, __u32 kind, __u32 bytes, __u32 tgid,
					 __u32 tid, __u64 now)
{
	head->kind = kind;
	head->bytes = bytes;
	head->time_ns = now;
	head->tgid = tgid;
	head->tid = tid;
}

/* Pages from below the stack pointer up to the top of the stack, at most LST_MAX_PAGES. */
static __always_inline __u32 stack_pages(struct task_struct *task, __u64 sp, __u64 base)
{
	__u64 top = BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid)
			    ? BPF_CORE_READ(task, mm, start_stack)
			    : thread_pointer(task);
	if (top < sp || top - base > (__u64)LST_MAX_PAGES * LST_PAGE_BYTES)
		return LST_MAX_PAGES;
	return (top - base) / LST_PAGE_BYTES + 1;
}

/*
 * Fills regs, base and pages; the caller has set head, why and the rest. The thread must be the one that runs now, because its memory is read.
 */
static __always_inline bool stack_snapshot(struct task_struct *task, struct lst_stack_record *record,
					   char *pages)
{
	struct call_regs regs;

	record->n_pages = 0;
	record->pages_present = 0;
	record->kernel_frames = 0;
	record->in_kernel = 0;
	if (!regs_read(task, &regs)) {
		lose(LST_LOSS_NO_REGS);
		return false;
	}
	regs_to_dwarf(task, &regs, &record->regs);
	__u64 sp = regs_sp(&regs), base = (sp - RED_ZONE_BYTES) & ~(__u64)(LST_PAGE_BYTES - 1);
	__u32 n = stack_pages(task, sp, base);
	record->base = base;
	for (__u32 i = 0; i < LST_MAX_PAGES; i++) {
		if (i >= n)
			break;
		if (!bpf_probe_read_user(pages + i * LST_PAGE_BYTES, LST_PAGE_BYTES,
					 (void *)(base + i * LST_PAGE_BYTES)))
			record->pages_present |= 1ULL << i;
		else
			lose(LST_LOSS_STACK_PAGES);
	}
	record->n_pages = n;
	return true;
}

/* Into the buffer at that place. */
static __always_inline bool stack_capture(struct task_struct *task, struct lst_thread *t,
					  struct stack_buffer *buffer, __u32 place)
{
	if (!stack_snapshot(task, &buffer->record, buffer->pages))
		return false;
	python_capture(task, t, &buffer->python.python, &buffer->scratch, NULL, place);
	return true;
}

static __always_inline void stack_send(struct stack_buffer *buffer)
{
	struct lst_stack_record *record = &buffer->record;
	__u32 n = record->n_pages;
	if (n > LST_MAX_PAGES)
		return;
	__u64 bytes = (__u64)n * LST_PAGE_BYTES;
	asm volatile(
		""
		: "+r"(bytes)); /* else the sum becomes an `or`, for which the verifier loses the bound */
	bytes += sizeof *record;
	record->head.bytes = bytes;
	long err;
	if (buffer->python.python.n) {
		buffer->python.head = record->head;
		buffer->python.head.kind = LST_RECORD_PYTHON;
		buffer->python.head.bytes = sizeof buffer->python + bytes;
		err = bpf_ringbuf_output(&ring, &buffer->python, sizeof buffer->python + bytes, ring_flags());
	} else {
		err = bpf_ringbuf_output(&ring, record, bytes, ring_flags());
	}
	if (err)
		lose(LST_LOSS_RING_FULL);
}

static __always_inline __u32 stack_number(void)
{
	/* Unique enough without a fetching atomic: two CPUs may only meet on the same number within one add, and numbers are per thread. */
	__sync_fetch_and_add(&stack_seq, 1);
	return stack_seq ? stack_seq : 1;
}

#endif
