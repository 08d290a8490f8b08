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
#include "symbol/opener.h"
#include "symbol/targets.h"
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

struct request {
	bool waiting;
	bool maps_final; /* they were read again for this stack: what is not in them now is nowhere */
	uint32_t pid, rounds, deaths;
	uint64_t cookie;
	resolver_done *done;
	void *context;
};

struct resolver {
	struct worker_process worker;
	struct targets targets;
	struct frame_book book;
	struct outbox outbox;
	int epoll;
	bool wants_out; /* epoll also waits for room in the socket */
	struct request requests[PROTOCOL_SLOTS];
	struct resolver_counts counts;
	uint64_t now_ns, memory_ns;
	uint64_t heard_ns; /* the worker's last word; 0: it had nothing to say until now */
	uint64_t pause_until_ns;
	unsigned restarts_in_a_row;
	struct fact_frame frames[FACT_MAX_FRAMES + RAW_KERNEL];
	resolver_python_found *python_found;
	void *python_context;
};

/* --- answering */

static uint32_t put_kernel_frames(struct resolver *r, const struct raw_stack *raw, struct fact_frame *frames)
{
	uint32_t n = raw->n_kernel < RAW_KERNEL ? raw->n_kernel : RAW_KERNEL;
	for (uint32_t i = 0; i < n; i++)
		frames[i] = frame_book_kernel(&r->book, raw->kernel[i]);
	return n;
}

/* Without its user frames: those that never got to a worker and those that killed one. */
static void answer_without_worker(struct resolver *r, const struct raw_stack *raw, uint64_t cookie,
				  resolver_done *done, void *context)
{
	struct fact_frame kernel[RAW_KERNEL];
	struct resolved_stack stack = {.frames = kernel, .n = put_kernel_frames(r, raw, kernel)};

	stack.state = raw->n_pages ? STACK_BROKEN : STACK_COMPLETE;
	if (raw->n_pages)
		r->counts.lost++;
	else
		r->counts.resolved++;
	done(context, cookie, &stack);
}

/* The slot is free from here on, so that done() may submit. */
static struct request release(struct resolver *r, uint32_t slot)
{
	struct request request = r->requests[slot];
	explicit_bzero(r->worker.slots[slot].pages, (size_t)r->worker.slots[slot].raw.n_pages * RAW_PAGE);
	r->requests[slot].waiting = false;
	r->counts.waiting--;
	return request;
}

static void answer_broken(struct resolver *r, uint32_t slot)
{
	struct raw_stack raw = r->worker.slots[slot].raw;
	struct request request = release(r, slot);
	answer_without_worker(r, &raw, request.cookie, request.done, request.context);
}

/* --- orders */

static void order(struct resolver *r, const void *order, size_t bytes, int fd)
{
	/* A dead socket shows when it is read. */
	outbox_put(&r->outbox, r->worker.socket, order, bytes, fd);
}

static void order_simple(struct resolver *r, uint32_t kind, uint32_t number, int fd)
{
	const struct order o = {.kind = kind, .number = number};
	order(r, &o, sizeof o, fd);
}

/* What cannot be had the worker is told too, or it would ask for ever. */
static void give_module(struct resolver *r, const struct target *target, uint32_t id)
{
	struct target_module *m = targets_module(&r->targets, id);
	if (!m || m->sent)
		return;
	int fd = targets_open_module(&r->targets, target, id);
	m->sent = fd >= 0;
	const struct order o = {.kind = ORDER_MODULE, .number = id, .flag = m->application};
	if (m->sent || !m->missing)
		order(r, &o, sizeof o, fd);
	m->missing = fd < 0;
}

/* A stack may come behind its program's exec, or its end, when nothing maps the file any more; the next process has it. */
static void give_missing_modules(struct resolver *r, const struct target *target)
{
	for (size_t i = 0; i < target->maps.n; i++) {
		const struct target_module *m = targets_module(&r->targets, target->modules[i]);
		if (m && m->missing)
			give_module(r, target, target->modules[i]);
	}
}

static void order_maps(struct resolver *r, struct target *target)
{
	struct order_maps o = {.order = {.kind = ORDER_MAPS, .number = target->pid, .flag = 1}};
	size_t at = 0;
	do {
		uint32_t n = 0;
		for (; n < PROTOCOL_ROWS && at < target->maps.n; n++, at++) {
			const struct maps_row *row = &target->maps.rows[at];
			o.rows[n] = (struct unwind_map){row->start, row->end, row->offset,
							target->modules[at], 0};
		}
		o.order.n_rows = n;
		order(r, &o, offsetof(struct order_maps, rows) + n * sizeof o.rows[0], -1);
		o.order.flag = 0;
	} while (at < target->maps.n);
	target->sent = true;
	give_missing_modules(r, target);
}

