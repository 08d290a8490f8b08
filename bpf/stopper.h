/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who did not let a thread run: a tracer, a freezer, or whoever sent the signal. A signal is seen when it is sent, in the sender's own
 * call, and kept by the process that it is for until the next one; when a thread of that process stops, its own job control says by which
 * signal, and the sender is named if that is the same one. Sent before the attach, or by the kernel (a terminal, a timer): nobody.
 */
#ifndef LOOPSTALL_BPF_STOPPER_H
#define LOOPSTALL_BPF_STOPPER_H

#include "current.h"

/* Signals that stop, alike on all machines that are built for: SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU. */
#define FIRST_STOP_SIGNAL 19u
#define LAST_STOP_SIGNAL  22u

/* siginfo's si_code where a system call of the sender's sent it: kill(), sigqueue(), tgkill(). */
#define SI_USER	 0
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

#define NO_SIGINFO 2ul /* below it the kernel's own marks stand in the place of a pointer */

/* Of the whole host, since few signals stop; the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* tgid */
	__type(value, struct lst_stopper);
} stop_signals SEC(".maps");

static __always_inline bool is_sent_by_current(const struct kernel_siginfo *info)
{
	if ((unsigned long)info < NO_SIGINFO)
		return false;
	int code = BPF_CORE_READ(info, si_code);
	return code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
}

static __always_inline void stopper_name(struct lst_stopper *s, struct task_struct *leader)
{
	s->pid = BPF_CORE_READ(leader, pid);
	BPF_CORE_READ_STR_INTO(&s->comm, leader, comm);
}

/* Every signal of the host: one comparison for those that do not stop. */
static __always_inline void signal_sent(__u32 signal, const struct kernel_siginfo *info,
					struct task_struct *to, __u64 result)
{
	struct lst_stopper s = {.by = LST_STOP_SIGNAL, .signal = signal};

	if (signal < FIRST_STOP_SIGNAL || signal > LAST_STOP_SIGNAL || result)
		return;
	__u32 tgid = BPF_CORE_READ(to, tgid);
	if (is_sent_by_current(info))
		stopper_name(&s, BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader));
	bpf_map_update_elem(&stop_signals, &tgid, &s, BPF_ANY);
}

static __always_inline void stop_signal_note(struct lst_thread *t, struct task_struct *task)
{
	__u32 tgid = t->tgid, signal = BPF_CORE_READ(task, jobctl) & JOBCTL_STOP_SIGMASK;
	const struct lst_stopper *sent = bpf_map_lookup_elem(&stop_signals, &tgid);

	t->stopper.signal = signal;
	if (sent && sent->signal == signal)
		t->stopper = *sent;
}

/* The thread stops now. */
static __always_inline void stop_note(struct lst_thread *t, struct task_struct *task, __u32 state)
{
	__u32 by = state & TASK_TRACED_STATE	  ? LST_STOP_TRACED
		   : state & TASK_SIGNALLED_STATE ? LST_STOP_SIGNAL
						  : LST_STOP_FROZEN;
	if (by <= t->stopper.by)
		return;
	t->stopper.by = by;
	t->stopper.signal = t->stopper.pid = 0;
	t->stopper.comm[0] = 0;
	if (by == LST_STOP_TRACED)
		stopper_name(&t->stopper, BPF_CORE_READ(task, parent, group_leader));
	else if (by == LST_STOP_SIGNAL)
		stop_signal_note(t, task);
}

#endif
