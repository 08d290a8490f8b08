/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of the live source: from slots to numbered loops, their counts once a second, their class, their end. */
#include "cli/live_parts.h"

#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLAVE_WAITS	16
#define SPIN_WAITS	1000 /* a second */
#define SLEEP_POLL_GAPS 4
#define RETIRE_NS	(2 * LIVE_S) /* longer than names may take */
#define CLOSED_AFTER_NS (2 * LIVE_S) /* without a wait, before it is asked whether it is closed … */
#define CLOSED_EVERY	4	     /* … which is done every so many seconds */

struct followed *loops_at(struct live_source *s, uint32_t slot)
{
	return slot < s->max_loops && s->loops[slot].id ? &s->loops[slot] : NULL;
}

void loops_changed(struct live_source *s, struct followed *l)
{
	struct fact f = {.kind = FACT_LOOP, .loop = l->fact};
	live_emit(s, &f, kernel_now_ns());
}

/*
 * Whose a slot is, apart from the rest of it: each loop that appears is held against all others, and the kilobytes that each of them has are
 * in no cache. 10,000 that began at once took 1.8 s of CPU time, and so 0.2 s.
 */
static uint64_t holder(uint32_t pid, uint32_t fd)
{
	return (uint64_t)pid << 32 | fd;
}

static bool is_held_by(const struct live_source *s, uint32_t slot, uint32_t pid)
{
	return s->holders[slot] >> 32 == pid;
}

/*
 * What another loop of the process was told holds for this one: exec ends all of them. Asked anew for each of some thousand threads, /proc
 * took minutes, because every thread has lines of its own in the maps. True if this is the first one.
 */
static bool loop_process_info(struct live_source *s, uint32_t pid, const char *comm,
			      struct process_info *info)
{
	for (uint32_t i = 0; i < s->max_loops; i++) {
		const struct followed *l = &s->loops[i];
		if (!is_held_by(s, i, pid))
			continue;
		*info = (struct process_info){
			.ns_pid = l->fact.ns_pid,
			.name = l->fact.process,
			.runtime = l->fact.runtime,
			.container = l->fact.container,
			.unit = l->fact.unit,
			.single_client = l->single_client,
		};
		return false;
	}
	process_info_read(info, pid, comm, s->texts);
	return true;
}

static void loop_follow(struct live_source *s, struct followed *l, const struct lst_loop_record *r)
{
	struct process_info info;
	char comm[LST_COMM_BYTES + 1] = "";

	memcpy(comm, r->comm, LST_COMM_BYTES);
	if (loop_process_info(s, r->head.tgid, comm, &info))
		reads_follow(s, r->head.tgid);
	*l = (struct followed){
		.id = ++s->n_ids,
		.generation = r->generation,
		.single_client = info.single_client,
		.counted_ns = r->head.time_ns < s->start_ns ? s->start_ns : r->head.time_ns,
		.last_hists = calloc(1, sizeof *l->last_hists),
	};
	l->fact = (struct fact_loop){
		.id = l->id,
		.pid = r->head.tgid,
		.tid = r->head.tid,
		.ns_pid = info.ns_pid,
		.fd = r->fd,
		.comm = live_text(s, comm, LST_COMM_BYTES),
		.process = info.name,
		.runtime = info.runtime,
		.wait_call = "epoll",
		.container = info.container,
		.unit = info.unit,
		.class = info.single_client ? LOOP_SINGLE_CLIENT : LOOP_SINGLE,
		.threads = 1,
	};
	s->holders[r->slot] = holder(r->head.tgid, r->fd);
}

/* --- counts ----------------------------------------------------------------------------------------------------------------- */

/* Adds what a kernel histogram grew by since `last` and brings `last` up to it. */
static void hist_grow(struct histogram *to, struct histogram *also, const struct lst_hist *now,
		      struct lst_hist *last)
{
	_Static_assert(HISTOGRAM_BUCKETS == LST_HIST_BUCKETS, "kernel and model count in the same buckets");
	for (unsigned i = 0; i < LST_HIST_BUCKETS; i++) {
		uint32_t count = __atomic_load_n(&now->count[i], __ATOMIC_RELAXED),
			 grown = count - last->count[i];
		if (!grown)
			continue;
		uint64_t sum = __atomic_load_n(&now->sum_ns[i], __ATOMIC_RELAXED),
			 sum_grown = sum - last->sum_ns[i];
		struct histogram *into[] = {to, also};
		for (unsigned k = 0; k < 2 && into[k]; k++) {
			into[k]->count[i] += grown;
			into[k]->sum_ns[i] += sum_grown;
			into[k]->n += grown;
			into[k]->total_ns += sum_grown;
		}
		last->count[i] = count;
		last->sum_ns[i] = sum;
	}
}

