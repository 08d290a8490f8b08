/* SPDX-License-Identifier: Apache-2.0 */
/* The live source's life and its beat: read the ring, every 100 ms look for open stalls, every second send counts, losses and a tick. */
#include "cli/live_parts.h"

#include "base/bytes.h"
#include "base/clean.h"
#include "cli/proc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define OPEN_EVERY_NS  (100 * LIVE_MS)
#define CLOCK_EVERY_NS (10 * LIVE_S)
#define FIRST_TICK_NS  (100 * LIVE_MS) /* a status line as soon as there is something to say */
#define DRAIN_ROUNDS   200
#define SETTLE_NS      (5 * LIVE_S)
#define RESOLVER_BUSY  40 /* stacks under way; it takes 64 */
#define STUCK_AFTER_NS                                                                                       \
	(300 * LIVE_MS) /* a loop that does not wait once in this time after the attach is looked at */

/* What our time namespace adds to the kernel's clock ("monotonic SECONDS NANOSECONDS"), which is the clock of BPF's times. */
static uint64_t namespace_read_ns(void)
{
	struct bytes text = {0};
	long long s = 0, ns = 0;
	if (proc_file(&text, "/proc/self/timens_offsets") ||
	    sscanf(bytes_text(&text), "monotonic %lld %lld", &s, &ns) != 2)
		s = ns = 0; /* kernels before 5.6 have no time namespaces */
	bytes_free(&text);
	return (uint64_t)s * LIVE_S + (uint64_t)ns;
}

/* A process keeps its time namespace: a constant, read once. */
static uint64_t namespace_ns(void)
{
	static bool is_known;
	static uint64_t offset_ns;

	if (!is_known)
		offset_ns = namespace_read_ns();
	is_known = true;
	return offset_ns;
}

uint64_t kernel_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LIVE_S + (uint64_t)t.tv_nsec - namespace_ns();
}

uint64_t own_clock_ns(uint64_t kernel_ns)
{
	return kernel_ns + namespace_ns();
}

/* Of a kernel time that may have passed a while ago: a step takes some ms until it comes to tell the time. */
static uint64_t wall_at_us(uint64_t kernel_ns)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t passed_ns = kernel_now_ns() - kernel_ns;
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u - passed_ns / 1000u;
}

uint64_t live_at(const struct live_source *s, uint64_t kernel_ns)
{
	return kernel_ns > s->start_ns ? kernel_ns - s->start_ns : 0;
}

uint64_t live_source_now_ns(const struct live_source *s)
{
	return live_at(s, kernel_now_ns());
}

void live_emit(struct live_source *s, struct fact *f, uint64_t kernel_ns)
{
	f->at_ns = live_at(s, kernel_ns);
	s->options.sink->take(s->options.sink, f);
}

const char *live_text(struct live_source *s, const char *text, size_t max)
{
	struct bytes clean = {0};
	clean_text(&clean, text, strnlen(text, max));
	const char *kept = intern_text(s->texts, bytes_text(&clean));
	bytes_free(&clean);
	return kept;
}

static void header_send(struct live_source *s)
{
	struct utsname u;
	struct bytes boot = {0};
	struct fact f = {.kind = FACT_HEADER};
	const struct capture_options *o = &s->options.capture;

	uname(&u);
	proc_file(&boot, "/proc/sys/kernel/random/boot_id");
	f.header = (struct fact_header){
		.wall_us = wall_at_us(s->start_ns),
		.threshold_ns = o->threshold_ns,
		.record_ns = o->record_ns,
		.sample_hz = o->sample_hz,
		.version = s->options.version,
		.host = live_text(s, u.nodename, sizeof u.nodename),
		.boot_id = live_text(s, bytes_text(&boot), boot.len ? boot.len - 1 : 0),
		.kernel = live_text(s, u.release, sizeof u.release),
		.machine = live_text(s, u.machine, sizeof u.machine),
		.target = live_text(s, s->options.target_text, 256),
		.rung = rung_word(capture_rung(s->capture)),
	};
	live_emit(s, &f, s->start_ns);
	bytes_free(&boot);
}

void live_refused(struct live_source *s, const struct capture_refusal *r)
{
	struct fact f = {.kind = FACT_LOSS, .loss = {r->reason, r->meaning, 1}};

	live_emit(s, &f, kernel_now_ns());
}

static void refusals_send(struct live_source *s)
{
	const struct capture_refusal *r;

	for (size_t at = 0; (r = capture_refused(s->capture, &at));)
		live_refused(s, r);
}

/* --- processes ----------------------------------------------------------------------------------------------------------------- */

void live_process_ended(struct live_source *s, uint32_t tgid, uint64_t at_ns)
{
	loops_process_gone(s, tgid, at_ns);
	python_forget(s, tgid);
	collector_forget(s, tgid);
	idmap_take(&s->processes, tgid);
}

