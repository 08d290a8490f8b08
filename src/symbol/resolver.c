/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue between those who have stacks and the worker.
 *
 *	free ─submit→ waiting ─STACK→ (worker) ─ANSWER→ done, free
 *	                 ↑                │
 *	                 └── open, send ──┴─WANT
 *
 * A stack stays in its shared slot until it is answered, so that it can be given again: with the file that
 * was missing, or to the next worker. The slot is wiped then, for stacks hold secrets.
 */
#include "symbol/resolver.h"

#include "symbol/channel.h"
#include "symbol/frame_book.h"
#include "symbol/supply.h"
#include "symbol/worker_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DEADLINE_NS	 2000000000ull /* without any word from a worker that has work */
#define MEMORY_PERIOD_NS 1000000000ull
#define WORKER_MAX_BYTES                                                                                     \
	(512ull << 20)	     /* node with all its symbols: 20 MB of its own, the rest is the files' */
#define MAX_ROUNDS	 600 /* of one stack: a module and a debug file per frame at the very most */
#define MAX_DEATHS	 3   /* of workers that had the same stack */
#define MAX_RESTARTS	 8   /* in a row without an answer; then a pause */
#define RESTART_PAUSE_NS 10000000000ull
#define HEARD_AT_ONCE                                                                                        \
	256 /* reports, about as many as a socket holds: one that never stops keeps us from nothing */

struct request {
	bool waiting;
	bool ordered;	 /* the worker has it; else it waits for the opener */
	uint64_t after;	 /* what the opener has to have done before */
	bool maps_final; /* they were read again for this stack: what is not in them now is nowhere */
	uint32_t pid, rounds, deaths;
	uint32_t
		n_pages; /* that were written into the slot: what stands there now a worker may have written */
	uint64_t cookie;
	resolver_done *done;
	void *context;
};

struct resolver {
	struct nursery nursery;
	struct worker_process worker;
	struct supply supply;
	struct frame_book book;
	int epoll;
	bool wants_out; /* epoll also waits for room in the worker's socket */
	pid_t opener;	/* the one that epoll waits for, 0 none */
	struct request requests[PROTOCOL_SLOTS];
	struct resolver_counts counts;
	uint64_t now_ns, memory_ns;
	uint64_t heard_ns; /* the worker's last word; 0: it had nothing to say until now */
	uint64_t pause_until_ns;
	unsigned restarts_in_a_row;
	struct fact_frame frames[FACT_MAX_FRAMES + RAW_KERNEL];
	bool worker_told;
	struct lockdown lockdown; /* of the worker */
};

/* --- answering */

static uint32_t put_kernel_frames(struct resolver *r, const struct raw_stack *raw, struct fact_frame *frames)
{
	uint32_t told = *(const volatile uint32_t *)&raw->n_kernel; /* read once: it may change meanwhile */
	uint32_t n = told < RAW_KERNEL ? told : RAW_KERNEL;
	for (uint32_t i = 0; i < n; i++)
		frames[i] = frame_book_kernel(&r->book, raw->kernel[i]);
	return n;
}

/* Without its user frames: those that never got to a worker and those that killed one. *lost counts them. */
static void answer_without_worker(struct resolver *r, const struct raw_stack *raw, uint64_t *lost,
				  uint64_t cookie, resolver_done *done, void *context)
{
	struct fact_frame kernel[RAW_KERNEL];
	struct resolved_stack stack = {.frames = kernel, .n = put_kernel_frames(r, raw, kernel)};

	stack.state = raw->n_pages ? STACK_BROKEN : STACK_COMPLETE;
	if (raw->n_pages)
		++*lost;
	else
		r->counts.resolved++;
	done(context, cookie, &stack);
}

/* The slot is free from here on, so that done() may submit. */
static struct request release(struct resolver *r, uint32_t slot)
{
	struct request request = r->requests[slot];
	struct stack_slot *s = &r->worker.slots[slot];
	explicit_bzero(s, offsetof(struct stack_slot, pages) + (size_t)request.n_pages * RAW_PAGE);
	r->requests[slot].waiting = false;
	r->counts.waiting--;
	return request;
}

static void answer_broken(struct resolver *r, uint32_t slot)
{
	struct raw_stack raw = r->worker.slots[slot].raw;
	struct request request = release(r, slot);
	answer_without_worker(r, &raw, &r->counts.lost_worker, request.cookie, request.done, request.context);
}

/* --- orders */

static void order_stack(struct resolver *r, uint32_t slot)
{
	struct request *request = &r->requests[slot];

	request->ordered = supply_process(&r->supply, request->pid);
	request->after = supply_last(&r->supply);
	if (!request->ordered)
		return;
	const struct order o = {.kind = ORDER_STACK, .number = slot, .flag = request->maps_final};
	supply_order(&r->supply, &o, sizeof o, -1);
}