/* Bounds from the buckets: exact ones are only kept for the lag, in the loop. */
static void hist_bound(struct histogram *h)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->n; i++) {
		if (!h->count[i])
			continue;
		uint64_t mean = h->sum_ns[i] / h->count[i],
			 upper = i + 1 < HISTOGRAM_BUCKETS ? (uint64_t)histogram_upper_ns(i) : mean;
		if (!h->min_ns)
			h->min_ns = (uint64_t)histogram_lower_ns(i) < mean
					    ? (uint64_t)histogram_lower_ns(i) + 1
					    : mean;
		h->max_ns = upper > mean ? upper : mean;
	}
}

static void counts_fill(struct fact_counts *c, const struct lst_loop *now, const struct lst_loop *last)
{
	c->iterations = now->iterations - last->iterations;
	c->waits = now->waits - last->waits;
	c->events = now->events - last->events;
	c->zero_waits = now->zero_waits - last->zero_waits;
	c->slept_waits = now->slept_waits - last->slept_waits;
	c->busy_ns = now->busy_ns - last->busy_ns;
	c->over_threshold = now->over_threshold - last->over_threshold;
	c->max_lag_ns = now->max_lag_ns;
	c->min_gap_ns = now->min_gap_ns;
	c->timed_chains = now->timed_chains - last->timed_chains;
	c->timed_ns = now->timed_ns - last->timed_ns;
	c->connects = now->connects - last->connects;
	c->bursts = now->bursts - last->bursts;
	c->most_connects = now->most_connects;
}

static void counts_histograms(struct fact_counts *c, const struct lst_loop_hists *now,
			      struct lst_loop_hists *last)
{
	hist_grow(&c->lag, &c->gap, &now->plain, &last->plain);
	hist_grow(&c->gap, NULL, &now->delayed_gap, &last->delayed_gap);
	hist_grow(&c->lag, NULL, &now->delayed_lag, &last->delayed_lag);
	hist_grow(&c->delay, NULL, &now->delay, &last->delay);
	hist_grow(&c->offcpu, NULL, &now->offcpu, &last->offcpu);
	hist_bound(&c->lag);
	hist_bound(&c->gap);
	hist_bound(&c->delay);
	hist_bound(&c->offcpu);
	if (c->lag.max_ns > c->max_lag_ns)
		c->lag.max_ns = c->max_lag_ns;
}

/* --- class ------------------------------------------------------------------------------------------------------------------ */

/* A loop that is only ever polled, by a thread whose own loop is another one. */
static bool loop_is_slave(struct live_source *s, const struct followed *l, const struct lst_loop *now)
{
	if (now->waits < SLAVE_WAITS || now->slept_waits)
		return false;
	for (uint32_t i = 0; i < s->max_loops; i++)
		if (s->loops[i].id && s->loops[i].id != l->id && s->loops[i].fact.pid == l->fact.pid &&
		    s->loops[i].fact.tid == l->fact.tid && s->loops[i].last.slept_waits)
			return true;
	return false;
}

static bool loop_spins(const struct fact_counts *c)
{
	return c->elapsed_ns && c->waits * LIVE_S / c->elapsed_ns >= SPIN_WAITS &&
	       c->zero_waits * 20 >= c->waits * 19 && !c->events && !c->slept_waits;
}

static void loop_classify(struct live_source *s, struct followed *l, const struct lst_loop *now,
			  const struct fact_counts *c)
{
	enum loop_class class = l->fact.class;

	if (l->single_client || class == LOOP_SHARED)
		return;
	if (loop_is_slave(s, l, now))
		class = LOOP_SLAVE;
	else if (l->sleep_streak >= SLEEP_POLL_GAPS)
		class = LOOP_SLEEP_POLL;
	else if (c->waits)
		class = loop_spins(c) ? LOOP_SPIN : LOOP_SINGLE;
	if (class == l->fact.class)
		return;
	l->fact.class = class;
	loops_changed(s, l);
}

/* As long as the one before, as far as a busy host lets sleeps be equal. */
static bool is_as_long(uint64_t ns, uint64_t before_ns)
{
	return ns * 2 >= before_ns && ns <= before_ns * 2;
}