/* Behind the process' maps. False if nothing in them can be an interpreter. */
static bool order_python(struct resolver *r, struct target *target)
{
	struct order_python o = {.order = {.kind = ORDER_PYTHON, .number = target->pid}};
	uint32_t n = targets_pythons(&r->targets, target, o.modules, o.minors, PROTOCOL_PYTHONS);

	target->runs_python = n > 0;
	for (uint32_t i = 0; i < n; i++)
		give_module(r, target, o.modules[i]);
	if (n)
		order(r, &o, sizeof o, opener_memory(target->pid));
	return n;
}

static void order_process(struct resolver *r, struct target *target)
{
	order_maps(r, target);
	if (target->runs_python)
		order_python(r, target);
}

static void order_stack(struct resolver *r, uint32_t slot)
{
	uint32_t dropped;
	struct target *target = targets_get(&r->targets, r->requests[slot].pid, r->now_ns, &dropped);

	if (dropped)
		order_simple(r, ORDER_FORGET, dropped, -1);
	if (target && !target->sent)
		order_process(r, target);
	const struct order o = {.kind = ORDER_STACK, .number = slot, .flag = r->requests[slot].maps_final};
	order(r, &o, sizeof o, -1);
}

/* --- what the worker wants */

static int give_wanted(struct resolver *r, const struct report_want *want)
{
	if (want->slot >= PROTOCOL_SLOTS || want->n_debug > PROTOCOL_WANTS ||
	    !r->requests[want->slot].waiting)
		return -EPROTO;
	struct request *request = &r->requests[want->slot];
	uint32_t dropped;
	struct target *target = targets_get(&r->targets, request->pid, r->now_ns, &dropped);
	if (dropped)
		order_simple(r, ORDER_FORGET, dropped, -1);
	if (!target || ++request->rounds > MAX_ROUNDS) {
		answer_broken(r, want->slot);
		return 0;
	}
	if (want->maps) {
		request->maps_final = true;
		targets_reread(&r->targets, target, r->now_ns);
	}
	if (want->module)
		give_module(r, target, want->module);
	for (uint32_t i = 0; i < want->n_debug; i++) {
		const struct wanted_debug *d = &want->debug[i];
		if (d->build_id_bytes > sizeof d->build_id)
			return -EPROTO;
		order_simple(r, ORDER_DEBUG, d->module,
			     opener_debug_file(target->pid, d->build_id, d->build_id_bytes));
	}
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
	const struct target *target = idmap_get(&r->targets.by_pid, r->requests[answer->slot].pid);
	for (uint32_t i = 0; i < answer->n; i++)
		if (!frame_book_get(&r->book, answer->frames[i], target && target->runs_js, &r->frames[n++]))
			return -EPROTO;
	struct resolved_stack stack = {.state = answer->state, .frames = r->frames, .n = n};
	if (n > FACT_MAX_FRAMES) {
		stack.n = FACT_MAX_FRAMES;
		stack.state = STACK_TRUNCATED;
	}
	struct request request = release(r, answer->slot);
	r->counts.resolved++;
	r->restarts_in_a_row = 0;
	request.done(request.context, request.cookie, &stack);
	return 0;
}

static int take_python(struct resolver *r, const struct report_python *report)
{
	static const char *const refusals[PYTHON_FINDS] = {
		[PYTHON_UNKNOWN] = "its version is not known",
		[PYTHON_UNREADABLE] = "its memory cannot be read",
		[PYTHON_UNLIKE] = "its layout is not that of its version",
	};
	struct resolver_python found = {.pid = report->pid,
					.runtime = report->runtime,
					.gil = report->gil,
					.tasks = report->tasks,
					.string_type = report->string_type};

	if (report->state >= PYTHON_FINDS)
		return -EPROTO;
	found.refused = refusals[report->state];
	if (report->state == PYTHON_FOUND)
		found.offsets = &report->offsets;
	if (r->python_found)
		r->python_found(r->python_context, &found);
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
		return take_python(r, &report->python);
	if (report->kind == REPORT_ANSWER && bytes >= offsetof(struct report_answer, frames))
		return take_answer(r, &report->answer, bytes);
	return -EPROTO;
}

/* --- the worker's life */

static int start_worker(struct resolver *r)
{
	struct epoll_event in = {.events = EPOLLIN};
	int err = worker_process_start(&r->worker);

	if (err)
		return err;
	r->wants_out = false;
	r->heard_ns = 0;
	targets_mark_unsent(&r->targets);
	frame_book_clear(&r->book);
	if (!epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->worker.socket, &in))
		return 0;
	err = -errno;
	worker_process_kill(&r->worker);
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
		if (!r->worker.pid || ++request->deaths >= MAX_DEATHS)
			answer_broken(r, slot);
		else
			order_stack(r, slot);
	}
}

