/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The thread that runs now. Asked at every wait, where each call of a helper counts (some 10 ns with the mitigations of returns): where the
 * kernel has typed pointers one call gives the task, and its members are plain loads.
 */
#ifndef LOOPSTALL_BPF_CURRENT_H
#define LOOPSTALL_BPF_CURRENT_H

#include "state.h"

/* Typed if cfg.has_task_regs; only then may its members be loaded without a helper. */
static __always_inline struct task_struct *current_task(void)
{
	if (cfg.has_task_regs)
		return bpf_get_current_task_btf();
	return (void *)bpf_get_current_task();
}

/*
 * An address as a typed pointer, whose members are plain loads that read zero where there is no memory: a fifth of what a helper takes.
 * Only if cfg.has_cast; on other kernels the verifier never comes here, and the call stays unresolved.
 */
#ifdef __bpf__
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;
#define LOADABLE(address, type) ((type *)bpf_rdonly_cast(address, bpf_core_type_id_kernel(type)))
#else
#define LOADABLE(address, type) ((type *)(address))
#endif

struct ids {
	__u32 tgid, tid;
};

static __always_inline struct ids current_ids(struct task_struct *current)
{
	if (cfg.has_task_regs)
		return (struct ids){current->tgid, current->pid};
	__u64 id = bpf_get_current_pid_tgid();
	return (struct ids){id >> 32, (__u32)id};
}

/* What the kernel counts of a thread: page faults, and its CPU time without what a hypervisor or interrupts took of it. */
struct usage {
	__u64 minor_faults, major_faults, ran_ns;
};

static __always_inline struct usage task_usage(struct task_struct *task)
{
	return (struct usage){BPF_CORE_READ(task, min_flt), BPF_CORE_READ(task, maj_flt),
			      BPF_CORE_READ(task, se.sum_exec_runtime)};
}

static __always_inline struct usage current_usage(struct task_struct *current)
{
	if (!cfg.has_task_regs)
		return task_usage(current);
	return (struct usage){current->min_flt, current->maj_flt, current->se.sum_exec_runtime};
}

#endif