/*
 * One gap after the other filled by an equal sleep and followed by a poll that finds nothing: a loop that serves only every so often, as
 * Netty's while it shuts down. In Python a sleep in the loop is a defect, however regular.
 */
void loops_judge_stall(struct live_source *s, struct followed *l, const struct lst_stall_record *r)
{
	const struct lst_block *b = r->n_blocks ? &r->blocks[0] : NULL;
	bool sleeps = b && b->kind == LST_TARGET_SLEEP && b->sum_ns * 10 >= r->gap.gap_ns * 9 &&
		      r->gap.deadline_passed && strncmp(l->fact.runtime, "cpython", strlen("cpython")) != 0;
	bool goes_on = r->gap.gap_seq == l->sleep_seq + 1 && is_as_long(r->gap.gap_ns, l->sleep_ns);

	l->sleep_streak = !sleeps ? 0 : goes_on ? l->sleep_streak + 1 : 1;
	l->sleep_seq = r->gap.gap_seq;
	l->sleep_ns = r->gap.gap_ns;
	if (!sleeps && l->fact.class == LOOP_SLEEP_POLL) {
		l->fact.class = LOOP_SINGLE;
		loops_changed(s, l);
	}
}

/* --- every second, and the end ----------------------------------------------------------------------------------------------- */

void loops_note_unobserved(struct live_source *s, struct followed *l, uint64_t gap_seq, uint64_t gap_start_ns)
{
	if (gap_seq == l->unobserved_seq || gap_start_ns >= s->start_ns)
		return;
	l->unobserved_seq = gap_seq;
	l->unobserved_ns = s->start_ns - gap_start_ns;
}

/* A gap that ended while the loop was copied may be among the closed ones already. */
static uint64_t open_gap_ns(const struct lst_loop *copied, const struct lst_loop *loop, uint64_t now)
{
	uint64_t start_ns = copied->gap_start_ns;
	bool is_open = start_ns && start_ns < now &&
		       __atomic_load_n(&loop->gap_start_ns, __ATOMIC_RELAXED) == start_ns;
	return is_open ? now - start_ns : 0;
}

static void loop_count(struct live_source *s, uint32_t slot, uint64_t now)
{
	struct followed *l = &s->loops[slot];
	uint32_t n;
	const struct lst_loop *loop = &capture_loops(s->capture, &n)[slot];
	struct lst_loop state = *loop;
	struct fact_counts c = {.loop = l->id,
				.elapsed_ns = now > l->counted_ns ? now - l->counted_ns : 0,
				.open_ns = open_gap_ns(&state, loop, now)};
	struct fact f = {.kind = FACT_COUNTS, .counts = &c};

	if (c.open_ns && state.gap_flags & LST_GAP_BEFORE_ATTACH)
		loops_note_unobserved(s, l, state.gap_seq, state.gap_start_ns);
	c.unobserved_ns = l->unobserved_ns;
	l->unobserved_ns = 0;
	counts_fill(&c, &state, &l->last);
	peers_count(s, &c, &state, &l->last);
	tasks_count(s, &c, l->fact.pid);
	if (l->last_hists)
		counts_histograms(&c, &capture_hists(s->capture)[slot], l->last_hists);
	l->counted_ns = now;
	l->last = state;
	s->holders[slot] = holder(l->fact.pid, state.fd); /* its threads may have come to use a duplicate */
	s->end.iterations += c.iterations;
	loop_classify(s, l, &state, &c);
	live_emit(s, &f, now);
	saturation_watch(s, l, slot, &state, &c, now);
}

static void loops_count(struct live_source *s, uint64_t now)
{
	tasks_share(s);
	for (uint32_t slot = 0; slot < s->max_loops; slot++)
		if (s->loops[slot].id)
			loop_count(s, slot, now);
}

static void loop_retire(struct live_source *s, uint32_t id)
{
	if (array_reserve(&s->retired, &s->retired_cap, s->n_retired + 1, sizeof *s->retired))
		s->retired[s->n_retired++] = (struct retired){id, kernel_now_ns()};
	else
		attribution_forget(s->attribution, id);
}

void loops_forget_retired(struct live_source *s, uint64_t now)
{
	size_t n = 0;
	for (; n < s->n_retired && s->retired[n].at_ns + RETIRE_NS < now; n++)
		attribution_forget(s->attribution, s->retired[n].id);
	if (!n)
		return;
	memmove(s->retired, s->retired + n, (s->n_retired - n) * sizeof *s->retired);
	s->n_retired -= n;
}

