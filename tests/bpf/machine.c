/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_types.h"
#define __bpf__ /* its integers are the programs' */
#include "wire.h"
#undef __bpf__

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is constant once loaded is set by user space before; here by the test. */
#define const
#include "state.h"
#undef const
#include "loopstall.bpf.c"

#include "machine.h"
#include "machine_groups.h"
#include "machine_maps.h"

#define MAX_TASKS     512
#define MAX_PROCESSES 16
#define MAX_FDS	      16
#define MAX_FILES     256
#define MAX_SOCKETS   512
#define KERNEL_STACK  16384
#define SIGNAL_STOP   19

/* What the programs follow pointers into. */
struct file_parts {
	struct file file;
	struct dentry dentry;
	struct mount mount;
	struct inode inode;
	struct socket socket;
	struct sock sock;
	char name[64];
};

struct process {
	__u32 tgid;
	struct files_struct files;
	struct fdtable table;
	struct file *slots[MAX_FDS];
	struct signal_struct signal;
	struct mm_struct mm;
	struct task_struct *leader;
};

struct task {
	struct task_struct kernel; /* first: the programs' task is the test's task */
	char stack[KERNEL_STACK];
	__u64 on_since_ns;
	__u64 ready_since_ns; /* without a CPU; 0: it is not */
};

static struct {
	struct task *tasks[MAX_TASKS];
	__u32 n_tasks;
	struct process *processes[MAX_PROCESSES];
	__u32 n_processes;
	struct file_parts *files[MAX_FILES];
	__u32 n_files;
	struct inet_connection_sock sockets[MAX_SOCKETS];
	unsigned hidden;
	unsigned counted, of; /* of the time on a CPU, what the scheduler counts */
} machine;

static void *make(size_t bytes)
{
	void *made = calloc(1, bytes);
	if (!made)
		abort();
	return made;
}

void machine_start(const struct machine_size *size)
{
	static const struct machine_size plenty = {16, 16, 16, 64 << 20};

	machine_stop();
	machine.counted = machine.of = 1;
	if (!size)
		size = &plenty;
	shim_start(1000 * 1000 * MS, size->ring_bytes);
	maps_make(size);
	memset(losses, 0, sizeof losses);
	memset(seats, 0, sizeof seats);
	memset(waiting_on, 0, sizeof waiting_on);
	connected_from_bound = false;
	memset(strangers, 0, sizeof strangers);
	regs_offset = KERNEL_STACK - sizeof(struct pt_regs);
	stack_seq = 0;
	config_fill();
	shim_run(NULL, 0, 0, "swapper");
}

void machine_stop(void)
{
	for (__u32 i = 0; i < machine.n_tasks; i++)
		free(machine.tasks[i]);
	for (__u32 i = 0; i < machine.n_processes; i++)
		free(machine.processes[i]);
	for (__u32 i = 0; i < machine.n_files; i++)
		free(machine.files[i]);
	memset(&machine, 0, sizeof machine);
	memset(&groups, 0, sizeof groups);
	shim_stop();
}

void machine_pass(uint64_t ns)
{
	shim_advance(ns);
}

uint64_t machine_now(void)
{
	return shim_now();
}

void machine_steals(unsigned counted, unsigned of)
{
	machine.counted = counted;
	machine.of = of;
}

void machine_hide(unsigned events)
{
	machine.hidden = events;
}

/* Whether the programs see the event that comes now. */
static bool event_is_shown(void)
{
	if (!machine.hidden)
		return true;
	machine.hidden--;
	return false;
}

/* --- what the programs keep */

volatile struct lst_config *machine_config(void)
{
	return &cfg;
}

void machine_follow(uint32_t tgid)
{
	__u32 yes = 1;
	shim_update(&targets, &tgid, &yes, BPF_ANY);
	scope_epoch++;
}

uint64_t machine_lost(enum lst_loss reason)
{
	return losses[reason];
}

const char *machine_losses(void)
{
	static char text[512];
	static const char *const names[LST_LOSS_KINDS] = {
#define X(name, word, meaning) word,
		LST_LOSSES(X)
#undef X
	};
	size_t at = 0;

	text[0] = 0;
	for (int i = 0; i < LST_LOSS_KINDS; i++)
		if (losses[i])
			at += snprintf(text + at, sizeof text - at, "%s %llu ", names[i],
				       (unsigned long long)losses[i]);
	return text;
}

