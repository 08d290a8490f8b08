// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The programs: thin adapters from each way of attaching to the one function that does the work. Which of them are loaded is user
 * space's choice (the attach ladder); their names begin with lst_ so that bpftool shows whose they are.
 */
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "sched.h"
#include "process.h"
#include "seed.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MS_NS 1000000LL

static __always_inline __s64 timeout_of_ms(__s64 ms)
{
	return ms < 0 ? TIMEOUT_NONE : ms * MS_NS;
}

static __always_inline __s64 timeout_of_timespec(const void *user)
{
	struct user_timespec ts = {};
	if (!user || bpf_probe_read_user(&ts, sizeof ts, user))
		return TIMEOUT_NONE;
	return ts.sec * 1000000000LL + ts.nsec;
}

static __always_inline __s64 timeout_of(__u32 nr, __u64 timeout)
{
	return nr == cfg.wait_nr[2] ? timeout_of_timespec((void *)timeout) : timeout_of_ms((int)timeout);
}

/* --- rung: syscall tracepoints; user space attaches each program to several, since the verifier takes its time for each ----------- */

SEC("tracepoint")
int lst_tp_wait(struct trace_event_raw_sys_enter *ctx)
{
	wait_enter(ctx->args[0], timeout_of(ctx->id, ctx->args[3]));
	return 0;
}

SEC("tracepoint")
int lst_tp_wait_x(struct trace_event_raw_sys_exit *ctx)
{
	wait_exit(ctx->ret);
	return 0;
}

SEC("tracepoint")
int lst_tp_create_x(struct trace_event_raw_sys_exit *ctx)
{
	epoll_created(ctx->ret);
	return 0;
}

/* --- rungs: every system call, filtered by number --------------------------------------------------------------------------- */

static __always_inline void call_entered(struct pt_regs *kernel_regs, __u32 nr)
{
	struct call_regs regs;

	if (!is_wait_call(nr) || !regs_copy(kernel_regs, &regs) || !regs_are_64bit(&regs))
		return;
	wait_enter(regs_arg(&regs, 0), timeout_of(nr, regs_arg(&regs, 3)));
}

/* Its number is not among the arguments of sys_exit; that alone is read for the calls that are not ours. */
static __always_inline void call_returned(struct pt_regs *kernel_regs, long ret)
{
	struct call_regs regs;
	__u32 nr = regs_call_of(kernel_regs);
	bool waits = is_wait_call(nr);

	if (!waits && nr != cfg.create_nr[0] && nr != cfg.create_nr[1])
		return;
	if (!regs_copy(kernel_regs, &regs) || !regs_are_64bit(&regs))
		return;
	if (waits)
		wait_exit(ret);
	else
		epoll_created(ret);
}

SEC("tp_btf/sys_enter")
int lst_btf_enter(__u64 *ctx)
{
	call_entered((void *)ctx[0], ctx[1]);
	return 0;
}

SEC("tp_btf/sys_exit")
int lst_btf_exit(__u64 *ctx)
{
	call_returned((void *)ctx[0], ctx[1]);
	return 0;
}

SEC("raw_tp/sys_enter")
int lst_raw_enter(struct bpf_raw_tracepoint_args *ctx)
{
	call_entered((void *)ctx->args[0], ctx->args[1]);
	return 0;
}

SEC("raw_tp/sys_exit")
int lst_raw_exit(struct bpf_raw_tracepoint_args *ctx)
{
	call_returned((void *)ctx->args[0], ctx->args[1]);
	return 0;
}

/* --- rung: fentry and fexit on the system calls; user space names the function of this machine -------------------------------- */

struct wait_arguments {
	__u32 fd;
	__u64 timeout;
};

/*
 * The call's argument is a typed pointer, read by plain loads. Before 5.15 a program may be refused it: some kernels' BTF only declares
 * its type there.
 */
static __always_inline struct wait_arguments wait_arguments(__u64 *ctx)
{
	if (cfg.has_task_regs) {
		const struct pt_regs *typed = (void *)ctx[0];
		return (struct wait_arguments){.fd = regs_arg_of(typed, 0), .timeout = regs_arg_of(typed, 3)};
	}
	const struct pt_regs *saved =
		BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), stack) + regs_place();
	return (struct wait_arguments){.fd = regs_arg_at(saved, 0), .timeout = regs_arg_at(saved, 3)};
}

SEC("fentry/sys_epoll_wait")
int lst_fe_wait(__u64 *ctx)
{
	struct wait_arguments call = wait_arguments(ctx);
	wait_enter(call.fd, timeout_of_ms((int)call.timeout));
	return 0;
}

SEC("fentry/sys_epoll_pwait")
int lst_fe_pwait(__u64 *ctx)
{
	struct wait_arguments call = wait_arguments(ctx);
	wait_enter(call.fd, timeout_of_ms((int)call.timeout));
	return 0;
}

SEC("fentry/sys_epoll_pwait2")
int lst_fe_pwait2(__u64 *ctx)
{
	struct wait_arguments call = wait_arguments(ctx);
	wait_enter(call.fd, timeout_of_timespec((void *)call.timeout));
	return 0;
}

SEC("fexit/sys_epoll_wait")
int lst_fx_wait(__u64 *ctx)
{
	wait_exit(ctx[1]);
	return 0;
}

SEC("fexit/sys_epoll_pwait")
int lst_fx_pwait(__u64 *ctx)
{
	wait_exit(ctx[1]);
	return 0;
}

SEC("fexit/sys_epoll_pwait2")
int lst_fx_pwait2(__u64 *ctx)
{
	wait_exit(ctx[1]);
	return 0;
}

SEC("fexit/sys_epoll_create")
int lst_fx_create(__u64 *ctx)
{
	epoll_created(ctx[1]);
	return 0;
}