static void process_event(void *context, const struct lst_process_record *r)
{
	struct live_source *s = context;

	switch (r->event) {
	case LST_PROCESS_FORK:
		resolver_forget(s->resolver, r->head.tgid); /* the number may have been another one's */
		python_forget(s, r->head.tgid);
		collector_forget(s, r->head.tgid);
		targets_add(s, r->head.tgid);
		break;
	case LST_PROCESS_EXEC:
		loops_process_gone(s, r->head.tgid, r->head.time_ns);
		resolver_forget(s->resolver, r->head.tgid);
		python_forget(s, r->head.tgid);
		collector_forget(s, r->head.tgid);
		python_follow(s, r->head.tgid); /* its first loop may stall at once */
		break;
	case LST_PROCESS_EXIT: live_process_ended(s, r->head.tgid, r->head.time_ns); break;
	}
}

bool live_source_is_over(const struct live_source *s)
{
	return s->had_process && !s->processes.n && s->options.capture.scope == LST_SCOPE_TARGETS;
}

/* --- open and close ------------------------------------------------------------------------------------------------------------- */

static int parts_open(struct live_source *s, struct diag *d)
{
	struct capture_handlers handlers = {
		s, loops_appeared, stalls_ended, stacks_taken, process_event, look_taken};
	struct attribution_options attribution = {s->options.dictionary, s->options.capture.threshold_ns, 0,
						  stalls_ready, s};

	s->texts = intern_new();
	s->frames = intern_new();
	s->stacks = intern_new();
	s->max_loops = s->options.capture.max_loops;
	s->loops = calloc(s->max_loops, sizeof *s->loops);
	s->holders = calloc(s->max_loops, sizeof *s->holders);
	s->attribution = attribution_new(&attribution);
	if (!s->texts || !s->frames || !s->stacks || !s->loops || !s->holders || !s->attribution)
		return diag_fail(d, -ENOMEM, "no memory");
	s->resolver = resolver_start(d); /* before anything else is open: the worker inherits nothing */
	if (!s->resolver)
		return -EIO;
	return capture_open(&s->capture, &s->options.capture, &handlers, d);
}

static int source_start(struct live_source *s, struct diag *d)
{
	int err = parts_open(s, d);
	if (err)
		return err;
	err = targets_follow(s);
	if (err)
		return diag_fail(d, err, "the target cannot be followed: %s", strerror(-err));
	pythons_await(s);
	s->start_ns = kernel_now_ns();
	err = capture_attach(s->capture, d);
	if (err)
		return err;
	targets_complete(s);
	capture_seed(s->capture);
	s->next_tick_ns = s->start_ns + FIRST_TICK_NS;
	s->next_clock_ns = s->start_ns + CLOCK_EVERY_NS;
	s->stuck_at_ns = s->start_ns + STUCK_AFTER_NS;
	header_send(s);
	refusals_send(s);
	return 0;
}

struct live_source *live_source_open(const struct live_source_options *o, struct diag *d)
{
	struct live_source *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->options = *o;
	if (source_start(s, d)) {
		live_source_close(s);
		return NULL;
	}
	return s;
}

void live_source_close(struct live_source *s)
{
	if (!s)
		return;
	capture_close(s->capture);
	if (s->resolver)
		resolver_stop(s->resolver);
	attribution_free(s->attribution);
	for (uint32_t i = 0; s->loops && i < s->max_loops; i++)
		free(s->loops[i].last_hists);
	free(s->loops);
	free(s->holders);
	free(s->retired);
	idmap_free(&s->processes);
	lines_free(s);
	python_free(s);
	collectors_free(s);
	workers_free(s);
	intern_free(s->stacks);
	intern_free(s->frames);
	intern_free(s->texts);
	free(s);
}

int live_source_fd(const struct live_source *s)
{
	return capture_fd(s->capture);
}

int live_source_names_fd(const struct live_source *s)
{
	return resolver_fd(s->resolver);
}

int live_source_patience_ms(const struct live_source *s)
{
	struct resolver_counts counts;
	resolver_counts(s->resolver, &counts);
	return counts.waiting ? 5 : 100;
}

/* --- the beat --------------------------------------------------------------------------------------------------------------------- */

static void loss_send(struct live_source *s, const char *reason, const char *meaning, uint64_t now_count,
		      uint64_t *last)
{
	struct fact f = {.kind = FACT_LOSS, .loss = {reason, meaning, now_count - *last}};
	if (now_count == *last)
		return;
	*last = now_count;
	live_emit(s, &f, kernel_now_ns());
}

