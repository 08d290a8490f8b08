/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who ran instead of a followed thread that was ready to run. A ready thread is listed under the CPU it waits on; whoever leaves that CPU
 * is charged with the time since the last charge, but with no more than it ran since it was given the CPU. What nobody is charged with
 * (more runners than are told apart, the time before a move to another CPU, a CPU that was idle or not there) stays the rest.
 *
 * A wakeup is seen before the scheduler has chosen a CPU, and ready threads are moved: so the place is where the thread was last, and
 * every charge looks where the thread is now. A switch on a CPU where none of ours waits costs one look at its places.
 */
#ifndef LOOPSTALL_BPF_INSTEAD_H
#define LOOPSTALL_BPF_INSTEAD_H

#include "current.h"

#define INSTEAD_LEAST_NS 100000ULL /* a wait that ends sooner after its last charge is not looked into */

/* CPUs that share a row are told apart by the look where a thread is; who finds its row full is charged for when it runs. */
struct lst_waiting waiting_on[LST_WAITING_CPUS];

static __always_inline __u32 task_cpu(struct task_struct *task)
{
	struct task_struct___cpu *old = (void *)task;

	if (bpf_core_field_exists(task->thread_info.cpu))
		return BPF_CORE_READ(task, thread_info.cpu);
	return bpf_core_field_exists(old->cpu) ? BPF_CORE_READ(old, cpu) : 0;
}

/* The same of a typed pointer: at every switch of the host. */
static __always_inline __u32 task_cpu_typed(struct task_struct *task)
{
	struct task_struct___cpu *old = (void *)task;

	if (bpf_core_field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	return bpf_core_field_exists(old->cpu) ? old->cpu : 0;
}

static __always_inline void instead_unlist(struct lst_thread *t)
{
	__u32 place = t->listed - 1;

	if (!t->listed)
		return;
	t->listed = 0;
	__u32 *slot = &waiting_on[place / LST_WAITING_ROW & (LST_WAITING_CPUS - 1)]
			       .slot[place & (LST_WAITING_ROW - 1)];
	if (*slot == t->slot + 1)
		*slot = 0;
}

/* Two wakers at the same time may take the same place: one of the two threads is then charged for when it runs. */
static __always_inline void instead_list(struct lst_thread *t, __u32 cpu)
{
	__u32 row = cpu & (LST_WAITING_CPUS - 1);

	instead_unlist(t);
	for (__u32 i = 0; i < LST_WAITING_ROW; i++) {
		if (waiting_on[row].slot[i])
			continue;
		waiting_on[row].slot[i] = t->slot + 1;
		t->listed = row * LST_WAITING_ROW + i + 1;
		return;
	}
}

/* Of ours, and ready from now on; cpu: where it was last. */
static __always_inline void instead_begin(struct lst_thread *t, struct task_struct *task, __u32 cpu,
					  __u64 now)
{
	t->task = (__u64)task;
	t->charged_ns = now;
	instead_list(t, cpu);
}

static __always_inline void runner_begin(struct lst_runner *r, struct task_struct *ran, __u32 pid, bool own,
					 __u64 ns)
{
	r->pid = pid;
	r->own = own;
	r->ns = ns;
	struct task_struct *named = own ? ran : BPF_CORE_READ(ran, group_leader);
	BPF_CORE_READ_STR_INTO(&r->comm, named, comm);
}

static __always_inline __u64 runner_rank(const struct lst_runner *r)
{
	return r->ns + r->others_ns;
}

/*
 * A newcomer takes the place of the least and inherits its rank, not its time: so whoever had more than one part in LST_RUNNERS of the
 * time has a place, however short its turns are, and what is told of it is a lower bound ("space saving", Metwally 2005).
 */
static __always_inline void runner_add(struct lst_thread *t, struct task_struct *ran, __u32 pid, bool own,
				       __u64 ns)
{
	struct lst_runner *least = &t->runners[0];

	for (__u32 i = 0; i < LST_RUNNERS; i++) {
		struct lst_runner *r = &t->runners[i];
		if (i >= t->n_runners) {
			t->n_runners = i + 1;
			r->others_ns = 0;
			runner_begin(r, ran, pid, own, ns);
			return;
		}
		if (r->pid == pid && r->own == own) {
			r->ns += ns;
			return;
		}
		if (runner_rank(r) < runner_rank(least))
			least = r;
	}
	least->others_ns = runner_rank(least);
	runner_begin(least, ran, pid, own, ns);
}

/*
 * Charges the task that leaves this CPU now. What it ran since it was given the CPU is the scheduler's own count, which only its fair
 * class begins anew each time: of another class's task it is too much, and the time since the last charge decides.
 */
SEPARATE int instead_charge(__u32 thread_slot, __u64 now)
{
	struct lst_thread *t = thread_at(thread_slot);
	struct task_struct *ran = current_task();

	if (!t || !t->charged_ns || now <= t->charged_ns)
		return 0;
	struct ids ids = current_ids(ran);
	__u64 since = now - t->charged_ns;
	__u64 whole = BPF_CORE_READ(ran, se.sum_exec_runtime),
	      before = BPF_CORE_READ(ran, se.prev_sum_exec_runtime);
	__u64 ns = whole > before && whole - before < since ? whole - before : since;
	t->charged_ns = now;
	if (!ids.tid || ids.tid == t->tid)
		return 0;
	bool own = ids.tgid == t->tgid;
	runner_add(t, ran, own ? ids.tid : ids.tgid, own, ns);
	return 0;
}

static __always_inline bool is_ready(const struct lst_thread *t)
{
	return (t->in_wait && t->woken_ns) || t->cpu == LST_CPU_RUNNABLE ||
	       (t->cpu == LST_CPU_BLOCKED && t->woken_gap_ns);
}

/* A task leaves a CPU that ours are listed under. */
SEPARATE int instead_ran(__u32 cpu)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 row = cpu & (LST_WAITING_CPUS - 1);

	for (__u32 i = 0; i < LST_WAITING_ROW; i++) {
		__u32 slot = waiting_on[row].slot[i];
		struct lst_thread *t = slot ? thread_at(slot - 1) : NULL;
		if (!slot)
			continue;
		if (!t || t->listed != row * LST_WAITING_ROW + i + 1 || !is_ready(t)) {
			waiting_on[row].slot[i] = 0; /* its end was not seen */
			continue;
		}
		__u32 where = task_cpu((void *)t->task);
		if (where == cpu)
			instead_charge(slot - 1, now);
		else
			instead_list(t, where);
	}
	return 0;
}

static __always_inline void instead_note(__u32 cpu)
{
	const struct lst_waiting *w = &waiting_on[cpu & (LST_WAITING_CPUS - 1)];

	if (w->slot[0] | w->slot[1] | w->slot[2] | w->slot[3])
		instead_ran(cpu);
}

/* Of ours, and given a CPU now by the task that left it, before that is noted: most waits are too short to be looked into. */
static __always_inline void instead_end(struct lst_thread *t, __u64 now)
{
	if (!t->charged_ns)
		return;
	instead_unlist(t);
	if (now > t->charged_ns + INSTEAD_LEAST_NS)
		instead_charge(t->slot, now);
	t->charged_ns = 0;
}

#endif
