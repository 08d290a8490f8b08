/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which processes are ours. A thread that is followed already was asked for once and is not asked again. */
#ifndef LOOPSTALL_BPF_SCOPE_H
#define LOOPSTALL_BPF_SCOPE_H

#include "state.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} target_tids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target_cgroup SEC(".maps");

/*
 * The last thread of each place that was asked for and is none of ours, so that the waits of the host's other loops cost one load and no
 * lookup: the tid, and above it the epoch it was asked in. User space begins a new epoch with each process it adds; a number that is given to a
 * new thread is forgotten when that is born. Of cgroups nothing is kept, since threads are moved into them.
 */
__u64 strangers[LST_SEATS];
__u32 scope_epoch;

static __always_inline __u64 stranger_of(__u32 epoch, __u32 tid)
{
	return (__u64)(epoch + 1) << 32 | tid;
}

static __always_inline void stranger_forget(__u32 tid)
{
	strangers[tid & (LST_SEATS - 1)] = 0;
}

static __always_inline bool scope_has_process(__u32 tgid)
{
	if (tgid == cfg.self_tgid)
		return false;
	return cfg.scope == LST_SCOPE_ALL || bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline bool scope_looks_up(__u32 tgid, __u32 tid)
{
	if (cfg.only_tids && !bpf_map_lookup_elem(&target_tids, &tid))
		return false;
	if (scope_has_process(tgid))
		return true;
	return cfg.scope == LST_SCOPE_CGROUP && tgid != cfg.self_tgid &&
	       bpf_current_task_under_cgroup(&target_cgroup, 0) == 1;
}

/* The thread that runs now. The epoch is read before the lookup: an answer that a new target overtook is never believed. */
static __always_inline bool scope_has_current(__u32 tgid, __u32 tid)
{
	__u64 *last = &strangers[tid & (LST_SEATS - 1)], stranger = stranger_of(scope_epoch, tid);

	if (cfg.scope != LST_SCOPE_TARGETS)
		return scope_looks_up(tgid, tid);
	if (*last == stranger)
		return false;
	asm volatile("" ::: "memory");
	if (scope_looks_up(tgid, tid))
		return true;
	*last = stranger;
	return false;
}

#endif
