/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A CPU sample, taken only inside a gap that is old enough to matter. */
#ifndef LOOPSTALL_BPF_SAMPLE_H
#define LOOPSTALL_BPF_SAMPLE_H

#include "block.h"

/* Threads that user space wants to see although they own no gap: `dump`, and loops stuck before the attach. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tid */
	__type(value, struct lst_wanted);
} wanted SEC(".maps");

static __always_inline bool sample_is_due(struct lst_thread *t, __u32 *slot, __u64 *gap_seq, __u64 now)
{
	struct lst_loop *l = t && t->open_gaps ? gap_of(t, slot) : NULL;
	if (!l)
		return false;
	*gap_seq = l->gap_seq;
	if (!l->sample_all && now - l->gap_start_ns + l->gap_delay_ns < cfg.snapshot_age_ns)
		return false;
	pending_overtaken(l, *slot, now);
	return true;
}

static __always_inline int sample_take(struct bpf_perf_event_data *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(), gap_seq = 0;
	__u32 tid = (__u32)id, slot = ~0u;

	if (!tid)
		return 0;
	struct lst_thread *t = thread_find(tid);
	if (!sample_is_due(t, &slot, &gap_seq, now) && !bpf_map_lookup_elem(&wanted, &tid))
		return 0;
	__u32 place = place_of_cpu(BUFFER_SAMPLE);
	struct stack_buffer *buffer = stack_buffer_at(place);
	if (!buffer)
		return 0;
	struct lst_stack_record *r = &buffer->record;
	struct task_struct *task = (void *)bpf_get_current_task();
	if (!stack_capture(task, t, buffer, place))
		return 0;
	record_begin(&r->head, LST_RECORD_STACK, 0, id >> 32, tid, now);
	r->why = LST_STACK_SAMPLE;
	r->slot = slot;
	r->seq = stack_number();
	r->block = ~0u;
	r->gap_seq = gap_seq;
	r->weight_ns = ctx->sample_period;
	r->for_tid = 0;
	if (cfg.has_kstack) {
		long bytes = bpf_get_stack(ctx, r->kstack, sizeof r->kstack, 0);
		r->kernel_frames = bytes > 0 ? (__u32)bytes / 8 : 0;
	}
	stack_send(buffer);
	return 0;
}

#endif