static void losses_send(struct live_source *s)
{
	struct resolver_counts resolver;
	struct attribution_counts attribution;

	for (int i = 0; i < LST_LOSS_KINDS; i++)
		if (i !=
		    LST_LOSS_STACK_PAGES) /* an unwinder steps over most; what breaks is marked on its stack */
			loss_send(s, loss_text(i), loss_meaning(i), capture_lost(s->capture, i), &s->lost[i]);
	loss_send(s, "skipped", "events not seen because another program of ours ran on that CPU",
		  capture_skipped(s->capture), &s->lost_skipped);
	loss_send(s, "samples",
		  "threads whose time on the CPU has no stacks: the kernel refused to sample them",
		  capture_unsampled(s->capture), &s->lost_samples);
	resolver_counts(s->resolver, &resolver);
	loss_send(s, "stacks", "stacks whose names could not be found out", resolver.lost, &s->lost_stacks);
	loss_send(s, "worker", "stacks on which the symbol worker crashed, hung or ran out of memory",
		  resolver.lost_worker, &s->lost_worker);
	loss_send(s, "opener", "files of the target that could not be opened in time", resolver.lost_opening,
		  &s->lost_opening);
	loss_send(s, "jit_map", "maps of compiled code too large to be kept: its functions have no names",
		  resolver.jit_full, &s->lost_jit);
	attribution_counts(s->attribution, &attribution);
	loss_send(s, "unnamed", "stacks that were named too late for their stall",
		  attribution.unnamed + attribution.overflow, &s->lost_unnamed);
}

static void tick(struct live_source *s, uint64_t now)
{
	struct fact f = {.kind = FACT_TICK};

	if (now >= s->next_clock_ns) {
		struct fact clock = {.kind = FACT_CLOCK, .clock = {wall_at_us(now)}};
		live_emit(s, &clock, now);
		s->next_clock_ns = now + CLOCK_EVERY_NS;
	}
	missed_look(s, now);
	loops_beat(s, now);
	collectors_look(s);
	taken_look(s, now);
	losses_send(s);
	loops_release_dead(s);
	loops_forget_retired(s, now);
	live_emit(s, &f, now);
}

/*
 * Reads the ring until it is empty, or until the resolver has enough in hand: then the rest waits in the ring, which is made for
 * waiting, and not in a queue of ours. 1: it may not be empty; else 0 or a negative errno.
 */
static int ring_drain(struct live_source *s)
{
	struct resolver_counts counts;

	s->ring_is_empty = false;
	for (int i = 0; i < DRAIN_ROUNDS; i++) {
		resolver_counts(s->resolver, &counts);
		if (counts.waiting >= RESOLVER_BUSY) {
			struct pollfd p = {.fd = resolver_fd(s->resolver), .events = POLLIN};
			poll(&p, 1, 5);
		} else {
			int n = capture_poll(s->capture);
			s->ring_is_empty = !n;
			if (n <= 0)
				return n;
		}
		resolver_receive(s->resolver, kernel_now_ns());
	}
	return 1;
}

int live_source_step(struct live_source *s)
{
	int err = ring_drain(s);
	uint64_t now = kernel_now_ns();

	resolver_receive(s->resolver, now);
	attribution_advance(s->attribution, now);
	lines_advance(s, now);
	if (s->stuck_at_ns && now >= s->stuck_at_ns) {
		s->stuck_at_ns = 0;
		stuck_find(s, now);
	}
	if (now >= s->next_open_ns) {
		stalls_open(s, now, OPEN_DUE);
		workers_look(s, now);
		s->next_open_ns = now + OPEN_EVERY_NS;
	}
	if (now >= s->next_tick_ns) {
		tick(s, now);
		s->next_tick_ns = (now - s->start_ns) / LIVE_S * LIVE_S + s->start_ns + LIVE_S;
	}
	return err < 0 ? err : 0;
}

/* Waits a little for the names of stacks that are still being looked up. */
static void names_settle(struct live_source *s)
{
	struct resolver_counts counts;
	uint64_t until = kernel_now_ns() + LIVE_S;

	for (;;) {
		ring_drain(s);
		resolver_receive(s->resolver, kernel_now_ns());
		resolver_counts(s->resolver, &counts);
		if (!counts.waiting || kernel_now_ns() > until)
			return;
		struct pollfd p = {.fd = resolver_fd(s->resolver), .events = POLLIN};
		poll(&p, 1, 20);
	}
}

void live_source_dump(struct live_source *s)
{
	stalls_open(s, kernel_now_ns(), OPEN_ANY);
	names_settle(s);
	attribution_flush(s->attribution);
	lines_settle(s);
}

/* All that was seen before the end. It goes on meanwhile, so this takes as long as the ring takes to be read, and not for ever. */
static void ring_settle(struct live_source *s)
{
	uint64_t until = kernel_now_ns() + SETTLE_NS, none = 0;

	while (ring_drain(s) > 0)
		if (kernel_now_ns() > until) {
			loss_send(s, "ring_unread", "times that records were still in the ring at the end", 1,
				  &none);
			return;
		}
}

void live_source_finish(struct live_source *s, const char *reason)
{
	ring_settle(s);
	stalls_open(s, kernel_now_ns(), OPEN_OVER);
	names_settle(s);
	attribution_flush(s->attribution);
	lines_settle(s);
	tick(s, kernel_now_ns());
	struct fact f = {.kind = FACT_END, .end = s->end};
	f.end.reason = reason;
	live_emit(s, &f, kernel_now_ns());
}
