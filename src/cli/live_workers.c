/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers of shared loops that are blocked while others of them serve. The gap machine says nothing of them: the loop is covered, and
 * yet whatever that worker had in hand waits.
 *
 * The rule: a thread that has waited on the loop, and does not now, has not run between two looks, 100 ms apart, and sleeps in a system
 * call that is neither a futex nor a wait on events. A futex is never judged, for it may be where the thread parks when there is
 * nothing to do; nor are runtimes that start another thread for one that blocks (Go, Erlang). So what is shown is true, and locks and
 * whatever is shorter than the looks are not shown.
 */
#include "cli/live_parts.h"

#include "base/array.h"
#include "base/bytes.h"
#include "capture/capture.h"
#include "cli/proc.h"
#include "model/cause.h"
#include "model/culprit.h"
#include "model/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LOOKED_AT 64 /* threads a look; two small files of /proc each */

struct worker {
	uint32_t tid;
	bool seen;	    /* at this look */
	uint64_t slices;    /* times it was given a CPU */
	uint64_t since_ns;  /* seen blocked then, and not run since; 0 not blocked */
	uint64_t report_ns; /* the age at which it is told of next */
};

/* A worker whose stack is being named. */
struct worker_report {
	struct live_source *source;
	struct fact_stall stall;
};

static bool starts_threads_for_blocked(const struct followed *l)
{
	static const char *const runtimes[] = {"go", "erlang"};
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		if (!strcmp(l->fact.runtime, runtimes[i]))
			return true;
	return false;
}

static bool read_slices(uint32_t pid, uint32_t tid, uint64_t *slices)
{
	struct bytes text = {0};
	unsigned long long ran, waited, n = 0;
	bool known = !proc_file(&text, "/proc/%u/task/%u/schedstat", pid, tid) &&
		     sscanf(bytes_text(&text), "%llu %llu %llu", &ran, &waited, &n) == 3;

	bytes_free(&text);
	*slices = n;
	return known;
}

/* In a system call of which it is known that it is no parking place. */
static bool is_blocked(uint32_t pid, uint32_t tid)
{
	static const char *const parking[] = {
		"futex",	  "futex_wait",	   "futex_waitv",     "epoll_wait", "epoll_pwait",
		"epoll_pwait2",	  "poll",	   "ppoll",	      "select",	    "pselect6",
		"io_uring_enter", "rt_sigsuspend", "rt_sigtimedwait", "pause"};
	struct bytes text = {0};
	unsigned nr;
	bool in_call = !proc_file(&text, "/proc/%u/task/%u/syscall", pid, tid) &&
		       sscanf(bytes_text(&text), "%u", &nr) == 1;
	const char *name = in_call ? call_name(nr) : NULL;

	bytes_free(&text);
	for (size_t i = 0; name && i < ARRAY_LEN(parking); i++)
		if (!strcmp(name, parking[i]))
			return false;
	return name;
}

static struct worker *worker_of(struct live_source *s, uint32_t tid)
{
	struct worker *w = idmap_get(&s->workers, tid);
	if (w || !(w = calloc(1, sizeof *w)))
		return w;
	w->tid = tid;
	if (idmap_put(&s->workers, tid, w))
		return w;
	free(w);
	return NULL;
}

/* --- telling --- */

static void report(struct live_source *s, struct fact_stall *stall)
{
	const struct dictionary *d = s->options.dictionary;
	struct fact f = {.kind = FACT_WORKER, .stall = stall};

	stall->covered_ns = stall->blocks[0].stack ? stall->gap_ns : 0;
	verdict_decide(stall, s->options.capture.threshold_ns);
	culprit_choose(stall, d);
	cause_decide(stall, dictionary_loop(d, stall->loop), d);
	live_emit(s, &f, kernel_now_ns());
}

static void worker_named(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct worker_report *r = context;
	(void)cookie;
	r->stall.blocks[0].stack = stacks_number(r->source, stack);
	report(r->source, &r->stall);
	free(r);
}

static void stall_fill(struct live_source *s, const struct followed *l, const struct looked *looked,
		       uint64_t age_ns, struct fact_stall *stall)
{
	static const struct lst_child no_children[2];
	struct lst_block block = looked->block;

	block.count = 1;
	block.sum_ns = block.max_ns = age_ns;
	*stall = (struct fact_stall){.loop = l->id,
				     .pid = l->fact.pid,
				     .tid = looked->tid,
				     .comm = live_text(s, looked->comm, LST_COMM_BYTES),
				     .state = STALL_OPEN,
				     .task = {.name = "", .coroutine = ""},
				     .lag_ns = age_ns,
				     .gap_ns = age_ns,
				     .ledger = {.blocked_ns = age_ns},
				     .n_blocks = 1};
	uint64_t start_ns = kernel_now_ns() - age_ns;
	stall->start_ns = start_ns > s->start_ns ? start_ns - s->start_ns : 0;
	stalls_block(s, &stall->blocks[0], &block, l->fact.pid, no_children);
}

