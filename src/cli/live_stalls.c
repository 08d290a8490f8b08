/* SPDX-License-Identifier: Apache-2.0 */
/* Stalls of the live source: those that ended, from the ring; those still open, from the mapped state. */
#include "cli/live_parts.h"
#include "cli/thread_now.h"

#include "base/bytes.h"
#include "capture/block_text.h"
#include "cli/proc.h"
#include "cli/process_text.h"

#include <stdio.h>
#include <string.h>

#define OPEN_AFTER_NS (900 * LIVE_MS) /* past the threshold: most stalls end by themselves before */
#define RUNNER_SHARE  100	      /* whoever ran for less than 1/100 of a wait is not worth a name */

static const char *const waker_words[] = {
	[LST_WAKER_UNKNOWN] = "",      [LST_WAKER_FUTEX] = "futex", [LST_WAKER_PIPE] = "pipe",
	[LST_WAKER_SOCKET] = "socket", [LST_WAKER_EXIT] = "exit",   [LST_WAKER_CALL] = "call",
};

static const char *call_text(struct live_source *s, uint32_t nr)
{
	char number[24];
	const char *name = call_name(nr);
	if (name)
		return name;
	snprintf(number, sizeof number, "system call %u", nr);
	return intern_text(s->texts, number);
}

static void waker_fill(struct live_source *s, struct waker *to, const struct lst_waker *w)
{
	*to = (struct waker){.comm = "", .why = ""};
	if (!w->tid || w->why > LST_WAKER_CALL)
		return;
	*to = (struct waker){w->tgid, w->tid, live_text(s, w->comm, LST_COMM_BYTES), waker_words[w->why], 0};
}

void stalls_block(struct live_source *s, struct block *to, const struct lst_block *b, uint32_t pid,
		  const struct lst_child *children)
{
	_Static_assert((int)TARGET_KINDS == (int)LST_TARGET_KINDS,
		       "kinds of targets are the same on both sides");
	struct block_context context = {pid, children};
	struct bytes text = {0};

	struct lst_block known = *b;
	if (b->kind == LST_TARGET_FUTEX && python_is_gil(s, pid, b->object))
		known.kind = LST_TARGET_GIL;
	b = &known;
	block_target_text(&text, b, &context);
	*to = (struct block){
		.call = call_text(s, b->call),
		.target = live_text(s, bytes_text(&text), text.len),
		.kind = b->kind < LST_TARGET_KINDS ? (enum target_kind)b->kind : TARGET_NONE,
		.count = b->count,
		.sum_ns = b->sum_ns,
		.max_ns = b->max_ns,
	};
	if ((to->kind == TARGET_SLEEP && block_sleeps_alike(b)) || to->kind == TARGET_CHILD ||
	    to->kind == TARGET_FUTEX || to->kind == TARGET_FAULT)
		to->object = b->object;
	waker_fill(s, &to->waker, &b->waker);
	bytes_free(&text);
}

#define PLACE_MASK 0xffu

/* What stacks of the kernel call a block. */
static uint32_t block_name(const struct lst_block *b, uint32_t at)
{
	return at | b->tenant << 8;
}

/* Keeps the longest first. block_at: its name in the kernel's stacks. */
static void block_put(struct live_source *s, struct attribution_stall *a, const struct lst_block *b,
		      uint32_t block_at, const struct lst_child *children)
{
	struct fact_stall *stall = &a->stall;
	uint32_t at = stall->n_blocks++;

	for (; at && stall->blocks[at - 1].sum_ns < b->sum_ns; at--) {
		stall->blocks[at] = stall->blocks[at - 1];
		a->block_seq[at] = a->block_seq[at - 1];
		a->block_at[at] = a->block_at[at - 1];
	}
	stalls_block(s, &stall->blocks[at], b, stall->pid, children);
	a->block_seq[at] = b->stack_seq;
	a->block_at[at] = block_at;
}

/* The GIL's condition variable has several futexes that take turns: to whoever waits they are one. */
static void gil_add(struct lst_block *gil, uint32_t *waker_at, const struct lst_block *b, uint32_t at)
{
	gil->count += b->count;
	gil->sum_ns += b->sum_ns;
	if (b->waker.tid && (!gil->waker.tid || b->max_ns > gil->max_ns)) {
		gil->waker = b->waker;
		*waker_at = at;
	}
	if (b->stack_seq && (!gil->stack_seq || b->max_ns > gil->max_ns))
		gil->stack_seq = b->stack_seq;
	if (b->max_ns > gil->max_ns)
		gil->max_ns = b->max_ns;
}

