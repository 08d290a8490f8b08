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

#if defined(__TARGET_ARCH_x86)

#define USER_CS 0x33 /* 64-bit user code */

struct call_regs {
	struct pt_regs saved;
};

static __always_inline bool regs_copy(const struct pt_regs *kernel_regs, struct call_regs *regs)
{
	return !bpf_probe_read_kernel(&regs->saved, sizeof regs->saved, kernel_regs);
}

static __always_inline bool regs_are_64bit(const struct call_regs *regs)
{
	return (regs->saved.cs & 0xffff) == USER_CS;
}

static __always_inline __u32 regs_call(const struct call_regs *regs)
{
	long nr = (long)regs->saved.orig_ax;
	return nr < 0 ? NO_CALL : (__u32)nr;
}

/* The same from registers still in the kernel's memory. */
static __always_inline __u32 regs_call_of(const struct pt_regs *kernel_regs)
{
	long nr = -1;
	bpf_probe_read_kernel(&nr, sizeof nr, &kernel_regs->orig_ax);
	return nr < 0 ? NO_CALL : (__u32)nr;
}

static __always_inline __u64 regs_arg(const struct call_regs *regs, int n)
{
	switch (n) {
	case 0: return regs->saved.di;
	case 1: return regs->saved.si;
	case 2: return regs->saved.dx;
	case 3: return regs->saved.r10;
	default: return regs->saved.r8;
	}
}

/* The first or the fourth, from registers still in the kernel's memory. */
static __always_inline __u64 regs_arg_at(const struct pt_regs *saved, int n)
{
	__u64 value = 0;
	bpf_probe_read_kernel(&value, sizeof value, n ? &saved->r10 : &saved->di);
	return value;
}

/* The same through a typed pointer into the kernel's memory. */
static __always_inline __u64 regs_arg_of(const struct pt_regs *typed, int n)
{
	switch (n) {
	case 0: return typed->di;
	case 1: return typed->si;
	case 2: return typed->dx;
	case 3: return typed->r10;
	default: return typed->r8;
	}
}

static __always_inline __u64 regs_sp(const struct call_regs *regs)
{
	return regs->saved.sp;
}

/* DWARF numbering: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15. */
static __always_inline void regs_to_dwarf(struct task_struct *task __attribute__((unused)),
					  const struct call_regs *regs, struct lst_regs *out)
{
	out->r[0] = regs->saved.ax;
	out->r[1] = regs->saved.dx;
	out->r[2] = regs->saved.cx;
	out->r[3] = regs->saved.bx;
	out->r[4] = regs->saved.si;
	out->r[5] = regs->saved.di;
	out->r[6] = regs->saved.bp;
	out->r[7] = regs->saved.sp;
	out->r[8] = regs->saved.r8;
	out->r[9] = regs->saved.r9;
	out->r[10] = regs->saved.r10;
	out->r[11] = regs->saved.r11;
	out->r[12] = regs->saved.r12;
	out->r[13] = regs->saved.r13;
	out->r[14] = regs->saved.r14;
	out->r[15] = regs->saved.r15;
	out->pc = regs->saved.ip;
	out->valid = 0xffff;
}

/* glibc keeps struct pthread at the top of a thread's stack, and fs points at it: a bound for snapshots of other than main threads. */
static __always_inline __u64 thread_pointer(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread.fsbase);
}

/* pthread_self() is that address itself. */
#define PTHREAD_BELOW 0

#elif defined(__TARGET_ARCH_arm64)

#define PSR_MODE32    0x10

/* Not all of them: two sets would not fit on a program's stack. */
struct call_regs {
	__u64 args[6];
	__u64 sp, pc, pstate;
	__u64 orig_x0;
	__s32 nr, pad;
};

static __always_inline bool regs_copy(const struct pt_regs *kernel_regs, struct call_regs *regs)
{
	return !bpf_probe_read_kernel(regs->args, sizeof regs->args, kernel_regs->user_regs.regs) &&
	       !bpf_probe_read_kernel(&regs->sp, 3 * sizeof regs->sp, &kernel_regs->user_regs.sp) &&
	       !bpf_probe_read_kernel(&regs->orig_x0, sizeof regs->orig_x0, &kernel_regs->orig_x0) &&
	       !bpf_probe_read_kernel(&regs->nr, sizeof regs->nr, &kernel_regs->syscallno);
}

static __always_inline bool regs_are_64bit(const struct call_regs *regs)
{
	return !(regs->pstate & PSR_MODE32);
}

static __always_inline __u32 regs_call(const struct call_regs *regs)
{
	return regs->nr < 0 ? NO_CALL : (__u32)regs->nr;
}

static __always_inline __u32 regs_call_of(const struct pt_regs *kernel_regs)
{
	int nr = -1;
	bpf_probe_read_kernel(&nr, sizeof nr, &kernel_regs->syscallno);
	return nr < 0 ? NO_CALL : (__u32)nr;
}

static __always_inline __u64 regs_arg(const struct call_regs *regs, int n)
{
	return n ? regs->args[n] : regs->orig_x0;
}

static __always_inline __u64 regs_arg_at(const struct pt_regs *saved, int n)
{
	__u64 value = 0;
	bpf_probe_read_kernel(&value, sizeof value, n ? &saved->user_regs.regs[3] : &saved->orig_x0);
	return value;
}

static __always_inline __u64 regs_arg_of(const struct pt_regs *typed, int n)
{
	return typed->user_regs.regs[n];
}

static __always_inline __u64 regs_sp(const struct call_regs *regs)
{
	return regs->sp;
}

/* DWARF numbers them as the machine does, and the kernel saves them in that order. */
static __always_inline void regs_to_dwarf(struct task_struct *task, const struct call_regs *regs,
					  struct lst_regs *out)
{
	const struct pt_regs *kernel_regs = BPF_CORE_READ(task, stack) + regs_place();
	bpf_probe_read_kernel(out->r, 31 * sizeof out->r[0], kernel_regs->user_regs.regs);
	out->r[31] = regs->sp;
	out->pc = regs->pc;
	out->valid = 0xffffffff;
}

/* glibc's struct pthread lies below it. */
static __always_inline __u64 thread_pointer(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread.uw.tp_value);
}

/*
 * pthread_self() is where struct pthread begins, whose size is the libc's own matter (1.8 KB in glibc): less than this below, and nearer than
 * another thread's, which lies beyond a stack.
 */
#define PTHREAD_BELOW 4096

#endif

/* Registers of a thread in user space or in a system call; for a running thread only from its own context. */
static __always_inline bool regs_read(struct task_struct *task, struct call_regs *regs)
{
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return false;
	return regs_copy(BPF_CORE_READ(task, stack) + regs_place(), regs);
}

static __always_inline __u32 task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return (__u32)BPF_CORE_READ(old, state);
}

/* The same of a typed pointer. */
static __always_inline __u32 task_state_typed(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return (__u32)old->state;
}

#endif