static struct looked *look_for_stack(struct live_source *s, uint32_t tid)
{
	struct looked *looked = calloc(1, sizeof *looked);

	if (!looked)
		return NULL;
	looked->tid = tid;
	s->looked = looked;
	look_at(s, tid);
	s->looked = NULL;
	return looked;
}

static void tell_blocked(struct live_source *s, const struct followed *l, uint32_t tid, uint64_t age_ns)
{
	struct worker_report *r = calloc(1, sizeof *r);
	struct looked *looked = look_for_stack(s, tid);

	if (!r || !looked || !looked->blocked)
		goto out;
	r->source = s;
	stall_fill(s, l, looked, age_ns, &r->stall);
	if (!looked->has_stack || resolver_submit(s->resolver, &looked->raw, 0, worker_named, r))
		report(s, &r->stall);
	else
		r = NULL; /* worker_named() has it */
out:
	free(looked);
	free(r);
}

void workers_task_taken(struct live_source *s, const struct lst_task_record *r)
{
	struct looked *looked = s->looked;
	if (!looked || looked->tid != r->head.tid)
		return;
	looked->blocked = r->cpu == LST_CPU_BLOCKED;
	looked->block = r->block;
	memcpy(looked->comm, r->comm, sizeof looked->comm);
}

bool workers_stack_taken(struct live_source *s, const struct lst_stack_record *r, const void *pages,
			 const struct lst_python_stack *python)
{
	struct looked *looked = s->looked;
	if (!looked || looked->tid != r->head.tid)
		return false;
	stacks_raw(&looked->raw, r, pages, python);
	size_t bytes = (size_t)looked->raw.n_pages * RAW_PAGE;
	if (bytes > sizeof looked->pages)
		return true;
	memcpy(looked->pages, pages, bytes);
	looked->raw.pages = looked->pages;
	looked->has_stack = true;
	return true;
}

/* --- looking --- */

static void look_at_worker(struct live_source *s, const struct followed *l, uint32_t tid, uint64_t now)
{
	struct worker *w = worker_of(s, tid);
	uint64_t slices;

	if (!w || !read_slices(l->fact.pid, tid, &slices))
		return;
	if (w->slices != slices)
		w->since_ns = w->report_ns = 0;
	w->slices = slices;
	w->seen = true;
	if (!w->since_ns) {
		w->since_ns = is_blocked(l->fact.pid, tid) ? now : 0;
		return;
	}
	uint64_t age_ns = now - w->since_ns;
	if (age_ns < s->options.capture.threshold_ns || age_ns < w->report_ns)
		return;
	w->report_ns = age_ns * 2;
	tell_blocked(s, l, tid, age_ns);
}

/* Those that have gone back to waiting, or are gone. */
static void forget_unseen(struct live_source *s)
{
	size_t at = 0;
	uint64_t tid;
	uint32_t gone[MAX_LOOKED_AT], n = 0;

	for (struct worker *w; (w = idmap_next(&s->workers, &at, &tid));) {
		if (!w->seen && n < MAX_LOOKED_AT)
			gone[n++] = w->tid;
		w->seen = false;
	}
	for (uint32_t i = 0; i < n; i++)
		free(idmap_take(&s->workers, gone[i]));
}

/* By others, so that its gaps say nothing of this thread. */
static bool is_served(const struct live_source *s, const struct lst_loop *l, uint64_t now)
{
	uint64_t gap_start_ns = l->gap_start_ns;
	return l->shared &&
	       (!gap_start_ns || gap_start_ns > now || now - gap_start_ns < s->options.capture.threshold_ns);
}

void workers_look(struct live_source *s, uint64_t now)
{
	uint32_t n, n_loops, looks = 0;
	const struct lst_thread *threads = capture_threads(s->capture, &n);
	const struct lst_loop *loops = capture_loops(s->capture, &n_loops);

	for (uint32_t i = 0; i < n && looks < MAX_LOOKED_AT; i++) {
		uint32_t slot = threads[i].wait_slot;
		struct followed *l =
			threads[i].state == LST_SLOT_LIVE && !threads[i].in_wait ? loops_at(s, slot) : NULL;
		if (!l || !is_served(s, &loops[slot], now) || starts_threads_for_blocked(l))
			continue;
		looks++;
		look_at_worker(s, l, threads[i].tid, now);
	}
	forget_unseen(s);
}

void workers_free(struct live_source *s)
{
	size_t at = 0;
	for (struct worker *w; (w = idmap_next(&s->workers, &at, NULL));)
		free(w);
	idmap_free(&s->workers);
}