struct lst_loop *machine_loop(uint32_t slot)
{
	return loop_at(slot);
}

const struct lst_loop_hists *machine_hists(uint32_t slot)
{
	return hists_at(slot);
}

struct lst_thread *machine_thread(uint32_t tid)
{
	return thread_find(tid);
}

uint32_t machine_bucket(uint64_t ns)
{
	return hist_bucket(ns);
}

void machine_release_dead(void)
{
	for (__u32 slot = 0; slot < shim_entries(&threads); slot++) {
		struct lst_thread *t = thread_at(slot);
		if (t->state != LST_SLOT_DEAD)
			continue;
		memset(t, 0, sizeof *t);
		shim_push(&free_threads, &slot);
	}
}

uint32_t machine_record(void *record, size_t bytes)
{
	unsigned long n = 0;
	const struct lst_record *head = shim_take(&n);

	if (!head)
		return 0;
	memcpy(record, head, n < bytes ? n : bytes);
	return head->kind;
}

/* --- tasks and files */

static struct task *task_of(struct task_struct *t)
{
	return (struct task *)t;
}

static struct process *process_of(struct task_struct *t)
{
	for (__u32 i = 0; i < machine.n_processes; i++)
		if (machine.processes[i]->tgid == (__u32)t->tgid)
			return machine.processes[i];
	if (machine.n_processes == MAX_PROCESSES)
		abort();
	struct process *p = machine.processes[machine.n_processes++] = make(sizeof *p);
	p->tgid = t->tgid;
	p->files.fdt = &p->table;
	p->table.max_fds = MAX_FDS;
	p->table.fd = p->slots;
	return p;
}

static struct pt_regs *regs_of(struct task_struct *t)
{
	return (struct pt_regs *)(task_of(t)->stack + regs_offset);
}

struct task_struct *task_new(uint32_t tgid, uint32_t tid, const char *comm)
{
	if (machine.n_tasks == MAX_TASKS)
		abort();
	struct task *task = machine.tasks[machine.n_tasks++] = make(sizeof *task);
	struct task_struct *t = &task->kernel;
	t->pid = tid;
	t->tgid = tgid;
	t->stack = task->stack;
	snprintf(t->comm, sizeof t->comm, "%s", comm);
	struct process *p = process_of(t);
	if (!p->leader)
		p->leader = t;
	t->group_leader = p->leader;
	t->files = &p->files;
	t->signal = &p->signal;
	t->mm = &p->mm;
	p->signal.live.counter++;
	task->on_since_ns = shim_now();
	task_in_user_mode(t);
	return t;
}

void task_moves(struct task_struct *t, unsigned cpu)
{
	t->thread_info.cpu = cpu;
}

void task_parent(struct task_struct *child, struct task_struct *parent)
{
	child->real_parent = parent;
}

static struct file_parts *file_open(struct task_struct *t, uint32_t fd, __u16 mode, uint64_t inode,
				    const char *name)
{
	if (machine.n_files == MAX_FILES || fd >= MAX_FDS)
		abort();
	struct file_parts *f = machine.files[machine.n_files++] = make(sizeof *f);
	snprintf(f->name, sizeof f->name, "%s", name);
	f->dentry.d_parent = &f->dentry;
	f->dentry.d_name.name = (const unsigned char *)f->name;
	f->mount.mnt.mnt_root = &f->dentry;
	f->mount.mnt_parent = &f->mount;
	f->file.f_path = (struct path){&f->mount.mnt, &f->dentry};
	f->inode.i_mode = mode;
	f->inode.i_ino = inode;
	f->file.f_inode = &f->inode;
	process_of(t)->slots[fd] = &f->file;
	return f;
}

void task_opens_epoll(struct task_struct *t, uint32_t fd, uint64_t object)
{
	file_open(t, fd, 0, 1, "[eventpoll]")->file.private_data = (void *)object;
}

static void sock_fill(struct sock *sk, const char *address, uint16_t port, uint16_t local_port)
{
	unsigned bytes[4];

	if (sscanf(address, "%u.%u.%u.%u", &bytes[0], &bytes[1], &bytes[2], &bytes[3]) != 4)
		abort();
	sk->sk_protocol = 6;
	sk->__sk_common.skc_family = AF_INET;
	sk->__sk_common.skc_dport = bpf_ntohs(port);
	sk->__sk_common.skc_num = local_port;
	sk->__sk_common.skc_daddr = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24;
}