static void loop_end(struct live_source *s, uint32_t slot)
{
	struct followed *l = &s->loops[slot];

	loop_count(s, slot, kernel_now_ns());
	loop_retire(s, l->id);
	l->fact.gone = true;
	loops_changed(s, l);
	free(l->last_hists);
	*l = (struct followed){0};
	s->holders[slot] = 0;
	capture_release_loop(s->capture, slot);
}

/*
 * Nothing tells of a close, but a process has one object behind a descriptor: the one that was there before is closed. A program that
 * makes a loop for each task, as asyncio.run() does, would else fill the table with loops that are no more.
 */
static void loops_replaced(struct live_source *s, const struct lst_loop_record *r)
{
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);
	const uint64_t *holders = s->holders, own = holder(r->head.tgid, r->fd);

	for (uint32_t slot = 0; slot < s->max_loops; slot++)
		if (holders[slot] == own && slot != r->slot && loops[slot].fd == r->fd &&
		    loops[slot].born_ns <= r->head.time_ns && !loops[slot].waiters)
			loop_end(s, slot);
}

/* A descriptor that leads to no epoll object, or a process that is no more; false where it cannot be seen. */
static bool leads_nowhere(const struct lst_loop *loop)
{
	static const char epoll[] = "anon_inode:[eventpoll]";
	char path[64], name[sizeof epoll];

	snprintf(path, sizeof path, "/proc/%u/fd/%u", loop->tgid, loop->fd);
	ssize_t n = readlink(path, name, sizeof name);
	if (n < 0)
		return errno == ENOENT;
	return n != sizeof epoll - 1 || memcmp(name, epoll, sizeof epoll - 1) != 0;
}

/* Nobody waits on it, and in no gap anybody is about to. Its object may be made anew while we look. */
static bool is_closed(const struct lst_loop *l, uint64_t now)
{
	uint64_t last_ns = l->last_wait_ns;
	uint32_t generation = l->generation;

	return last_ns + CLOSED_AFTER_NS < now && !l->waiters && !l->gap_start_ns && leads_nowhere(l) &&
	       l->last_wait_ns == last_ns && l->generation == generation;
}

/* Each in its own second of CLOSED_EVERY: a program may have very many that it does not wait on. */
static void loops_end_closed(struct live_source *s, uint64_t now)
{
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);

	for (uint32_t slot = now / LIVE_S % CLOSED_EVERY; slot < s->max_loops; slot += CLOSED_EVERY)
		if (s->loops[slot].id && is_closed(&loops[slot], now))
			loop_end(s, slot);
}

void loops_beat(struct live_source *s, uint64_t now)
{
	loops_count(s, now);
	loops_end_closed(s, now);
}

void loops_appeared(void *context, const struct lst_loop_record *r)
{
	struct live_source *s = context;
	if (r->slot >= s->max_loops)
		return;
	struct followed *l = &s->loops[r->slot];

	if (!l->id) {
		loop_follow(s, l, r);
		loops_replaced(s, r);
		resolver_prepare(s->resolver, r->head.tgid, kernel_now_ns());
		loops_changed(s, l);
	} else if (!r->first && r->head.tid != l->fact.tid) {
		l->fact.threads++;
		if (l->fact.class == LOOP_SINGLE)
			l->fact.class = LOOP_SHARED;
		loops_changed(s, l);
	}
	if (!idmap_get(&s->processes, r->head.tgid)) {
		idmap_put(&s->processes, r->head.tgid, l);
		s->had_process = true;
	}
	python_follow(s, r->head.tgid);
	if (!strncmp(l->fact.runtime, "jvm", strlen("jvm")))
		collector_follow(s, r->head.tgid);
	capture_sample_thread(s->capture, r->head.tid);
}

/* The process exec'd or ended at a time: what it had before is gone; a new program may have made its own since. */
void loops_process_gone(struct live_source *s, uint32_t tgid, uint64_t before_ns)
{
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);

	for (uint32_t slot = 0; slot < s->max_loops; slot++)
		if (is_held_by(s, slot, tgid) && loops[slot].born_ns <= before_ns)
			loop_end(s, slot);
}

/* Threads that ended: their slots have served once their last records are out of the ring. */
void loops_release_dead(struct live_source *s)
{
	uint32_t n;
	const struct lst_thread *threads = capture_threads(s->capture, &n);

	for (uint32_t slot = 0; slot < n; slot++) {
		if (threads[slot].state != LST_SLOT_DEAD)
			continue;
		capture_unsample_thread(s->capture, threads[slot].tid);
		capture_release_thread(s->capture, slot);
	}
}
