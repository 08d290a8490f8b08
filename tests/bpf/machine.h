/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small kernel for the programs of bpf/, compiled for user space without a change: tasks with registers, descriptors and a scheduler that
 * tells of every switch. A test says what happens and when; the programs see the tracepoints of it. Nothing here knows what
 * they should make of that.
 */
#ifndef LOOPSTALL_TESTS_BPF_MACHINE_H
#define LOOPSTALL_TESTS_BPF_MACHINE_H

#include "bpf/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US 1000ull
#define MS 1000000ull

struct task_struct;
struct task_group;

struct machine_size {
	uint32_t loops, threads, scratch;
	uint64_t ring_bytes;
};

/* Everything new; NULL: room for all. The scope is every process, every iteration of 10 ms is recorded, no stacks. */
void machine_start(const struct machine_size *size);
void machine_stop(void);
void machine_pass(uint64_t ns);
uint64_t machine_now(void);

volatile struct lst_config *machine_config(void);
void machine_follow(uint32_t tgid); /* with LST_SCOPE_TARGETS */
uint64_t machine_lost(enum lst_loss reason);
/* One line with every loss that is not zero, "" if there is none. */
const char *machine_losses(void);
struct lst_loop *machine_loop(uint32_t slot);
const struct lst_loop_hists *machine_hists(uint32_t slot);
/* NULL if it is not followed. */
struct lst_thread *machine_thread(uint32_t tid);
uint32_t machine_bucket(uint64_t ns);
/* What user space does with threads that are gone: their slots come back. */
void machine_release_dead(void);
/* Copies the next record, cut to `bytes`; its kind, 0 if there is none. */
uint32_t machine_record(void *record, size_t bytes);

/* --- tasks and what they have open; a thread shares its process's descriptors, a new process has none */
struct task_struct *task_new(uint32_t tgid, uint32_t tid, const char *comm);
/* A cgroup with a quota (0: none) of every 100 ms; above NULL: the root. The scheduler's count of its throttled time. */
struct task_group *group_new(struct task_group *above, const char *name, uint64_t quota_ns);
void group_throttled(struct task_group *group, uint64_t ns);
void task_joins(struct task_struct *t, struct task_group *group);
void task_parent(struct task_struct *child, struct task_struct *parent);
void task_opens_epoll(struct task_struct *t, uint32_t fd, uint64_t object); /* the descriptor only */
void task_opens_socket(struct task_struct *t, uint32_t fd, const char *address, uint16_t port,
		       uint16_t local_port);
/* A TCP connection of its own, known by a number; ends in whatever context, as the network may. */
void task_connects(struct task_struct *t, uint32_t number, const char *address, uint16_t port);
/* As that, from a port that the program had bound. */
void task_connects_from(struct task_struct *t, uint32_t number, const char *address, uint16_t port,
			uint16_t bound);
void task_reads(struct task_struct *t, uint32_t number);
/* From before the attach; bound: to a port of its own, as the connections are that were accepted. */
void connection_is_old(uint32_t number, const char *address, uint16_t port, bool bound);
void connection_ends(uint32_t number);
void task_opens_pipe(struct task_struct *t, uint32_t fd, uint64_t inode);
void task_closes(struct task_struct *t, uint32_t fd);
void task_stack(struct task_struct *t, void *sp, void *top);

/* --- what they do */
enum off_how {
	OFF_BLOCKED,		/* gave the CPU up with a state set */
	OFF_WOKEN,		/* and was woken by another CPU before it had left its own */
	OFF_PREEMPTED,		/* with the flag */
	OFF_PREEMPTED_LATE,	/* on return to user mode: no flag, no state */
	OFF_PREEMPTED_BLOCKING, /* with its state set already */
	OFF_STOPPED,		/* by SIGSTOP */
	OFF_FROZEN,		/* asleep in its cgroup's freezer */
	OFF_VFORK,		/* until the child of its vfork() runs a program */
};

enum {
	NR_READ = 0,
	NR_POLL = 7,
	NR_PSELECT = 270,
	NR_FUTEX = 202,
	NR_SLEEP = 35,
	NR_WAIT = 61,
	NR_EPOLL_WAIT = 232
}; /* by x86-64; only numbers here */

void task_creates_epoll(struct task_struct *t, uint32_t fd, uint64_t object); /* and the call returns */
void task_calls(struct task_struct *t, uint32_t nr, uint64_t first, uint64_t second);
/* The third or the fifth argument of the call, until the next. */
void task_argument(struct task_struct *t, int n, uint64_t value);
void task_in_user_mode(struct task_struct *t);
/* timeout -1: none */
void task_waits(struct task_struct *t, uint32_t fd, int timeout_ms);
void task_returns(struct task_struct *t, long ret);
void task_off(struct task_struct *t, enum off_how how);
void task_on(struct task_struct *t);
void task_woken(struct task_struct *t, struct task_struct *by); /* NULL: by an interrupt */
void task_switch(struct task_struct *from, enum off_how how, struct task_struct *to); /* on one CPU */
void task_moves(struct task_struct *t, unsigned cpu); /* runs there from now on, or waits there */
void task_ticks(struct task_struct *t);		      /* the scheduler's count is brought up to now */
void task_reclaims(struct task_struct *t, bool begins);
void task_forks(struct task_struct *t, struct task_struct *child);
void task_execs(struct task_struct *t, const char *comm);
void task_begins_exec(struct task_struct *t, uint32_t fd); /* and has closed that on the way */
/* A signal is sent by `from`, in its call or (kernel) by the kernel while it happens to run. */
void task_signals(struct task_struct *from, struct task_struct *to, int signal, bool kernel);
void task_exits(struct task_struct *t, int signal, bool last_of_process);
void task_sampled(struct task_struct *t);
void machine_seed(void); /* the iterator that finds who waits already */
void machine_look(uint32_t tid, uint32_t fd, uint64_t since_ns);

/* From now on the scheduler counts only so much of the time that a task is on a CPU. */
void machine_steals(unsigned counted, unsigned of);

/* The events after this one are not shown to the programs until it is called again with 0. */
void machine_hide(unsigned events);

/* --- Python, in user memory: enum lst_python_state of a walk that ends soon, and enum lst_python_gil */
uint32_t machine_python_frames(const struct lst_python_process *p, const void *innermost,
			       struct lst_python_stack *to);
uint32_t machine_python_gil(const struct lst_python_process *p, uint64_t thread, const void *interpreter);

#endif
