/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

#include <string.h>

#define MS	 1000000ull
#define PROBE_NS 200000ull /* a wait with timeout 0 and the next are one, if no more lies between them */
#define LATE_NS	 (1 * MS)

enum state { ON, BLOCKED, RUNNABLE, STOPPED };

/* One thread's states in order, from the log. */
struct walk {
	const struct log *log;
	uint32_t thread;
	size_t at; /* event that begins the state */
	enum state state;
	enum block_key key;
	uint64_t from_ns;
};

static bool is_switch(enum log_kind kind)
{
	return kind == LOG_BLOCK || kind == LOG_PREEMPT || kind == LOG_STOP || kind == LOG_WOKEN ||
	       kind == LOG_ON;
}

/* The next event that changes the thread's state; the log's end if there is none. */
static size_t next_switch(const struct log *log, uint32_t thread, size_t at)
{
	while (at < log->n && !(log->events[at].thread == thread && is_switch(log->events[at].kind)))
		at++;
	return at;
}

static enum state state_after(enum state before, const struct log_event *e)
{
	switch (e->kind) {
	case LOG_BLOCK: return BLOCKED;
	case LOG_PREEMPT: return RUNNABLE;
	case LOG_STOP: return STOPPED;
	case LOG_WOKEN: return before == BLOCKED ? RUNNABLE : before; /* a stop ends when the thread runs */
	default: return ON;
	}
}

static uint64_t overlap_ns(uint64_t from, uint64_t to, uint64_t low, uint64_t high)
{
	from = from > low ? from : low;
	to = to < high ? to : high;
	return to > from ? to - from : 0;
}

static void block_add(struct reference_block *b, uint64_t ns)
{
	b->count++;
	b->sum_ns += ns;
	if (ns > b->max_ns)
		b->max_ns = ns;
}

static void state_count(struct reference_gap *g, const struct walk *w, uint64_t ns)
{
	switch (w->state) {
	case ON: g->cpu_ns += ns; break;
	case RUNNABLE: g->runnable_ns += ns; break;
	case STOPPED: g->stopped_ns += ns; break;
	case BLOCKED:
		g->blocked_ns += ns;
		block_add(&g->blocks[w->key], ns);
		break;
	}
}

/* The owner's states between two events, one of them its return, the other the wait that ends the gap. */
static void gap_fill_ledger(const struct log *log, struct reference_gap *g, size_t opened, size_t closed)
{
	struct walk w = {.log = log, .thread = g->owner, .state = ON, .from_ns = 0};

	for (;;) {
		size_t end = next_switch(log, w.thread, w.at);
		uint64_t to = end < log->n ? log->events[end].at_ns : UINT64_MAX;
		uint64_t ns = overlap_ns(w.from_ns, to, g->start_ns, g->end_ns);
		if (ns)
			state_count(g, &w, ns);
		if (end >= closed || end == log->n)
			return;
		const struct log_event *e = &log->events[end];
		if (end > opened && e->kind == LOG_PREEMPT)
			g->preempted++;
		w.state = state_after(w.state, e);
		if (e->kind == LOG_BLOCK)
			w.key = e->key;
		w.from_ns = e->at_ns;
		w.at = end + 1;
	}
}

/* Time the waiting thread was ready to run and did not, since it last slept in this wait. */
static uint64_t wait_delay_ns(const struct log *log, size_t entered, size_t returned)
{
	uint32_t thread = log->events[entered].thread;
	enum state state = ON;
	uint64_t from = 0, sum = 0;

	for (size_t i = next_switch(log, thread, entered); i < returned;
	     i = next_switch(log, thread, i + 1)) {
		const struct log_event *e = &log->events[i];
		if (state == RUNNABLE)
			sum += e->at_ns - from;
		state = state_after(state, e);
		from = e->at_ns;
		if (state == BLOCKED)
			sum = 0;
	}
	return sum;
}

static bool wait_slept(const struct log *log, size_t entered, size_t returned)
{
	for (size_t i = entered; i < returned; i++)
		if (log->events[i].thread == log->events[entered].thread && log->events[i].kind == LOG_BLOCK)
			return true;
	return false;
}

/* The wait that a return ends. */
static size_t entry_of(const struct log *log, size_t returned)
{
	size_t i = returned;
	while (log->events[i].thread != log->events[returned].thread || log->events[i].kind != LOG_ENTER)
		i--;
	return i;
}

/* The thread's wait on this loop goes on at an event; *entered is where it began. */
static bool is_waiting(const struct log *log, uint32_t thread, uint32_t loop, size_t at, size_t *entered)
{
	bool waits = false;
	for (size_t i = 0; i < at; i++) {
		const struct log_event *e = &log->events[i];
		if (e->thread != thread)
			continue;
		if (e->kind == LOG_ENTER && e->loop == loop) {
			waits = true;
			*entered = i;
		} else if (e->kind == LOG_RETURN || e->kind == LOG_DEATH) {
			waits = false;
		}
	}
	return waits;
}

