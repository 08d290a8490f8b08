/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The user registers that the kernel saved on entry: where a thread is in user space, which system call it is in and with which arguments.
 * What differs between machines and kernels is here and nowhere else.
 */
#ifndef LOOPSTALL_BPF_REGS_H
#define LOOPSTALL_BPF_REGS_H

#include "state.h"

#define NO_CALL		   (~0u)
#define KERNEL_STACK_BYTES 16384 /* x86-64, and arm64 with pages of 4 KB */

/*
 * Where they lie in the kernel stack: where bpf_task_pt_regs() says (5.15; kernels with FRED keep a gap above them), which lst_where
 * asks before anything is attached; on older kernels at the very top.
 */
__u64 regs_offset;

static __always_inline __u64 regs_place(void)
{
	if (regs_offset)
		return regs_offset;
	return KERNEL_STACK_BYTES - bpf_core_type_size(struct pt_regs);
}

/* Registers of a thread in user space or in a system call; for a running thread only from its own context. */
static __always_inline bool regs_read(struct task_struct *task, struct pt_regs *regs)
{
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return false;
	return !bpf_probe_read_kernel(regs, sizeof *regs, BPF_CORE_READ(task, stack) + regs_place());
}

#if defined(__TARGET_ARCH_x86)

#define USER_CS 0x33 /* 64-bit user code */

static __always_inline bool regs_are_64bit(const struct pt_regs *regs)
{
	return (regs->cs & 0xffff) == USER_CS;
}

static __always_inline __u32 regs_call(const struct pt_regs *regs)
{
	long nr = (long)regs->orig_ax;
	return nr < 0 ? NO_CALL : (__u32)nr;
}

/* The same from registers still in the kernel's memory. */
static __always_inline __u32 regs_call_of(const struct pt_regs *kernel_regs)
{
	long nr = -1;
	bpf_probe_read_kernel(&nr, sizeof nr, &kernel_regs->orig_ax);
	return nr < 0 ? NO_CALL : (__u32)nr;
}

static __always_inline __u64 regs_arg(const struct pt_regs *regs, int n)
{
	switch (n) {
	case 0: return regs->di;
	case 1: return regs->si;
	case 2: return regs->dx;
	case 3: return regs->r10;
	default: return regs->r8;
	}
}

static __always_inline __u64 regs_sp(const struct pt_regs *regs)
{
	return regs->sp;
}

/* DWARF numbering: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15. */
static __always_inline void regs_to_dwarf(const struct pt_regs *regs, struct lst_regs *out)
{
	out->r[0] = regs->ax;
	out->r[1] = regs->dx;
	out->r[2] = regs->cx;
	out->r[3] = regs->bx;
	out->r[4] = regs->si;
	out->r[5] = regs->di;
	out->r[6] = regs->bp;
	out->r[7] = regs->sp;
	out->r[8] = regs->r8;
	out->r[9] = regs->r9;
	out->r[10] = regs->r10;
	out->r[11] = regs->r11;
	out->r[12] = regs->r12;
	out->r[13] = regs->r13;
	out->r[14] = regs->r14;
	out->r[15] = regs->r15;
	out->pc = regs->ip;
	out->valid = 0xffff;
}

/* glibc keeps struct pthread at the top of a thread's stack, and fs points at it: a bound for snapshots of other than main threads. */
static __always_inline __u64 thread_pointer(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread.fsbase);
}

static __always_inline __u64 fault_address(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread.cr2);
}

#elif defined(__TARGET_ARCH_arm64)

#define PSR_MODE32 0x10

static __always_inline bool regs_are_64bit(const struct pt_regs *regs)
{
	return !(regs->user_regs.pstate & PSR_MODE32);
}

static __always_inline __u32 regs_call(const struct pt_regs *regs)
{
	return regs->syscallno < 0 ? NO_CALL : (__u32)regs->syscallno;
}

static __always_inline __u32 regs_call_of(const struct pt_regs *kernel_regs)
{
	int nr = -1;
	bpf_probe_read_kernel(&nr, sizeof nr, &kernel_regs->syscallno);
	return nr < 0 ? NO_CALL : (__u32)nr;
}

static __always_inline __u64 regs_arg(const struct pt_regs *regs, int n)
{
	return n ? regs->user_regs.regs[n & 7] : regs->orig_x0;
}

static __always_inline __u64 regs_sp(const struct pt_regs *regs)
{
	return regs->user_regs.sp;
}

static __always_inline void regs_to_dwarf(const struct pt_regs *regs, struct lst_regs *out)
{
	for (int i = 0; i < 31; i++)
		out->r[i] = regs->user_regs.regs[i];
	out->r[31] = regs->user_regs.sp;
	out->pc = regs->user_regs.pc;
	out->valid = 0xffffffff;
}

static __always_inline __u64 thread_pointer(struct task_struct *task)
{
	return 0;
}

static __always_inline __u64 fault_address(struct task_struct *task)
{
	return 0;
}

#endif

static __always_inline __u32 task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return (__u32)BPF_CORE_READ(old, state);
}

#endif
