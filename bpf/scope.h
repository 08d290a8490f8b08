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

static __always_inline bool scope_has_process(__u32 tgid)
{
	if (tgid == cfg.self_tgid)
		return false;
	return cfg.scope == LST_SCOPE_ALL || bpf_map_lookup_elem(&targets, &tgid);
}

/* The thread that runs now. */
static __always_inline bool scope_has_current(__u32 tgid, __u32 tid)
{
	if (cfg.only_tids && !bpf_map_lookup_elem(&target_tids, &tid))
		return false;
	if (scope_has_process(tgid))
		return true;
	return cfg.scope == LST_SCOPE_CGROUP && tgid != cfg.self_tgid &&
	       bpf_current_task_under_cgroup(&target_cgroup, 0) == 1;
}

#endif
