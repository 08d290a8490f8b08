/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that were stuck before the attach: they fire no event. A process with an epoll object on which nobody has waited since the attach,
 * and a thread that could be its loop's but does something else, is made the owner of an open gap.
 *
 * Which thread a loop belongs to is not written down anywhere in the kernel, so this is a judgement: the main thread if it waits on nothing of its own, else a
 * thread that runs or is blocked in something other than a futex (parked workers are in futexes) or a wait for signals. Python's and Node's loops are the main thread's even if that
 * is in a futex: it waits for a lock, and who sleeps or reads meanwhile is the one that holds it.
 */
#include "cli/live_parts.h"

#include "base/array.h"
#include "base/bytes.h"
#include "capture/calls.h"
#include "cli/proc.h"
#include "cli/proc_text.h"
#include "model/collector.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STUCK_FDS 64

struct epoll_fds {
	uint32_t fds[STUCK_FDS], watched[STUCK_FDS]; /* descriptors registered in it */
	uint32_t n;
};

/* What a thread does now, from /proc/PID/task/TID/syscall. */
struct thread_doing {
	uint32_t tid;
	bool runs, waits, futex;
	bool for_signal; /* as main threads do whose program's loops are elsewhere */
	bool serves;	 /* the runtime itself: no loop is its */
	uint32_t wait_fd;
};

/* Blocked outside of a call is in none, and a machine may lack one of them (arm64 has no epoll_wait): both are ~0. */
static bool is_wait_call(uint32_t nr)
{
	if (nr == UINT32_MAX)
		return false;
	return nr == call_number("epoll_wait") || nr == call_number("epoll_pwait") ||
	       nr == call_number("epoll_pwait2");
}

static bool is_signal_call(uint32_t nr)
{
	static const char *const calls[] = {"rt_sigtimedwait", "rt_sigsuspend", "pause"};
	const char *name = call_name(nr);
	for (size_t i = 0; name && i < ARRAY_LEN(calls); i++)
		if (!strcmp(name, calls[i]))
			return true;
	return false;
}

/* Threads of a JVM that run while all others are stopped, which is when a loop may have to be looked for. */
static bool is_of_runtime(uint32_t pid, uint32_t tid)
{
	static const char *const names[] = {"VM Thread", "G1 ", "C1 CompilerThr", "C2 CompilerThr"};
	struct bytes comm = {0};
	bool is = !proc_file(&comm, "/proc/%u/task/%u/comm", pid, tid) &&
		  collector_is_thread(bytes_text(&comm));

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		is |= !strncmp(bytes_text(&comm), names[i], strlen(names[i]));
	bytes_free(&comm);
	return is;
}

static bool thread_read(struct thread_doing *t, uint32_t pid, uint32_t tid)
{
	struct bytes text = {0};
	struct proc_call call;

	*t = (struct thread_doing){.tid = tid};
	int err = proc_file(&text, "/proc/%u/task/%u/syscall", pid, tid);
	if (!err && proc_text_call(bytes_text(&text), &call)) {
		t->runs = call.runs;
		t->waits = !call.runs && is_wait_call(call.number);
		t->wait_fd = (uint32_t)call.first;
		t->futex = !call.runs && call.number == call_number("futex");
		t->for_signal = !call.runs && is_signal_call(call.number);
	}
	bytes_free(&text);
	t->serves = !err && is_of_runtime(pid, tid);
	return !err;
}

static uint32_t watched_count(uint32_t pid, uint32_t fd)
{
	struct bytes text = {0};
	uint32_t n = 0;
	if (!proc_file(&text, "/proc/%u/fdinfo/%u", pid, fd))
		n = proc_text_watched(bytes_text(&text));
	bytes_free(&text);
	return n;
}

/* Descriptors of epoll objects, without those of loops that we know. */
static void epolls_find(struct live_source *s, uint32_t pid, struct epoll_fds *found)
{
	char path[64], link[320], name[32];
	snprintf(path, sizeof path, "/proc/%u/fd", pid);
	DIR *dir = opendir(path);
	found->n = 0;
	for (struct dirent *e; dir && (e = readdir(dir)) && found->n < STUCK_FDS;) {
		snprintf(link, sizeof link, "%s/%s", path, e->d_name);
		ssize_t len = readlink(link, name, sizeof name - 1);
		if (len <= 0)
			continue;
		name[len] = 0;
		if (strcmp(name, "anon_inode:[eventpoll]") != 0)
			continue;
		uint32_t fd = (uint32_t)atoi(e->d_name);
		bool known = false;
		for (uint32_t i = 0; i < s->max_loops; i++)
			known |= s->loops[i].id && s->loops[i].fact.pid == pid && s->loops[i].fact.fd == fd;
		if (known)
			continue;
		found->watched[found->n] = watched_count(pid, fd);
		found->fds[found->n++] = fd;
	}
	if (dir)
		closedir(dir);
}

static bool has_loop(struct live_source *s, uint32_t tid)
{
	for (uint32_t i = 0; i < s->max_loops; i++)
		if (s->loops[i].id && s->loops[i].fact.tid == tid)
			return true;
	return false;
}

/* The one with the most descriptors registered is the loop's; of equals the oldest. Its place. */
static uint32_t epoll_likeliest(const struct epoll_fds *e)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < e->n; i++)
		if (e->watched[i] > e->watched[best] ||
		    (e->watched[i] == e->watched[best] && e->fds[i] < e->fds[best]))
			best = i;
	return best;
}