/* Only what it was at is suspected; the others are given to the next worker. */
static void restart_worker(struct resolver *r)
{
	const struct worker_state at = *r->worker.state; /* a copy: the worker may still be writing */
	struct target_module *m = targets_module(&r->targets, at.module);

	worker_process_kill(&r->worker);
	outbox_clear(&r->outbox);
	r->counts.worker_restarts++;
	if (m)
		m->crashes++;
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
	bool wants_out = r->outbox.first;
	struct epoll_event e = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0)};
	if (r->worker.socket >= 0 && wants_out != r->wants_out &&
	    !epoll_ctl(r->epoll, EPOLL_CTL_MOD, r->worker.socket, &e))
		r->wants_out = wants_out;
}

/* False when the worker is dead, speaks nonsense, hangs or has eaten too much. */
static bool hear(struct resolver *r)
{
	union report report;
	ssize_t got;
	int fd;

	outbox_flush(&r->outbox, r->worker.socket);
	while ((got = channel_receive(r->worker.socket, &report, sizeof report, &fd, false)) > 0) {
		r->heard_ns = r->now_ns;
		if (fd >= 0)
			close(fd);
		if (take_report(r, &report, (size_t)got))
			return false;
		outbox_flush(&r->outbox, r->worker.socket);
	}
	return got == -EAGAIN;
}

static bool is_healthy(struct resolver *r)
{
	if (!r->counts.waiting || !r->heard_ns)
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

struct resolver *resolver_start(struct diag *d)
{
	struct resolver *r = calloc(1, sizeof *r);
	int err;

	if (!r) {
		diag_fail(d, -ENOMEM, "no memory for the symbol resolver");
		return NULL;
	}
	r->worker.socket = r->worker.nursery.socket = -1;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = r->epoll < 0 ? -errno : worker_process_init(&r->worker);
	if (!err)
		err = targets_init(&r->targets);
	r->book.targets = &r->targets;
	if (!err)
		err = start_worker(r);
	if (!err)
		return r;
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
		answer_without_worker(r, raw, cookie, done, context);
		return 0;
	}
	r->worker.slots[slot].raw = *raw;
	r->worker.slots[slot].raw.pages = NULL;
	memcpy(r->worker.slots[slot].pages, raw->pages, (size_t)raw->n_pages * RAW_PAGE);
	r->requests[slot] = (struct request){
		.waiting = true, .pid = raw->pid, .cookie = cookie, .done = done, .context = context};
	if (!r->counts.waiting++)
		r->heard_ns = 0;
	order_stack(r, slot);
	watch_room(r);
	return 0;
}

int resolver_python_find(struct resolver *r, uint32_t pid, resolver_python_found *found, void *context)
{
	uint32_t dropped;
	struct target *target = targets_get(&r->targets, pid, r->now_ns, &dropped);

	r->python_found = found;
	r->python_context = context;
	if (dropped)
		order_simple(r, ORDER_FORGET, dropped, -1);
	if (!target)
		return -ENOMEM;
	if (!r->worker.pid)
		return -EAGAIN;
	target->read_ns = 0; /* it may have only just begun: what else it maps may be looked for at once */
	if (!target->sent)
		order_maps(r, target);
	bool asked = order_python(r, target);
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
	if (r->worker.pid && (!hear(r) || !is_healthy(r)))
		restart_worker(r);
	watch_room(r);
}

void resolver_prepare(struct resolver *r, uint32_t pid, uint64_t now_ns)
{
	uint32_t dropped = 0;
	targets_get(&r->targets, pid, now_ns, &dropped);
	if (dropped && r->worker.pid)
		order_simple(r, ORDER_FORGET, dropped, -1);
}

void resolver_forget(struct resolver *r, uint32_t pid)
{
	targets_forget(&r->targets, pid);
	if (r->worker.pid)
		order_simple(r, ORDER_FORGET, pid, -1);
}

void resolver_counts(const struct resolver *r, struct resolver_counts *counts)
{
	*counts = r->counts;
}

void resolver_stop(struct resolver *r)
{
	if (!r)
		return;
	worker_process_kill(&r->worker);
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++)
		if (r->requests[slot].waiting)
			answer_broken(r, slot);
	outbox_clear(&r->outbox);
	worker_process_free(&r->worker);
	frame_book_free(&r->book);
	targets_free(&r->targets);
	if (r->epoll >= 0)
		close(r->epoll);
	free(r);
}