static void blocks_fill(struct live_source *s, struct attribution_stall *a, const struct lst_block *blocks,
			uint32_t n, const struct lst_child *children)
{
	struct lst_block gil = {0};
	uint32_t waker_at = 0;

	for (uint32_t i = 0; i < n && i < LST_BLOCKS; i++) {
		const struct lst_block *b = &blocks[i];
		bool is_gil = b->kind == LST_TARGET_FUTEX && python_is_gil(s, a->stall.pid, b->object);
		if (!b->sum_ns)
			continue;
		if (is_gil && gil.sum_ns) {
			gil_add(&gil, &waker_at, b, block_name(b, i));
		} else if (is_gil) {
			gil = *b;
			waker_at = block_name(b, i);
		} else {
			block_put(s, a, b, block_name(b, i), children);
		}
	}
	if (gil.sum_ns)
		block_put(s, a, &gil, waker_at, children);
	a->stall.gil_wait_ns = gil.sum_ns;
}

/* Keeps the longest first. Where one event was not seen they may come to more than the wait: nobody ran for longer than that. */
static void runners_fill(struct live_source *s, struct fact_stall *stall, const struct lst_runner *runners,
			 uint32_t n)
{
	_Static_assert(FACT_MAX_RUNNERS == LST_RUNNERS, "all that the kernel tells apart are kept");
	uint64_t waited_ns = stall->ledger.runnable_ns + stall->delay_ns;

	for (uint32_t i = 0; i < n && i < LST_RUNNERS; i++) {
		const struct lst_runner *r = &runners[i];
		uint64_t ns = r->ns < waited_ns ? r->ns : waited_ns;
		uint32_t at = stall->n_runners;
		if (ns <= waited_ns / RUNNER_SHARE)
			continue;
		for (; at && stall->runners[at - 1].ns < ns; at--)
			stall->runners[at] = stall->runners[at - 1];
		stall->runners[at] =
			(struct runner){r->pid, r->own, live_text(s, r->comm, LST_COMM_BYTES), ns};
		stall->n_runners++;
	}
}

/* Which cgroup's, as /proc has it now; a process that has gone leaves its cgroup's name. */
static void limit_fill(struct live_source *s, struct fact_stall *stall, const struct lst_limit *l)
{
	char name[LST_CGROUP_BYTES], path[PROCESS_CGROUP_BYTES];
	struct bytes cgroups = {0};

	if (!stall->ledger.throttled_ns || !l->period_ns)
		return;
	snprintf(name, sizeof name, "%.*s", (int)sizeof name - 1, l->name);
	if (proc_file(&cgroups, "/proc/%u/cgroup", stall->pid))
		bytes_clear(&cgroups);
	uint32_t version = process_text_limit(bytes_text(&cgroups), l->level, name, path);
	stall->limit = (struct limit){live_text(s, path, sizeof path), l->quota_ns, l->period_ns, version};
	bytes_free(&cgroups);
}

static void stopper_fill(struct live_source *s, struct fact_stall *stall, const struct lst_stopper *from)
{
	_Static_assert((int)STOPS == (int)LST_STOP_TRACED + 1 && (int)STOP_FROZEN == (int)LST_STOP_FROZEN,
		       "stops are the same on both sides");
	if (!stall->ledger.stopped_ns || from->by >= STOPS)
		return;
	stall->stopper = (struct stopper){(enum stop)from->by, from->pid, from->signal,
					  from->pid ? live_text(s, from->comm, LST_COMM_BYTES) : ""};
}

static void ledger_fill(struct fact_stall *stall, const struct lst_ledger *l, uint64_t throttled_delay_ns)
{
	uint64_t sum = l->cpu_ns + l->blocked_ns + l->runnable_ns + l->stopped_ns;

	stall->ledger = (struct ledger){
		.cpu_ns = l->cpu_ns,
		.blocked_ns = l->blocked_ns,
		.runnable_ns = l->runnable_ns,
		.stopped_ns = l->stopped_ns,
		.throttled_ns = l->throttled_ns + throttled_delay_ns,
		.fault_ns = l->fault_ns,
		.reclaim_ns = l->reclaim_ns,
		.unaccounted_ns = sum < stall->gap_ns ? stall->gap_ns - sum : 0,
		.preempted = l->preempted,
	};
}