/*
 * Node has an epoll object that it never waits on and that has nothing in it. Such a one is only the main thread's, which may not have
 * come to its first wait, and only if that has no loop yet.
 */
static bool may_belong_to(struct live_source *s, const struct epoll_fds *e, uint32_t best, uint32_t pid,
			  uint32_t tid)
{
	return e->watched[best] || (tid == pid && !has_loop(s, pid));
}

static bool is_main_threads(struct live_source *s, uint32_t pid)
{
	struct process_info info;
	process_info_read(&info, pid, "", s->texts);
	return !strncmp(info.runtime, "cpython", strlen("cpython")) ||
	       !strncmp(info.runtime, "node", strlen("node"));
}

static void epolls_drop(struct epoll_fds *e, uint32_t fd)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (e->fds[i] == fd) {
			e->n--;
			e->fds[i] = e->fds[e->n];
			e->watched[i] = e->watched[e->n];
			return;
		}
}

/*
 * The thread that the unattended loop is likely to belong to, 0 for none. Loops that some thread waits on are taken out: those of threads
 * that are not followed are not known otherwise.
 */
static uint32_t thread_likeliest(struct live_source *s, uint32_t pid, struct epoll_fds *epolls)
{
	char path[64];
	struct thread_doing t;
	uint32_t found = 0, found_futex = 0, found_signal = 0, others_wait = 0;

	snprintf(path, sizeof path, "/proc/%u/task", pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		uint32_t tid = (uint32_t)atoi(e->d_name);
		if (!tid || !thread_read(&t, pid, tid))
			continue;
		others_wait += t.waits;
		if (t.waits)
			epolls_drop(epolls, t.wait_fd);
		if (t.waits || t.serves)
			continue;
		if (t.for_signal)
			found_signal = tid;
		else if (!t.futex && (tid == pid || !found))
			found = tid;
		else if (tid == pid)
			found_futex = tid;
	}
	if (dir)
		closedir(dir);
	if (found_futex && found && is_main_threads(s, pid))
		return found_futex;
	if (found || others_wait)
		return found;
	return found_futex ? found_futex : found_signal;
}

static bool is_followed(const struct live_source *s, uint32_t tid)
{
	const struct target_set *set = s->options.targets;
	for (size_t i = 0; i < set->n_tids; i++)
		if (set->tids[i] == tid)
			return true;
	return !set->n_tids;
}

static void stuck_find_in(struct live_source *s, uint32_t pid, uint64_t now)
{
	struct epoll_fds epolls;

	epolls_find(s, pid, &epolls);
	if (!epolls.n)
		return;
	uint32_t tid = thread_likeliest(s, pid, &epolls), best = epoll_likeliest(&epolls);
	if (!tid || !epolls.n || !is_followed(s, tid) || !may_belong_to(s, &epolls, best, pid, tid))
		return;
	uint32_t fd = epolls.fds[best];
	struct look look = {.tid = tid, .slot = ~0u};
	uint64_t since = s->start_ns;

	/* First only a look: how long it has not run may tell more than the time since the attach. */
	s->look = &look;
	capture_want(s->capture, tid, ~0u, 0);
	capture_look(s->capture);
	capture_poll(s->capture);
	if (look.last_ran_ns && look.last_ran_ns < since)
		since = look.last_ran_ns;
	look.stack_seq = 0;
	capture_want(s->capture, tid, fd, since);
	capture_look(s->capture);
	capture_poll(s->capture);
	s->look = NULL;
	capture_unwant(s->capture, tid);
	capture_sample_thread(s->capture, tid);
	struct followed *l = look.is_awake ? NULL : loops_at(s, look.slot);
	if (l) /* its first block */
		l->looked = (struct looked_block){look.gap_seq, now - since, 0, look.stack_seq};
}

void stuck_find(struct live_source *s, uint64_t now)
{
	const struct target_set *set = s->options.targets;
	for (size_t i = 0; i < set->n_processes; i++)
		stuck_find_in(s, set->processes[i].pid, now);
}

#define SCHED_CLOCK_SLACK_NS                                                                                 \
	(20 * LIVE_MS) /* the scheduler's clock and CLOCK_MONOTONIC start a few ms apart */

void look_taken(void *context, const struct lst_task_record *r)
{
	struct live_source *s = context;
	workers_task_taken(s, r);
	if (!s->look || s->look->tid != r->head.tid)
		return;
	s->look->is_awake = r->cpu == LST_CPU_ON;
	s->look->slot = r->slot;
	s->look->gap_seq = r->gap_seq;
	if (r->cpu == LST_CPU_BLOCKED && r->last_ran_ns &&
	    r->last_ran_ns + SCHED_CLOCK_SLACK_NS < r->head.time_ns)
		s->look->last_ran_ns = r->last_ran_ns + SCHED_CLOCK_SLACK_NS;
}

struct look look_at(struct live_source *s, uint32_t tid)
{
	struct look look = {.tid = tid};

	s->look = &look;
	if (!capture_want(s->capture, tid, ~0u, 0)) {
		capture_look(s->capture);
		capture_poll(s->capture);
		capture_unwant(s->capture, tid);
	}
	s->look = NULL;
	return look;
}

void look_stack_taken(struct live_source *s, const struct lst_stack_record *r)
{
	if (s->look && s->look->tid == r->head.tid)
		s->look->stack_seq = r->seq;
}
