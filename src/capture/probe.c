/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/probe.h"

#include "base/array.h"
#include "base/confine.h"
#include "capture/probe_try.h"
#include "capture/capabilities.h"
#include "capture/tracefs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PID_NAMESPACE_INITIAL 0xeffffffcu /* PROC_PID_INIT_INO, the same on every machine */

/* What the questions share. */
struct asking {
	struct probe *probe;
	struct btf *btf; /* of the kernel, NULL without */
	bool may_load;	 /* the capabilities for BPF are there, so a refusal has another reason */
	bool for_load;	 /* the real attach follows at once */
};

static const char *const rung_words[RUNGS] = {"fentry", "tracepoint", "tp_btf", "raw_tp"};
static const enum ability_id rung_abilities[RUNGS] = {ABILITY_FENTRY, ABILITY_TRACEPOINT, ABILITY_TP_BTF,
						      ABILITY_RAW_TP};

const char *rung_word(enum rung rung)
{
	return rung >= 0 && rung < RUNGS ? rung_words[rung] : "none";
}

enum rung rung_parse(const char *word)
{
	for (int i = 0; i < RUNGS; i++)
		if (!strcmp(rung_words[i], word))
			return (enum rung)i;
	return RUNG_NONE;
}

/* --- answers ---------------------------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4))) answer(struct ability *a, bool yes, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(a->detail, sizeof a->detail, fmt, args);
	va_end(args);
	a->state = yes ? ABILITY_YES : ABILITY_NO;
}

static void fix(struct ability *a, const char *line)
{
	snprintf(a->fix, sizeof a->fix, "%s", line);
}

/* The outcome of an attempt; a refusal is explained by the missing rights if they are missing. */
static void answer_try(const struct asking *q, struct ability *a, int err)
{
	bool refused = err == -EPERM || err == -EACCES;
	if (!err)
		answer(a, true, "works");
	else if (refused && !q->may_load) {
		answer(a, false, "no rights to load BPF programs");
		capabilities_fix(a->fix, sizeof a->fix);
	} else if (refused) {
		answer(a, false, "refused by this kernel (%s) although the rights are there", strerror(-err));
		fix(a, "no known fix");
	} else {
		answer(a, false, "not in this kernel (%s)", strerror(-err));
		fix(a, "no known fix");
	}
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

static void ask_rights(struct ability *a, enum capabilities_use which)
{
	char missing[sizeof a->detail];
	if (!capabilities_missing(which, missing, sizeof missing))
		answer(a, true, "all there");
	else {
		answer(a, false, "missing: %.150s", missing);
		capabilities_fix(a->fix, sizeof a->fix);
	}
}

static void ask_load_caps(struct asking *q, struct ability *a)
{
	ask_rights(a, CAPABILITIES_TO_LOAD);
	q->may_load = a->state == ABILITY_YES;
}

static void ask_look_caps(struct asking *q, struct ability *a)
{
	(void)q;
	ask_rights(a, CAPABILITIES_TO_LOOK);
}

static void ask_memory(struct asking *q, struct ability *a)
{
	int err =
		try_memory(); /* libbpf raises RLIMIT_MEMLOCK by itself where the kernel still counts by it */
	answer_try(q, a, err);
	if (err == -EPERM && q->may_load) {
		answer(a, false, "8 MB refused: the limit on locked memory cannot be raised");
		fix(a, "run loopstall as root, or give it CAP_SYS_RESOURCE");
	}
}

static void ask_btf(struct asking *q, struct ability *a)
{
	q->btf = btf__load_vmlinux_btf();
	if (q->btf)
		answer(a, true, "/sys/kernel/btf/vmlinux");
	else {
		answer(a, false, "/sys/kernel/btf/vmlinux cannot be read");
		fix(a, "use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
	}
}

static void ask_ring(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_ring_buffer());
}

static void ask_fentry(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_fentry(q->btf, TRY_WAIT_FUNCTION));
}

static bool read_line(const char *path, char *line, size_t bytes)
{
	FILE *file = fopen(path, "re");
	bool got = file && fgets(line, (int)bytes, file);
	if (file)
		fclose(file);
	if (got)
		line[strcspn(line, "\n")] = 0;
	return got;
}

static int perf_event_paranoid(void)
{
	char line[16] = "";
	return read_line("/proc/sys/kernel/perf_event_paranoid", line, sizeof line) ? atoi(line) : 0;
}

bool probe_events_are_admins(void)
{
	return perf_event_paranoid() > 2;
}

static bool events_are_refused(void)
{
	return probe_events_are_admins() && !confine_has(CAP_SYS_ADMIN);
}