static bool is_waiting_for_opener(const struct request *request)
{
	return request->waiting && !request->ordered;
}

/* Those that waited for the opener. */
static void order_stacks(struct resolver *r)
{
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++)
		if (is_waiting_for_opener(&r->requests[slot]) &&
		    supply_is_done(&r->supply, r->requests[slot].after))
			order_stack(r, slot);
}

/* --- what the worker wants */

static int give_wanted(struct resolver *r, const struct report_want *want)
{
	if (want->slot >= PROTOCOL_SLOTS || want->n_debug > PROTOCOL_WANTS ||
	    !r->requests[want->slot].waiting)
		return -EPROTO;
	struct request *request = &r->requests[want->slot];
	if (++request->rounds > MAX_ROUNDS) {
		answer_broken(r, want->slot);
		return 0;
	}
	if (want->maps) {
		request->maps_final = true;
		supply_maps(&r->supply, request->pid);
	}
	if (want->module)
		supply_module(&r->supply, request->pid, want->module);
	if (want->jit)
		supply_jit(&r->supply, request->pid);
	for (uint32_t i = 0; i < want->n_debug; i++) {
		const struct wanted_debug *d = &want->debug[i];
		if (d->build_id_bytes > sizeof d->build_id || !memchr(d->link, 0, sizeof d->link))
			return -EPROTO;
		supply_debug(&r->supply, request->pid, d);
	}
	request->ordered = false;
	request->after = supply_last(&r->supply);
	if (!request->after)
		order_stack(r, want->slot);
	return 0;
}

static int take_answer(struct resolver *r, const struct report_answer *answer, size_t bytes)
{
	if (answer->slot >= PROTOCOL_SLOTS || !r->requests[answer->slot].waiting ||
	    answer->state >= STACK_STATES || answer->n > FACT_MAX_FRAMES ||
	    bytes != offsetof(struct report_answer, frames) + answer->n * sizeof answer->frames[0])
		return -EPROTO;
	uint32_t n = put_kernel_frames(r, &r->worker.slots[answer->slot].raw, r->frames);
	const struct target *target = targets_find(&r->supply.targets, r->requests[answer->slot].pid);
	for (uint32_t i = 0; i < answer->n; i++)
		if (!frame_book_get(&r->book, answer->frames[i], target && target->runs_js, &r->frames[n++]))
			return -EPROTO;
	struct resolved_stack stack = {.state = answer->state, .frames = r->frames, .n = n};
	if (n > FACT_MAX_FRAMES) {
		stack.n = FACT_MAX_FRAMES;
		stack.state = STACK_TRUNCATED;
	}
	struct request request = release(r, answer->slot);
	r->counts.jit_full += answer->jit_full != 0;
	r->counts.resolved++;
	r->restarts_in_a_row = 0;
	request.done(request.context, request.cookie, &stack);
	return 0;
}

static int take_lockdown(struct resolver *r, const struct report_lockdown *report)
{
	r->worker_told = true;
	r->lockdown = report->lockdown;
	return 0;
}

static int take_report(struct resolver *r, const union report *report, size_t bytes)
{
	if (bytes < sizeof report->kind)
		return -EPROTO;
	if (report->kind == REPORT_FRAME && bytes == sizeof report->frame)
		return frame_book_define(&r->book, &report->frame);
	if (report->kind == REPORT_WANT && bytes == sizeof report->want)
		return give_wanted(r, &report->want);
	if (report->kind == REPORT_PYTHON && bytes == sizeof report->python)
		return supply_take_python(&r->supply, &report->python);
	if (report->kind == REPORT_TASKS && bytes == sizeof report->tasks)
		return supply_take_tasks(&r->supply, &report->tasks);
	if (report->kind == REPORT_LOCKDOWN && bytes == sizeof report->lockdown)
		return take_lockdown(r, &report->lockdown);
	if (report->kind == REPORT_ANSWER && bytes >= offsetof(struct report_answer, frames))
		return take_answer(r, &report->answer, bytes);
	return -EPROTO;
}

/* --- the worker's life */

static void stop_worker(struct resolver *r)
{
	worker_process_kill(&r->worker, &r->nursery);
	supply_worker(&r->supply, -1);
}

static int start_worker(struct resolver *r)
{
	struct epoll_event in = {.events = EPOLLIN};
	int err = worker_process_start(&r->worker, &r->nursery);

	if (err)
		return err;
	r->wants_out = false;
	r->heard_ns = 0;
	supply_worker(&r->supply, r->worker.socket);
	frame_book_clear(&r->book);
	if (!epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->worker.socket, &in))
		return 0;
	err = -errno;
	stop_worker(r);
	return err;
}