/* --- stacks that a look took ----------------------------------------------------------------------------------------------------- */

/* Of the block that the thread is in. */
static void looked_keep(struct followed *l, uint64_t gap_seq, const struct lst_thread *t, uint32_t stack_seq,
			uint64_t now)
{
	uint32_t at = t->block_now;

	if (stack_seq && at < LST_BLOCKS)
		l->looked = (struct looked_block){gap_seq, thread_blocked_ns(t, now),
						  block_name(&t->blocks[at], at), stack_seq};
}

/*
 * The kernel has no stack of a block that began before we came, and one of a block that goes on only at its end: what the open stall showed, its
 * later reports and its end show too, unless the kernel has that of a longer time.
 */
static void looked_recall(const struct followed *l, uint64_t gap_seq, struct lst_block *blocks, uint32_t n)
{
	const struct looked_block *looked = &l->looked;
	uint32_t at = looked->name & PLACE_MASK;

	if (!looked->stack_seq || looked->gap_seq != gap_seq || at >= n || at >= LST_BLOCKS ||
	    block_name(&blocks[at], at) != looked->name)
		return;
	if (!blocks[at].stack_seq || blocks[at].stack_ns < looked->ns)
		blocks[at].stack_seq = looked->stack_seq;
}

/* --- stalls that ended ----------------------------------------------------------------------------------------------------------- */

/* Gap, delay, lag and start from kernel times. */
static void lengths_fill(struct live_source *s, struct fact_stall *stall, uint64_t gap_start_ns,
			 uint64_t gap_ns, uint64_t delay_ns)
{
	uint64_t start = gap_start_ns - delay_ns;

	stall->gap_ns = gap_ns;
	stall->delay_ns = delay_ns;
	stall->lag_ns = gap_ns + delay_ns;
	stall->start_ns = start > s->start_ns ? start - s->start_ns : 0;
}

static void chain_fill(struct fact_stall *stall, const struct lst_pending *gap)
{
	const struct lst_chain *c = &gap->chain;

	stall->connects = gap->connects;
	stall->chain = (struct chain){c->gaps, c->ns, c->last_ns, c->growth, c->growth ? c->grown_from_ns : 0,
				      c->timed};
}

static enum harm harm_of(uint32_t harm)
{
	switch (harm) {
	case LST_HARM_QUEUED: return HARM_QUEUED;
	case LST_HARM_LATE: return HARM_LATE;
	case LST_HARM_OWN: return HARM_OWN;
	default: return HARM_UNKNOWN;
	}
}

void stalls_ended(void *context, const struct lst_stall_record *r)
{
	struct live_source *s = context;
	struct followed *l = loops_at(s, r->slot);
	/* Of threads that come back from a shared loop at the same moment each may send what was pending: the same gap, so the same stall. */
	if (!l || l->told_seq == r->gap.gap_seq)
		return;
	struct attribution_stall a = {.at_ns = live_at(s, r->gap.closed_ns)};
	struct fact_stall *stall = &a.stall;
	struct lst_block blocks[LST_BLOCKS];

	l->told_seq = r->gap.gap_seq;
	memcpy(blocks, r->blocks, sizeof blocks);
	looked_recall(l, r->gap.gap_seq, blocks, r->n_blocks);

	stall->loop = l->id;
	stall->pid = r->head.tgid;
	stall->tid = r->head.tid;
	stall->comm = live_text(s, r->comm, LST_COMM_BYTES);
	stall->gap_seq = r->gap.gap_seq;
	stall->harm = harm_of(r->harm);
	stall->ready_fds = r->ready;
	stall->late_ns = r->gap.late_ns;
	stall->lower_bound = r->gap.flags & LST_GAP_BEFORE_ATTACH;
	if (stall->lower_bound)
		loops_note_unobserved(s, l, r->gap.gap_seq, r->gap.gap_start_ns);
	if (r->gap.flags & LST_GAP_TERMINAL) {
		stall->state = STALL_DIED;
		stall->signal = r->terminal_signal;
	} else if (r->gap.flags & LST_GAP_EXEC) {
		stall->state = STALL_EXEC;
	}
	chain_fill(stall, &r->gap);
	lengths_fill(s, stall, r->gap.gap_start_ns, r->gap.gap_ns, r->gap.delay_ns);
	ledger_fill(stall, &r->gap.ledger, r->throttled_delay_ns);
	runners_fill(s, stall, r->gap.runners, r->gap.n_runners);
	limit_fill(s, stall, &r->gap.limit);
	stopper_fill(s, stall, &r->gap.stopper);
	taken_measure(s, stall, r->gap.ledger.repaired_ns ? 0 : r->gap.ran_ns);
	stall->ledger.minor_faults = r->gap.minor_faults;
	stall->ledger.major_faults = r->gap.major_faults;
	blocks_fill(s, &a, blocks, r->n_blocks, r->children);
	stall->collector_ns = collector_ran_ns(s, stall);
	loops_judge_stall(s, l, r);
	l->open_seq = 0;
	attribution_stall(s->attribution, &a, kernel_now_ns());
}