/* What a return says about the gap before it. */
static void return_judges(const struct log *log, struct reference_gap *g, size_t at)
{
	size_t entered = entry_of(log, at);
	long ret = log->events[at].ret;
	int timeout = log->events[entered].timeout_ms;

	if (wait_slept(log, entered, at))
		g->harm = g->late_ns ? HARM_LATE : HARM_OWN;
	else if (ret > 0) {
		g->ready = (uint32_t)ret;
		g->harm = HARM_QUEUED;
	} else if (g->late_ns || (ret == 0 && timeout > 0))
		g->harm = HARM_LATE;
	else if (ret != 0 || timeout != 0)
		g->harm = HARM_OWN;
}

uint64_t reference_lag(const struct reference_gap *gap)
{
	return gap->end_ns - gap->start_ns + gap->delay_ns;
}

/* The last stall whose harm nothing has shown yet. */
static struct reference_gap *last_open_question(struct reference_loop *l, uint64_t record_ns)
{
	for (size_t i = l->n; i; i--) {
		struct reference_gap *g = &l->gaps[i - 1];
		if (g->is_closed && reference_lag(g) >= record_ns)
			return g->harm == NOT_JUDGED ? g : NULL;
	}
	return NULL;
}

static void gap_open(struct reference_loop *l, const struct log *log, size_t at)
{
	size_t entered = entry_of(log, at);
	struct reference_gap *g = &l->gaps[l->n];
	int timeout = log->events[entered].timeout_ms;
	uint64_t now = log->events[at].at_ns, deadline = log->events[entered].at_ns + (uint64_t)timeout * MS;

	*g = (struct reference_gap){.seq = ++l->n, .start_ns = now, .owner = log->events[at].thread};
	g->delay_ns = wait_delay_ns(log, entered, at);
	g->late_ns =
		timeout > 0 && deadline > now ? deadline : 0; /* until the end is known: when it is due */
}

static void gap_end(struct reference_loop *l, struct reference_gap *g, const struct log *log, size_t opened,
		    size_t at, uint64_t record_ns)
{
	struct reference_gap *before = last_open_question(l, record_ns);

	g->end_ns = log->events[at].at_ns;
	g->closer = log->events[at].thread;
	g->late_ns = g->late_ns && g->end_ns > g->late_ns + LATE_NS ? g->end_ns - g->late_ns : 0;
	gap_fill_ledger(log, g, opened, at);
	bool counts = reference_lag(g) >= record_ns;
	/* A probe left it open, and this gap shows that it was not one with the wait that follows; or needs the place itself. */
	if (before && (g->end_ns - g->start_ns > PROBE_NS || counts))
		before->harm = HARM_LATE;
	g->is_closed = true;
	if (counts && g->closer != g->owner)
		g->harm = HARM_NOT_SHOWN;
}

static void wait_count(struct reference_loop *l, const struct log *log, size_t at)
{
	size_t entered = entry_of(log, at);

	l->waits++;
	l->events += log->events[at].ret > 0 ? (uint64_t)log->events[at].ret : 0;
	l->zero_waits += log->events[entered].timeout_ms == 0;
	l->slept_waits += wait_slept(log, entered, at);
}

struct progress {
	struct reference_gap *open;
	size_t opened;
	uint32_t waiting;
};

static void log_follow(const struct log *log, uint32_t loop, size_t i, struct reference_loop *out,
		       struct progress *p, uint64_t record_ns)
{
	const struct log_event *e = &log->events[i];
	struct reference_gap *g = last_open_question(out, record_ns);
	size_t entered = 0;

	if (e->kind == LOG_ENTER && e->loop == loop) {
		if (p->open)
			gap_end(out, p->open, log, p->opened, i, record_ns);
		p->open = NULL;
		p->waiting++;
	} else if (e->kind == LOG_RETURN && e->loop == loop) {
		wait_count(out, log, i);
		if (g)
			return_judges(log, g, i);
		if (--p->waiting == 0) {
			gap_open(out, log, i);
			p->open = &out->gaps[out->n - 1];
			p->opened = i;
		}
	} else if (e->kind == LOG_BLOCK && is_waiting(log, e->thread, loop, i, &entered) &&
		   !wait_slept(log, entered, i)) {
		if (g) /* it sleeps: nothing was due */
			g->harm = g->late_ns ? HARM_LATE : HARM_OWN;
	} else if (e->kind == LOG_DEATH) {
		p->waiting -= is_waiting(log, e->thread, loop, i, &entered);
		bool ends = p->open && p->open->owner == e->thread;
		if (g && (g->owner == e->thread || ends))
			g->harm = HARM_NOT_SHOWN;
		if (ends) {
			if (e->signal && e->at_ns - p->open->start_ns + p->open->delay_ns >= record_ns) {
				gap_end(out, p->open, log, p->opened, i, record_ns);
				p->open->is_terminal = true;
			}
			p->open = NULL;
		}
	}
}

void reference_loop(const struct log *log, uint32_t loop, uint64_t record_ns, struct reference_loop *out)
{
	struct progress p = {0};

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < log->n; i++)
		log_follow(log, loop, i, out, &p, record_ns);
}