/* done() may submit, hence the list is made before the first answer. */
static void give_again(struct resolver *r)
{
	bool waited[PROTOCOL_SLOTS];
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++)
		waited[slot] = r->requests[slot].waiting;
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++) {
		struct request *request = &r->requests[slot];
		if (!waited[slot])
			continue;
		request->rounds = 0;
		request->maps_final = false;
		request->deaths += request->ordered;
		if (!r->worker.pid || request->deaths >= MAX_DEATHS)
			answer_broken(r, slot);
		else
			order_stack(r, slot);
	}
}

/* Only what it was at is suspected; the others are given to the next worker. */
static void restart_worker(struct resolver *r)
{
	const struct worker_state at = *r->worker.state; /* a copy: the worker may still be writing */
	struct target_module *m = targets_module(&r->supply.targets, at.module);

	stop_worker(r);
	r->counts.worker_restarts++;
	if (m)
		m->crashes++;
	struct target *target = at.jit_pid ? targets_find(&r->supply.targets, at.jit_pid) : NULL;
	if (target)
		target->jit_refused = true;
	target = at.tasks_pid ? targets_find(&r->supply.targets, at.tasks_pid) : NULL;
	if (target)
		target->tasks_refused = true;
	if (at.slot_plus_1 && at.slot_plus_1 <= PROTOCOL_SLOTS && r->requests[at.slot_plus_1 - 1].waiting)
		r->requests[at.slot_plus_1 - 1].deaths = MAX_DEATHS;
	if (++r->restarts_in_a_row > MAX_RESTARTS)
		r->pause_until_ns = r->now_ns + RESTART_PAUSE_NS;
	else
		start_worker(r);
	give_again(r);
}

static void watch_room(struct resolver *r)
{
	bool wants_out = r->supply.outbox.first;
	struct epoll_event e = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0)};
	if (r->worker.socket >= 0 && wants_out != r->wants_out &&
	    !epoll_ctl(r->epoll, EPOLL_CTL_MOD, r->worker.socket, &e))
		r->wants_out = wants_out;
}

/* False when the worker is dead or speaks nonsense. What it says beyond the bound stays in its socket, and wakes us again. */
static bool hear(struct resolver *r)
{
	union report report;
	int fd;

	outbox_flush(&r->supply.outbox, r->worker.socket);
	for (int i = 0; i < HEARD_AT_ONCE; i++) {
		ssize_t got = channel_receive(r->worker.socket, &report, sizeof report, &fd, false);
		if (got <= 0)
			return got == -EAGAIN;
		r->heard_ns = r->now_ns;
		if (fd >= 0)
			close(fd);
		if (take_report(r, &report, (size_t)got))
			return false;
		outbox_flush(&r->supply.outbox, r->worker.socket);
	}
	return true;
}

static bool is_worker_busy(const struct resolver *r)
{
	bool busy = r->supply.pythons;
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS && !busy; slot++)
		busy = r->requests[slot].waiting && r->requests[slot].ordered;
	return busy;
}

static bool is_healthy(struct resolver *r)
{
	if (!is_worker_busy(r) || !r->heard_ns)
		r->heard_ns = r->now_ns;
	if (r->now_ns - r->heard_ns > DEADLINE_NS)
		return false;
	if (r->now_ns - r->memory_ns < MEMORY_PERIOD_NS)
		return true;
	r->memory_ns = r->now_ns;
	uint64_t own_bytes;
	r->counts.bytes = worker_process_bytes(&r->worker, &own_bytes);
	return own_bytes <= WORKER_MAX_BYTES && (r->book.n < FRAME_BOOK_FULL || r->counts.waiting);
}

/* --- the interface */

/* The socket of one that is gone has left the epoll by itself. */
static void watch_opener(struct resolver *r)
{
	struct epoll_event in = {.events = EPOLLIN};
	const struct opener_process *opener = &r->supply.opener;
	if (opener->pid != r->opener && opener->pid)
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, opener->socket, &in);
	r->opener = opener->pid;
}

/* The first worker and the first opener. */
static int start_processes(struct resolver *r)
{
	const struct worker_link link = worker_process_link(&r->worker);
	int err = nursery_start(&r->nursery, &link);
	if (!err)
		err = opener_process_start(&r->supply.opener, &r->nursery);
	watch_opener(r);
	return err ? err : start_worker(r);
}

struct resolver *resolver_start(struct diag *d)
{
	struct resolver *r = calloc(1, sizeof *r);
	int err;