void stalls_ready(void *context, const struct fact_stall *stall, uint64_t at_ns)
{
	lines_tell(context, stall, at_ns);
}

void stalls_emit(struct live_source *s, const struct fact_stall *stall, uint64_t at_ns)
{
	struct fact f = {.kind = FACT_STALL, .stall = stall};

	s->end.stalls += stall_is_over(stall);
	live_emit(s, &f, at_ns + s->start_ns);
}

/* --- open stalls --------------------------------------------------------------------------------------------------------------- */

/* A thread as it is now. One that is blocked is looked at: for its stack, and because it may have been woken without a word. */
static struct lst_thread thread_look(struct live_source *s, struct followed *l, const struct lst_loop *loop,
				     const struct lst_thread *kept, uint64_t now)
{
	struct lst_thread t = *kept;
	uint64_t since_ns = t.since_ns;

	if (t.cpu != LST_CPU_BLOCKED || thread_ready_ns(&t, now))
		return t;
	struct look look = look_at(s, t.tid);
	if (look.is_awake) {
		t = *kept;
		if (t.since_ns == since_ns)
			thread_seen_awake(&t);
	} else {
		looked_keep(l, loop->gap_seq, &t, look.stack_seq, now);
	}
	return t;
}

/* Adds the block that the thread is in to its slot. */
static void block_continue(struct lst_thread *t, uint64_t now)
{
	uint64_t open = thread_blocked_ns(t, now);
	if (!open || t->block_now >= LST_BLOCKS)
		return;
	struct lst_block *b = &t->blocks[t->block_now];

	b->count++;
	b->sum_ns += open;
	if (b->call == LST_CALL_FAULT)
		t->ledger.fault_ns += open;
	if (open <= b->max_ns)
		return;
	b->max_ns = open;
	b->waker = (struct lst_waker){0};
}

/* A look reads the ring: the end of that gap may have been in it, or of its loop. */
static bool gap_is_over(const struct live_source *s, const struct followed *l, const struct lst_loop *then)
{
	uint32_t n;
	const struct lst_loop *loop = &capture_loops(s->capture, &n)[l - s->loops];

	return !l->id || loop->born_ns != then->born_ns || loop->gap_seq != then->gap_seq ||
	       !loop->gap_start_ns;
}

static void stall_report_open(struct live_source *s, struct followed *l, const struct lst_loop *loop,
			      uint64_t now)
{
	uint32_t n;
	const struct lst_thread *threads = capture_threads(s->capture, &n);
	struct attribution_stall a = {.at_ns = live_at(s, now)};
	struct fact_stall *stall = &a.stall;

	if (loop->owner_slot >= n || threads[loop->owner_slot].tid != loop->owner)
		return;
	struct lst_thread t = thread_look(s, l, loop, &threads[loop->owner_slot], now);
	if (t.tid != loop->owner || gap_is_over(s, l, loop))
		return;
	block_continue(&t, now);
	looked_recall(l, loop->gap_seq, t.blocks, t.n_blocks);
	stall->loop = l->id;
	stall->pid = loop->tgid;
	stall->tid = loop->owner;
	stall->comm = live_text(s, t.comm, LST_COMM_BYTES);
	stall->state = loop->gap_flags & LST_GAP_BEFORE_ATTACH ? STALL_STUCK : STALL_OPEN;
	stall->gap_seq = loop->gap_seq;
	stall->ready_ns = thread_ready_ns(&t, now);
	lengths_fill(s, stall, loop->gap_start_ns, now - loop->gap_start_ns, loop->gap_delay_ns);
	struct lst_ledger ledger = thread_ledger(&t, &loop->base, now);
	ledger_fill(stall, &ledger, loop->throttled_delay_ns);
	runners_fill(s, stall, t.runners, loop->nested ? 0 : t.n_runners);
	limit_fill(s, stall, &t.limit);
	stopper_fill(s, stall, &t.stopper);
	blocks_fill(s, &a, t.blocks, t.n_blocks, t.children);
	stall->collector_ns = collector_ran_ns(s, stall);
	attribution_stall(s->attribution, &a, now);
}