void task_opens_socket(struct task_struct *t, uint32_t fd, const char *address, uint16_t port,
		       uint16_t local_port)
{
	struct file_parts *f = file_open(t, fd, S_IFSOCK, fd, "");

	f->file.private_data = &f->socket;
	f->socket.sk = &f->sock;
	sock_fill(&f->sock, address, port, local_port);
}

void task_opens_pipe(struct task_struct *t, uint32_t fd, uint64_t inode)
{
	file_open(t, fd, S_IFIFO, inode, "");
}

void task_closes(struct task_struct *t, uint32_t fd)
{
	process_of(t)->slots[fd] = NULL;
}

void task_in_user_mode(struct task_struct *t)
{
	struct pt_regs *regs = regs_of(t);
#if defined(__TARGET_ARCH_x86)
	regs->orig_ax = -1;
	regs->cs = USER_CS;
#else
	regs->syscallno = -1;
#endif
}

void task_argument(struct task_struct *t, int n, uint64_t value)
{
	struct pt_regs *regs = regs_of(t);
#if defined(__TARGET_ARCH_x86)
	*(n == 3 ? &regs->dx : &regs->r8) = value;
#else
	regs->user_regs.regs[n - 1] = value;
#endif
}

void task_calls(struct task_struct *t, uint32_t nr, uint64_t first, uint64_t second)
{
	struct pt_regs *regs = regs_of(t);
#if defined(__TARGET_ARCH_x86)
	regs->orig_ax = nr;
	regs->di = first;
	regs->si = second;
#else
	regs->syscallno = nr;
	regs->orig_x0 = first;
	regs->user_regs.regs[1] = second;
#endif
}

void task_stack(struct task_struct *t, void *sp, void *top)
{
#if defined(__TARGET_ARCH_x86)
	regs_of(t)->sp = (unsigned long)sp;
#else
	regs_of(t)->user_regs.sp = (unsigned long)sp;
#endif
	t->mm->start_stack = (unsigned long)top;
	t->thread.fsbase = (unsigned long)top;
}

/* --- events */

static void run(struct task_struct *t)
{
	if (t)
		shim_run(t, t->tgid, t->pid, t->comm);
	else
		shim_run(NULL, 0, 0, "swapper");
}

void task_waits(struct task_struct *t, uint32_t fd, int timeout_ms)
{
	struct trace_event_raw_sys_enter ctx = {.id = NR_EPOLL_WAIT,
						.args = {fd, 0, 0, (unsigned long)(long)timeout_ms}};

	task_calls(t, NR_EPOLL_WAIT, fd, 0);
	run(t);
	if (event_is_shown())
		lst_tp_wait(&ctx);
}

void task_returns(struct task_struct *t, long ret)
{
	struct trace_event_raw_sys_exit ctx = {.id = NR_EPOLL_WAIT, .ret = ret};

	run(t);
	if (event_is_shown())
		lst_tp_wait_x(&ctx);
	task_in_user_mode(t);
}

void task_creates_epoll(struct task_struct *t, uint32_t fd, uint64_t object)
{
	struct trace_event_raw_sys_exit ctx = {.ret = fd};

	task_opens_epoll(t, fd, object);
	run(t);
	if (event_is_shown())
		lst_tp_create_x(&ctx);
}

void task_ticks(struct task_struct *t)
{
	t->se.sum_exec_runtime += (shim_now() - task_of(t)->on_since_ns) * machine.counted / machine.of;
	task_of(t)->on_since_ns = shim_now();
}

static struct task_struct idle;