static void ask_tracepoint(struct asking *q, struct ability *a)
{
	char where[64];
	int tracefs = tracefs_open(where, sizeof where);
	long id = tracefs < 0 ? tracefs : tracefs_call_id(tracefs, "sys_enter_epoll_pwait");

	if (tracefs >= 0)
		close(tracefs);
	if (id > 0) {
		/* to close a tracepoint's perf event takes 20 to 70 ms (it waits for RCU): not at every start */
		answer_try(q, a,
			   q->for_load && !events_are_refused() ? try_tracepoint_load()
								: try_tracepoint((unsigned long)id));
		if (a->state == ABILITY_YES)
			answer(a, true, "works, tracefs at %s", where);
	} else if (id == -EACCES || id == -EPERM) {
		answer(a, false, "no rights to read tracefs");
		capabilities_fix(a->fix, sizeof a->fix);
	} else if (tracefs >= 0) {
		answer(a, false, "tracefs has no events for system calls (CONFIG_FTRACE_SYSCALLS)");
		fix(a, "no known fix");
	} else {
		answer(a, false, "tracefs is not mounted, and for a mount of our own the rights are missing");
		fix(a, "sudo mount -t tracefs nodev /sys/kernel/tracing");
	}
}

static void ask_tp_btf(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_tp_btf(q->btf, "sys_enter"));
}

static void ask_raw_tp(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_raw_tp("sys_enter"));
}

static void ask_switch_tp_btf(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_tp_btf(q->btf, "sched_switch"));
}

static void ask_switch_raw_tp(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_raw_tp("sched_switch"));
}

static void ask_cpu_clock(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_cpu_clock());
	if (a->state == ABILITY_YES)
		answer(a, true, "works%s (perf_event_paranoid %d)",
		       probe_events_are_admins() ? ", by CPU instead of by thread" : "",
		       perf_event_paranoid());
	else if (probe_events_are_admins())
		fix(a, "sudo sysctl kernel.perf_event_paranoid=2 (above that it is CAP_SYS_ADMIN's)");
}

static void ask_task_regs(struct asking *q, struct ability *a)
{
	int err = try_helper(BPF_FUNC_get_current_task_btf);
	answer_try(q, a, err ? err : try_helper(BPF_FUNC_task_pt_regs));
}

static void ask_cast(struct asking *q, struct ability *a)
{
	bool typed = probe_can(q->probe, ABILITY_TASK_REGS) && probe_can(q->probe, ABILITY_SWITCH_TP_BTF);
	answer_try(q, a, typed ? try_cast(q->btf) : -ENOENT);
}

static void ask_iter_task(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_iter_task(q->btf));
}

static void ask_copy_from_task(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_copy_from_task(q->btf));
}

static void ask_reclaims(struct asking *q, struct ability *a)
{
	int err = try_raw_tp("mm_vmscan_direct_reclaim_begin");
	answer_try(q, a, err ? err : try_raw_tp("mm_vmscan_direct_reclaim_end"));
}

static void ask_signals(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_raw_tp("signal_generate"));
}

static void ask_connections(struct asking *q, struct ability *a)
{
	answer_try(q, a, try_raw_tp("inet_sock_set_state"));
}

static void ask_reads(struct asking *q, struct ability *a)
{
	answer_try(q, a,
		   probe_can(q->probe, ABILITY_CAST) ? try_tp_btf(q->btf, "tcp_rcv_space_adjust")
						     : try_raw_tp("tcp_rcv_space_adjust"));
}

static void ask_kallsyms(struct asking *q, struct ability *a)
{
	char line[128] = "", restrict_to[16] = "?";
	(void)q;
	read_line("/proc/kallsyms", line, sizeof line);
	bool shown = strtoull(line, NULL, 16) != 0;
	for (FILE *file = shown ? NULL : fopen("/proc/kallsyms", "re"); file; file = NULL) {
		for (int i = 0; i < 64 && !shown && fgets(line, sizeof line, file); i++)
			shown = strtoull(line, NULL, 16) !=
				0; /* the first symbols of a per-CPU area are at 0 */
		fclose(file);
	}
	read_line("/proc/sys/kernel/kptr_restrict", restrict_to, sizeof restrict_to);
	answer(a, shown, "addresses are %s (kptr_restrict %s)", shown ? "readable" : "hidden", restrict_to);
	if (!shown && !strcmp(restrict_to, "2"))
		fix(a, "sudo sysctl kernel.kptr_restrict=1");
	else if (!shown)
		capabilities_fix(a->fix, sizeof a->fix);
}