	if (!r) {
		diag_fail(d, -ENOMEM, "no memory for the symbol resolver");
		return NULL;
	}
	r->nursery.socket = r->worker.socket = -1;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = r->epoll < 0 ? -errno : supply_init(&r->supply);
	if (!err)
		err = worker_process_init(&r->worker);
	if (!err)
		err = start_processes(r);
	if (!err) {
		frame_book_open(&r->book, &r->supply.targets);
		return r;
	}
	diag_fail(d, err, "cannot start the symbol worker: %s", strerror(-err));
	resolver_stop(r);
	return NULL;
}

static bool find_slot(const struct resolver *r, uint32_t *slot)
{
	for (*slot = 0; *slot < PROTOCOL_SLOTS; ++*slot)
		if (!r->requests[*slot].waiting)
			return true;
	return false;
}

int resolver_submit(struct resolver *r, const struct raw_stack *raw, uint64_t cookie, resolver_done *done,
		    void *context)
{
	uint32_t slot;
	if (raw->n_pages > RAW_PAGES || raw->n_kernel > RAW_KERNEL || raw->n_python > RAW_PYTHON)
		return -EINVAL;
	r->counts.submitted++;
	if ((!raw->n_pages && !raw->n_python) || !r->worker.pid || !find_slot(r, &slot)) {
		answer_without_worker(r, raw, &r->counts.lost, cookie, done, context);
		return 0;
	}
	r->worker.slots[slot].raw = *raw;
	r->worker.slots[slot].raw.pages = NULL;
	memcpy(r->worker.slots[slot].pages, raw->pages, (size_t)raw->n_pages * RAW_PAGE);
	r->requests[slot] = (struct request){.waiting = true,
					     .pid = raw->pid,
					     .n_pages = raw->n_pages,
					     .cookie = cookie,
					     .done = done,
					     .context = context};
	if (!r->counts.waiting++)
		r->heard_ns = 0;
	order_stack(r, slot);
	watch_room(r);
	return 0;
}

int resolver_python_find(struct resolver *r, uint32_t pid, resolver_python_found *found, void *context)
{
	r->supply.python_found = found;
	r->supply.python_context = context;
	if (!r->worker.pid)
		return -EAGAIN;
	int err = supply_python(&r->supply, pid);
	watch_room(r);
	return err;
}

void resolver_count_tasks(struct resolver *r, uint32_t pid, resolver_tasks *counted, void *context)
{
	r->supply.tasks_counted = counted;
	r->supply.tasks_context = context;
	supply_tasks(&r->supply, pid);
	watch_room(r);
}

int resolver_read_line(struct resolver *r, uint32_t pid, const char *file, uint32_t line, resolver_line *read,
		       void *context)
{
	r->supply.line_read = read;
	r->supply.line_context = context;
	bool asked = supply_line(&r->supply, pid, file, line);
	watch_room(r);
	return asked ? 0 : -ENOENT;
}

int resolver_fd(const struct resolver *r)
{
	return r->epoll;
}

void resolver_receive(struct resolver *r, uint64_t now_ns)
{
	r->now_ns = now_ns;
	if (!r->worker.pid && now_ns >= r->pause_until_ns) {
		r->restarts_in_a_row = 0;
		start_worker(r);
	}
	supply_hear(&r->supply, &r->nursery, now_ns);
	watch_opener(r);
	order_stacks(r);
	if (r->worker.pid && (!hear(r) || !is_healthy(r)))
		restart_worker(r);
	watch_room(r);
}

void resolver_prepare(struct resolver *r, uint32_t pid, uint64_t now_ns)
{
	r->now_ns = r->supply.now_ns = now_ns;
	supply_process(&r->supply, pid);
}

void resolver_forget(struct resolver *r, uint32_t pid)
{
	supply_forget(&r->supply, pid);
}

void resolver_counts(const struct resolver *r, struct resolver_counts *counts)
{
	*counts = r->counts;
	counts->lost_opening = r->supply.opener.hung;
}

const struct lockdown *resolver_lockdown(const struct resolver *r, bool opener)
{
	const struct opener_process *o = &r->supply.opener;
	return opener ? o->told ? &o->lockdown : NULL : r->worker_told ? &r->lockdown : NULL;
}

int resolver_memory_lock(const struct resolver *r)
{
	return r->worker.lock_err;
}

void resolver_stop(struct resolver *r)
{
	if (!r)
		return;
	stop_worker(r);
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++)
		if (r->requests[slot].waiting)
			answer_broken(r, slot);
	nursery_stop(&r->nursery);
	worker_process_free(&r->worker);
	frame_book_free(&r->book);
	supply_free(&r->supply);
	if (r->epoll >= 0)
		close(r->epoll);
	free(r);
}