SEC("fexit/sys_epoll_create1")
int lst_fx_create1(__u64 *ctx)
{
	epoll_created(ctx[1]);
	return 0;
}

/* --- scheduler: tp_btf where it loads, else raw_tp ---------------------------------------------------------------------------- */

struct leaving {
	struct task_struct *task;
	bool typed, preempt;
	__u32 tid, cpu;
};

static __always_inline void switched(struct leaving prev, struct task_struct *next, __u32 next_tid)
{
	struct lst_thread *comes = thread_find(next_tid), *goes;
	__u64 now = comes ? bpf_ktime_get_ns() : 0;

	if (comes)
		instead_end(comes, now);
	if (prev.tid) /* else the CPU was idle */
		instead_note(prev.cpu);
	goes = thread_find(prev.tid);
	if (goes)
		thread_out(goes, prev.task, prev.preempt,
			   prev.typed ? task_state_typed(prev.task) : task_state(prev.task), prev.cpu);
	if (comes)
		thread_in(comes, next, now);
}

/* A typed pointer is read by a plain load, at a fifth of what a helper call costs: these run at every switch of the host. */
SEC("tp_btf/sched_switch")
int lst_btf_switch(__u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	switched((struct leaving){prev, true, ctx[0], prev->pid, task_cpu_typed(prev)}, next, next->pid);
	return 0;
}

SEC("raw_tp/sched_switch")
int lst_raw_switch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *prev = (void *)ctx->args[1], *next = (void *)ctx->args[2];
	switched((struct leaving){prev, false, ctx->args[0], BPF_CORE_READ(prev, pid),
				  bpf_get_smp_processor_id()},
		 next, BPF_CORE_READ(next, pid));
	return 0;
}

SEC("tp_btf/sched_waking")
int lst_btf_waking(__u64 *ctx)
{
	struct task_struct *woken = (void *)ctx[0];
	struct lst_thread *t = thread_find(woken->pid);
	if (t)
		thread_waking(t, woken, task_cpu_typed(woken));
	return 0;
}

SEC("raw_tp/sched_waking")
int lst_raw_waking(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *woken = (void *)ctx->args[0];
	struct lst_thread *t = thread_find(BPF_CORE_READ(woken, pid));
	if (t)
		thread_waking(t, woken, task_cpu(woken));
	return 0;
}

SEC("raw_tp/sched_process_fork")
int lst_fork(struct bpf_raw_tracepoint_args *ctx)
{
	process_forked((void *)ctx->args[0], (void *)ctx->args[1]);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int lst_exec(struct bpf_raw_tracepoint_args *ctx)
{
	process_execed((void *)ctx->args[0], ctx->args[1]);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int lst_exit(struct bpf_raw_tracepoint_args *ctx)
{
	thread_exited((void *)ctx->args[0]);
	return 0;
}

SEC("raw_tp/signal_generate")
int lst_signal(struct bpf_raw_tracepoint_args *ctx)
{
	signal_sent(ctx->args[0], (void *)ctx->args[1], (void *)ctx->args[2], ctx->args[4]);
	return 0;
}

/* Direct reclaim: the thread runs or sleeps for the kernel's memory, not for the application. */
SEC("raw_tp/mm_vmscan_direct_reclaim_begin")
int lst_reclaim(void *ctx __attribute__((unused)))
{
	struct lst_thread *t = thread_find((__u32)bpf_get_current_pid_tgid());
	if (t && t->open_gaps)
		t->reclaim_since_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("raw_tp/mm_vmscan_direct_reclaim_end")
int lst_reclaim_x(void *ctx __attribute__((unused)))
{
	struct lst_thread *t = thread_find((__u32)bpf_get_current_pid_tgid());
	if (t && t->reclaim_since_ns) {
		t->ledger.reclaim_ns += bpf_ktime_get_ns() - t->reclaim_since_ns;
		t->reclaim_since_ns = 0;
	}
	return 0;
}

/* Every TCP connection of the host that begins or ends: one load for a thread that is not ours, one lookup at an end. */
SEC("raw_tp/inet_sock_set_state")
int lst_connection(struct bpf_raw_tracepoint_args *ctx)
{
	connection_changed(ctx->args[0], ctx->args[2]);
	return 0;
}

/* Whenever something was read from a TCP socket: a few loads for a client's, one for a thread that is not ours. Attached once one of ours has connected. */
SEC("tp_btf/tcp_rcv_space_adjust")
int lst_btf_read(__u64 *ctx)
{
	connection_was_read_typed((void *)ctx[0]);
	return 0;
}

SEC("raw_tp/tcp_rcv_space_adjust")
int lst_raw_read(struct bpf_raw_tracepoint_args *ctx)
{
	connection_was_read(ctx->args[0]);
	return 0;
}

/* --- run by user space ------------------------------------------------------------------------------------------------------ */

SEC("raw_tp")
int lst_where(void *ctx __attribute__((unused)))
{
	struct task_struct *task = (void *)bpf_get_current_task();
	volatile __u64 *place =
		&regs_offset; /* stored and read again: the verifier does no sums on typed pointers */
	*place = (__u64)bpf_task_pt_regs(bpf_get_current_task_btf());
	*place -= (__u64)BPF_CORE_READ(task, stack);
	return 0;
}

/* --- samples and iterators ---------------------------------------------------------------------------------------------------- */

SEC("perf_event")
int lst_sample(struct bpf_perf_event_data *ctx)
{
	return sample_take(ctx);
}

SEC("iter/task")
int lst_seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (task)
		seed_task(task);
	return 0;
}

SEC("iter/task")
int lst_look(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (task)
		look_task(task);
	return 0;
}

SEC("iter.s/task")
int lst_look_stack(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (task)
		look_stack(task);
	return 0;
}