static void ask_map_files(struct asking *q, struct ability *a)
{
	char path[320] = "";
	(void)q;
	DIR *dir = opendir("/proc/self/map_files");
	for (struct dirent *entry; dir && !path[0] && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			snprintf(path, sizeof path, "/proc/self/map_files/%s", entry->d_name);
	if (dir)
		closedir(dir);
	int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		close(fd);
		answer(a, true, "works");
	} else {
		answer(a, false, "/proc/PID/map_files: %s", strerror(path[0] ? errno : ENOENT));
		capabilities_fix(a->fix, sizeof a->fix);
	}
}

static void ask_pid_namespace(struct asking *q, struct ability *a)
{
	struct stat st;
	(void)q;
	if (stat("/proc/self/ns/pid", &st)) {
		snprintf(a->detail, sizeof a->detail, "/proc/self/ns/pid: %s", strerror(errno));
		return;
	}
	bool initial = st.st_ino == PID_NAMESPACE_INITIAL;
	answer(a, initial,
	       initial ? "the initial one" : "a namespace of its own: loopstall runs in a container");
	if (!initial)
		fix(a, "run loopstall on the host, or the container with --pid=host");
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;
	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static void ask_cgroup(struct asking *q, struct ability *a)
{
	(void)q;
	if (is_cgroup2("/sys/fs/cgroup"))
		answer(a, true, "v2 at /sys/fs/cgroup");
	else if (is_cgroup2("/sys/fs/cgroup/unified"))
		answer(a, true, "mixed: v2 at /sys/fs/cgroup/unified, controllers in v1");
	else
		answer(a, false, "v1 only or not mounted");
}

/* --- the table --------------------------------------------------------------------------------------------------------- */

static const struct question {
	const char *name, *title, *why, *since;
	bool needed, for_load;
	void (*ask)(struct asking *q, struct ability *a);
} questions[ABILITIES] = {
	[ABILITY_CAPABILITIES] = {"capabilities", "rights to load BPF", "nothing can be traced",
				  "CAP_BPF, CAP_PERFMON: Linux 5.8", true, true, ask_load_caps},
	[ABILITY_INSPECT] = {"inspect", "rights to look into processes",
			     "stacks of other users' processes have no names",
			     "CAP_CHECKPOINT_RESTORE: Linux 5.9", false, false, ask_look_caps},
	[ABILITY_MEMLOCK] = {"memory", "memory for BPF maps", "nothing can be traced",
			     "counted by memory cgroup, not by RLIMIT_MEMLOCK: Linux 5.11", true, false,
			     ask_memory},
	[ABILITY_BTF] = {"btf", "kernel type information", "nothing can be traced",
			 "CONFIG_DEBUG_INFO_BTF: Linux 5.4", true, true, ask_btf},
	[ABILITY_RING_BUFFER] = {"ring_buffer", "BPF ring buffer", "nothing can be traced",
				 "'bpf: Implement BPF ring buffer and verifier support for it': Linux 5.8",
				 true, true, ask_ring},
	[ABILITY_FENTRY] = {"fentry", "waits by fentry",
			    "the next rung is used, which costs a little on other system calls",
			    "'bpf: Introduce BPF trampoline': Linux 5.5, arm64 6.0", false, true, ask_fentry},
	[ABILITY_TRACEPOINT] = {"tracepoint", "waits by tracepoint",
				"the next rung is used, which costs more on every system call",
				"'perf, bpf: allow bpf programs attach to tracepoints': Linux 4.7", false,
				true, ask_tracepoint},
	[ABILITY_TP_BTF] = {"tp_btf", "waits by typed raw tracepoint", "the next rung is used",
			    "'bpf: Replace prog_raw_tp+btf_id with prog_tracing': Linux 5.5", false, true,
			    ask_tp_btf},
	[ABILITY_RAW_TP] = {"raw_tp", "waits by raw tracepoint", "the last rung is missing",
			    "'bpf: introduce BPF_RAW_TRACEPOINT': Linux 4.17", false, true, ask_raw_tp},
	[ABILITY_SWITCH_TP_BTF] = {"switch_tp_btf", "context switches by typed raw tracepoint",
				   "raw_tp is used instead", "as tp_btf", false, true, ask_switch_tp_btf},
	[ABILITY_SWITCH_RAW_TP] = {"switch_raw_tp", "context switches by raw tracepoint",
				   "without either way nothing is known about blocked time", "as raw_tp",
				   false, true, ask_switch_raw_tp},
	[ABILITY_CPU_CLOCK] = {"cpu_clock", "samples by cpu-clock", "stalls on the CPU have no stacks",
			       "'bpf: introduce BPF_PROG_TYPE_PERF_EVENT program type': Linux 4.9", false,
			       false, ask_cpu_clock},
	[ABILITY_TASK_REGS] = {"task_regs", "saved registers by helper",
			       "they are computed from the task's stack instead",
			       "'bpf: Add bpf_task_pt_regs() helper': Linux 5.15", false, true,
			       ask_task_regs},
	[ABILITY_CAST] = {"cast", "kernel memory by plain loads", "a helper is called, which costs a little",
			  "'bpf: Add kfunc bpf_rdonly_cast': Linux 6.2", false, true, ask_cast},
	[ABILITY_ITER_TASK] = {"iter_task", "iterator over tasks",
			       "loops asleep at the attach are seen at their next wait only",
			       "'bpf: Add task and task/file iterator targets': Linux 5.8", false, true,
			       ask_iter_task},
	[ABILITY_COPY_FROM_TASK] =
		{"copy_from_user_task", "memory of a sleeping task",
		 "loops stuck before the attach have native stacks only, read from user space",
		 "'bpf: Add bpf_copy_from_user_task() helper': Linux 5.18", false, true, ask_copy_from_task},
	[ABILITY_RECLAIMS] = {"reclaims", "events of direct reclaim",
			      "time in which the kernel looks for memory is told as the application's", "",
			      false, false, ask_reclaims},
	[ABILITY_SIGNALS] = {"signals", "events of signals", "nobody is named as who stopped a process", "",
			     false, false, ask_signals},
	[ABILITY_CONNECTIONS] =
		{"connections", "events of TCP connections",
		 "pile-ups and bursts of connections, and peers that are polled, are not seen",
		 "inet_sock_set_state: Linux 4.16", false, false, ask_connections},
	[ABILITY_READS] = {"reads", "events of reads from TCP sockets",
			   "a peer that is polled on one connection is not seen", "", false, false,
			   ask_reads},
	[ABILITY_KALLSYMS] = {"kallsyms", "kernel symbols", "kernel frames have no names", "", false, false,
			      ask_kallsyms},
	[ABILITY_MAP_FILES] = {"map_files", "files behind mappings",
			       "deleted programs and those in containers may have no names",
			       "for CAP_CHECKPOINT_RESTORE: Linux 5.9", false, false, ask_map_files},
	[ABILITY_PID_NAMESPACE] = {"pid_namespace", "PID namespace",
				   "process numbers do not fit those of the kernel", "", true, false,
				   ask_pid_namespace},
	[ABILITY_CGROUP_V2] = {"cgroup_v2", "cgroup v2",
			       "members of a v1 cgroup are read again and again instead of followed", "",
			       false, false, ask_cgroup},
};

static void choose_rung(struct probe *p)
{
	size_t len = 0;
	p->rung = RUNG_NONE;
	p->rung_why[0] = 0;
	for (int i = 0; i < RUNGS && p->rung == RUNG_NONE; i++) {
		const struct ability *a = &p->abilities[rung_abilities[i]];
		if (a->state == ABILITY_YES) {
			p->rung = (enum rung)i;
			continue;
		}
		if (len < sizeof p->rung_why)
			len += (size_t)snprintf(p->rung_why + len, sizeof p->rung_why - len, "%s%s: %s",
						len ? "; " : "", rung_words[i], a->detail);
	}
	if (!len)
		snprintf(p->rung_why, sizeof p->rung_why, "the cheapest works");
}

static void ask_all(struct probe *p, bool only_for_load)
{
	struct asking q = {.probe = p, .for_load = only_for_load};
	*p = (struct probe){.rung = RUNG_NONE};
	libbpf_set_print(
		NULL); /* its words are for developers, and its advice about ulimit -l is wrong here */
	for (int i = 0; i < ABILITIES; i++) {
		const struct question *ask = &questions[i];
		struct ability *a = &p->abilities[i];
		*a = (struct ability){
			.name = ask->name,
			.title = ask->title,
			.why = ask->why,
			.since = ask->since,
			.needed = ask->needed,
		};
		if (ask->for_load || !only_for_load)
			ask->ask(&q, a);
	}
	btf__free(q.btf);
	choose_rung(p);
}

void probe_kernel(struct probe *p)
{
	ask_all(p, false);
}

void probe_for_load(struct probe *p)
{
	ask_all(p, true);
}

bool probe_can(const struct probe *p, enum ability_id id)
{
	return p->abilities[id].state == ABILITY_YES;
}

bool probe_can_rung(const struct probe *p, enum rung rung)
{
	return rung >= 0 && rung < RUNGS && probe_can(p, rung_abilities[rung]);
}