void task_switch(struct task_struct *from, enum off_how how, struct task_struct *to)
{
	static const struct {
		bool preempt;
		unsigned state;
	} ways[] = {
		[OFF_BLOCKED] = {false, 1},
		[OFF_WOKEN] = {false, 0x200},
		[OFF_PREEMPTED] = {true, 0},
		[OFF_PREEMPTED_LATE] = {false, 0},
		[OFF_PREEMPTED_BLOCKING] = {true, 1},
		[OFF_STOPPED] = {false, 4},
		[OFF_FROZEN] = {false, 1},
		[OFF_VFORK] = {false, 0x2102},
	};
	run(from);
	if (from) {
		task_ticks(from);
		from->__state = ways[how].state;
		from->frozen = how == OFF_FROZEN || how == OFF_VFORK;
		task_of(from)->ready_since_ns =
			from->__state & ~0x200u && !ways[how].preempt ? 0 : shim_now();
		from->jobctl = how == OFF_FROZEN ? JOBCTL_TRAP_FREEZE : how == OFF_STOPPED ? SIGNAL_STOP : 0;
	}
	if (to) {
		task_of(to)->on_since_ns = shim_now();
		to->se.prev_sum_exec_runtime = to->se.sum_exec_runtime;
	}
	__u64 ctx[] = {from && ways[how].preempt, (__u64)(from ? from : &idle), (__u64)(to ? to : &idle)};
	if (event_is_shown())
		lst_btf_switch(ctx);
	if (!to)
		return;
	to->__state = 0;
	to->sched_info.run_delay +=
		task_of(to)->ready_since_ns ? shim_now() - task_of(to)->ready_since_ns : 0;
	task_of(to)->ready_since_ns = 0;
}

void task_off(struct task_struct *t, enum off_how how)
{
	task_switch(t, how, NULL);
}

void task_on(struct task_struct *t)
{
	task_switch(NULL, OFF_PREEMPTED, t);
}

void task_woken(struct task_struct *t, struct task_struct *by)
{
	__u64 ctx[] = {(__u64)t};

	run(by);
	if (event_is_shown())
		lst_btf_waking(ctx);
	t->__state = 0;
	task_of(t)->ready_since_ns = shim_now();
}

void task_reclaims(struct task_struct *t, bool begins)
{
	run(t);
	if (!event_is_shown())
		return;
	if (begins)
		lst_reclaim(NULL);
	else
		lst_reclaim_x(NULL);
}

/* The raw tracepoints' context ends in an array without a length. */
struct raw_args {
	__u64 args[5];
};

static void raw_event(int (*program)(struct bpf_raw_tracepoint_args *), __u64 first, __u64 second)
{
	struct raw_args ctx = {{first, second}};
	if (event_is_shown())
		program((void *)&ctx);
}

#include "machine_sockets.h"

void task_forks(struct task_struct *t, struct task_struct *child)
{
	task_parent(child, t);
	run(t);
	raw_event(lst_fork, (__u64)t, (__u64)child);
}

void task_begins_exec(struct task_struct *t, uint32_t fd)
{
	t->in_execve = 1;
	task_closes(t, fd);
}

void task_execs(struct task_struct *t, const char *comm)
{
	__u32 old = t->pid;

	t->in_execve = 0;
	t->pid = t->tgid;
	snprintf(t->comm, sizeof t->comm, "%s", comm);
	run(t);
	raw_event(lst_exec, (__u64)t, old);
}

void task_signals(struct task_struct *from, struct task_struct *to, int signal, bool kernel)
{
	static const struct kernel_siginfo user = {.si_code = SI_USER};
	struct raw_args ctx = {{signal, kernel ? 1 : (__u64)&user, (__u64)to, 1, 0}};

	run(from);
	if (event_is_shown())
		lst_signal((void *)&ctx);
}

void task_exits(struct task_struct *t, int signal, bool last_of_process)
{
	t->flags |= PF_EXITING;
	t->exit_code = signal;
	t->signal->live.counter = last_of_process ? 0 : 1;
	run(t);
	raw_event(lst_exit, (__u64)t, 0);
}

void task_sampled(struct task_struct *t)
{
	struct bpf_perf_event_data ctx = {.sample_period = 5 * MS};

	run(t);
	if (event_is_shown())
		lst_sample(&ctx);
}

void machine_seed(void)
{
	for (__u32 i = 0; i < machine.n_tasks; i++) {
		struct bpf_iter__task ctx = {.task = &machine.tasks[i]->kernel};
		lst_seed(&ctx);
	}
}

void machine_look(uint32_t tid, uint32_t fd, uint64_t since_ns)
{
	struct lst_wanted want = {.fd = fd, .since_ns = since_ns};

	shim_update(&wanted, &tid, &want, BPF_ANY);
	for (__u32 i = 0; i < machine.n_tasks; i++) {
		struct bpf_iter__task ctx = {.task = &machine.tasks[i]->kernel};
		lst_look(&ctx);
	}
}

#include "machine_python.h"