/* Whether an open gap is due for a report, and when it is due next. */
static bool open_is_due(struct live_source *s, struct followed *l, const struct lst_loop *loop, uint64_t now)
{
	uint64_t age = now - loop->gap_start_ns + loop->gap_delay_ns,
		 threshold = s->options.capture.threshold_ns;

	if (l->open_seq != loop->gap_seq) {
		l->open_seq = loop->gap_seq;
		l->open_next_ns =
			loop->gap_flags & LST_GAP_BEFORE_ATTACH ? threshold : threshold + OPEN_AFTER_NS;
	}
	if (age < l->open_next_ns)
		return false;
	l->open_next_ns = age * 2;
	return true;
}

/* A loop that was woken and has not run since: due, and without a CPU. Its gap has not even begun. */
static void delay_report_open(struct live_source *s, struct followed *l, const struct lst_loop *loop,
			      const struct lst_thread *t, uint64_t now)
{
	struct attribution_stall a = {.at_ns = live_at(s, now)};
	struct fact_stall *stall = &a.stall;

	stall->loop = l->id;
	stall->pid = t->tgid;
	stall->tid = t->tid;
	stall->comm = live_text(s, t->comm, LST_COMM_BYTES);
	stall->state = STALL_OPEN;
	stall->gap_seq = loop->gap_seq + 1; /* what the gap will be called */
	stall->ready_ns = now - t->woken_ns;
	lengths_fill(s, stall, now, 0, now - t->woken_ns);
	runners_fill(s, stall, t->runners, t->n_runners);
	attribution_stall(s->attribution, &a, now);
}

static void delays_open(struct live_source *s, uint64_t now)
{
	uint32_t n_loops, n;
	const struct lst_loop *loops = capture_loops(s->capture, &n_loops);
	const struct lst_thread *threads = capture_threads(s->capture, &n);

	for (uint32_t i = 0; i < n; i++) {
		/* Before it is copied: copies of all were most of what a quiet capture costs. */
		if (!threads[i].in_wait || !threads[i].woken_ns)
			continue;
		struct lst_thread t = threads[i];
		struct followed *l =
			t.in_wait && t.woken_ns && t.woken_ns < now ? loops_at(s, t.wait_slot) : NULL;
		if (!l || loops[t.wait_slot].shared ||
		    now - t.woken_ns < s->options.capture.threshold_ns + OPEN_AFTER_NS)
			continue;
		uint64_t age = now - t.woken_ns, seq = loops[t.wait_slot].gap_seq + 1;
		if (l->open_seq == seq && age < l->open_next_ns)
			continue;
		l->open_seq = seq;
		l->open_next_ns = age * 2;
		delay_report_open(s, l, &loops[t.wait_slot], &t, now);
	}
}

void stalls_open(struct live_source *s, uint64_t now, enum open_which which)
{
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);

	delays_open(s, now);
	for (uint32_t slot = 0; slot < n; slot++) {
		struct followed *l = loops_at(s, slot);
		if (!l || !loops[slot].gap_start_ns || loops[slot].state != LST_SLOT_LIVE)
			continue;
		struct lst_loop loop = loops[slot];
		if (!loop.gap_start_ns || loop.gap_start_ns > now)
			continue;
		bool over = now - loop.gap_start_ns + loop.gap_delay_ns >= s->options.capture.threshold_ns;
		if (which == OPEN_ANY || (which == OPEN_OVER ? over : open_is_due(s, l, &loop, now)))
			stall_report_open(s, l, &loop, now);
	}
}
