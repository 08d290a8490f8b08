/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that has been taken over, and an opener that lies: what they send to the monitor is made of the bytes. Whatever
 * that is, every stack is answered once, with clean names, and what the monitor sends back is well-formed.
 *
 * The nursery is played here: its nurslings are the other ends of the monitor's sockets.
 */
#include "must.h"

#include "base/clean.h"
#include "base/cursor.h"
#include "symbol/channel.h"
#include "symbol/nursery.h"
#include "symbol/opener.h"
#include "symbol/protocol.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define STACKS	      6
#define MESSAGES_MAX  64
#define STEP_NS	      1000000ull
#define LONG_STEP_NS  3000000000ull
#define CALM_CALLS    2
#define LONG_STEP_BIT 0x40

static int ends[NURSLINGS] = {-1, -1}; /* of the worker in life, of the opener */
static uint32_t next_frame;
static const uint8_t *seen_bytes; /* what a lying opener says of a process; NULL: the truth */
static size_t n_seen_bytes;

/* --- the nursery */

int nursery_start(struct nursery *n, const struct worker_link *link)
{
	(void)link;
	*n = (struct nursery){.socket = -1};
	return 0;
}

void nursery_end(const struct nursery *n, enum nursling kind)
{
	(void)n;
	if (ends[kind] >= 0)
		close(ends[kind]);
	ends[kind] = -1;
}

int nursery_raise(const struct nursery *n, enum nursling kind, int *socket, pid_t *pid)
{
	int pair[2];
	nursery_end(n, kind);
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	*socket = pair[0];
	ends[kind] = pair[1];
	next_frame = kind == NURSLING_WORKER ? 0 : next_frame;
	*pid = getpid();
	return 0;
}

void nursery_stop(struct nursery *n)
{
	nursery_end(n, NURSLING_WORKER);
	nursery_end(n, NURSLING_OPENER);
}

/* --- the opener: does as it is asked, but what it says of processes may be made of the bytes */

static int open_for(const struct opening *o)
{
	if (o->kind != OPENING_TARGET || !seen_bytes)
		return opener_open(o);
	int fd = memfd_create("seen", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, seen_bytes, n_seen_bytes) == (ssize_t)n_seen_bytes);
	return fd;
}

static void serve_opener(void)
{
	static struct opening o;
	int given;

	while (ends[NURSLING_OPENER] >= 0 &&
	       channel_receive(ends[NURSLING_OPENER], &o, sizeof o, &given, false) > 0) {
		must(given < 0 && o.kind < OPENINGS);
		int fd = open_for(&o);
		const struct opened answer = {.err = fd < 0 ? fd : 0};
		channel_send(ends[NURSLING_OPENER], &answer, sizeof answer, fd, false);
		if (fd >= 0)
			close(fd);
	}
}

/* --- what comes out of the monitor */

struct asked {
	unsigned answers[STACKS];
};

static void must_be_clean(const char *text)
{
	struct bytes clean = {0};
	must(text);
	clean_text(&clean, text, strlen(text));
	must(!strcmp(bytes_text(&clean), text));
	bytes_free(&clean);
}

static void stack_came(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct asked *a = context;
	must(cookie < STACKS && !a->answers[cookie]++);
	must(stack->state < STACK_STATES && stack->n <= FACT_MAX_FRAMES);
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct fact_frame *f = &stack->frames[i];
		must(f->kind < FRAME_KINDS && f->method < FRAME_METHODS);
		must_be_clean(f->function);
		must_be_clean(f->object);
		must_be_clean(f->file);
	}
}

static void python_came(void *context, const struct resolver_python *found)
{
	(void)context;
	must(!found->offsets || !found->refused);
}

static void tasks_came(void *context, uint32_t pid, uint64_t n, bool at_least)
{
	(void)n, (void)at_least;
	must(pid == (uint32_t)getpid());
	must(!(*(bool *)context));
	*(bool *)context = true;
}

static void take_orders(void)
{
	static struct order_maps order;
	ssize_t got;
	int fd;

	serve_opener();
	while (ends[NURSLING_WORKER] >= 0 &&
	       (got = channel_receive(ends[NURSLING_WORKER], &order, sizeof order, &fd, false)) > 0) {
		must((size_t)got >= sizeof order.order);
		must(order.order.kind >= ORDER_MAPS && order.order.kind < ORDERS);
		must(order.order.kind != ORDER_MAPS ||
		     (size_t)got ==
			     offsetof(struct order_maps, rows) + order.order.n_rows * sizeof order.rows[0]);
		if (fd >= 0)
			close(fd);
	}
}

/* --- what goes into it */

/* A small number, or by 255 a very large one. */
static uint32_t number(struct cursor *c)
{
	uint8_t byte = cursor_u8(c);
	return byte == 255 ? UINT32_MAX : byte;
}

static void fill_text(struct cursor *c, char *text, size_t bytes)
{
	size_t n = cursor_u8(c) * 3u;
	n = n < cursor_left(c) ? n : cursor_left(c);
	const void *from = cursor_take(c, n);
	if (from)
		memcpy(text, from, n < bytes ? n : bytes);
}

static size_t make_frame(struct cursor *c, struct report_frame *r)
{
	uint8_t skew = cursor_u8(c);
	r->frame = next_frame++ + (skew > 250 ? skew : 0u);
	r->module = number(c);
	r->place = number(c);
	r->method = number(c);
	r->line = cursor_u32(c);
	r->offset = cursor_u64(c);
	fill_text(c, r->name, sizeof r->name);
	fill_text(c, r->file, sizeof r->file);
	return sizeof *r;
}

static size_t make_want(struct cursor *c, struct report_want *r)
{
	r->slot = number(c);
	r->maps = number(c);
	r->module = number(c);
	r->n_debug = number(c);
	for (uint32_t i = 0; i < PROTOCOL_WANTS && cursor_left(c) && i < r->n_debug; i++) {
		r->debug[i].module = number(c);
		r->debug[i].build_id_bytes = number(c);
		uint32_t id = number(c);
		memset(r->debug[i].build_id, (int)id, sizeof r->debug[i].build_id);
		memset(r->debug[i].link, 'x', id < DEBUG_LINK_BYTES ? id : DEBUG_LINK_BYTES);
	}
	return sizeof *r;
}

static size_t make_answer(struct cursor *c, struct report_answer *r)
{
	r->slot = number(c);
	r->state = number(c);
	r->n = cursor_u16(c);
	for (uint32_t i = 0; i < r->n && i < FACT_MAX_FRAMES; i++)
		r->frames[i] = cursor_left(c) ? number(c) : 0;
	return offsetof(struct report_answer, frames) + (r->n % (FACT_MAX_FRAMES + 1)) * sizeof r->frames[0];
}

static size_t make_python(struct cursor *c, struct report_python *r)
{
	r->pid = number(c);
	r->state = number(c);
	r->minor = number(c);
	r->runtime = cursor_u64(c);
	r->gil = cursor_u64(c);
	memset(&r->offsets, (int)number(c), sizeof r->offsets);
	return sizeof *r;
}

static size_t make_tasks(struct cursor *c, struct report_tasks *r)
{
	r->pid = cursor_u8(c) & 1 ? (uint32_t)getpid() : number(c);
	r->known = number(c);
	r->at_least = number(c);
	r->n = cursor_u64(c);
	return sizeof *r;
}

static size_t make_report(struct cursor *c, uint8_t kind, union report *r)
{
	*r = (union report){.kind = kind};
	switch (kind) {
	case REPORT_FRAME: return make_frame(c, &r->frame);
	case REPORT_WANT: return make_want(c, &r->want);
	case REPORT_ANSWER: return make_answer(c, &r->answer);
	case REPORT_PYTHON: return make_python(c, &r->python);
	case REPORT_LOCKDOWN: return sizeof r->lockdown;
	case REPORT_TASKS: return make_tasks(c, &r->tasks);
	default: return cursor_u8(c);
	}
}

static void speak(struct resolver *r, struct cursor *c)
{
	static union report report;
	uint64_t now_ns = STEP_NS;

	for (unsigned n = 0; cursor_left(c) && !c->failed && n < MESSAGES_MAX; n++) {
		uint8_t head = cursor_u8(c);
		size_t bytes = make_report(c, head & 7, &report);
		if (head & 0x80) /* cut, or with something behind it */
			bytes = (bytes + (int8_t)cursor_u8(c)) % sizeof report;
		if (ends[NURSLING_WORKER] >= 0 && bytes)
			channel_send(ends[NURSLING_WORKER], &report, bytes, -1, false);
		now_ns += head & LONG_STEP_BIT ? LONG_STEP_NS : STEP_NS;
		resolver_receive(r, now_ns);
		take_orders();
	}
	for (unsigned i = 0; i < CALM_CALLS; i++) { /* nothing more is said: deadlines */
		now_ns += LONG_STEP_NS;
		resolver_receive(r, now_ns);
		take_orders();
	}
}

static void submit(struct resolver *r, struct asked *a)
{
	static const char page[RAW_PAGE];
	struct raw_stack raw = {.n_pages = 1, .pages = page, .base = 0x7000, .pages_present = 1};
	for (uint64_t cookie = 0; cookie < STACKS; cookie++) {
		raw.pid = cookie % 3 ? (uint32_t)getpid() : UINT32_MAX;
		must(!resolver_submit(r, &raw, cookie, stack_came, a));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	bool opener_lies = cursor_u8(&c) & 1;
	struct resolver_counts counts;
	struct diag d = {0};
	struct resolver *r = resolver_start(&d);
	struct asked a = {{0}};
	bool tasks_came_once = false;

	must(r);
	seen_bytes = opener_lies ? c.at : NULL;
	n_seen_bytes = cursor_left(&c);
	resolver_python_find(r, (uint32_t)getpid(), python_came, NULL);
	submit(r, &a);
	resolver_count_tasks(r, (uint32_t)getpid(), tasks_came, &tasks_came_once);
	take_orders();
	speak(r, &c);
	resolver_counts(r, &counts);
	must(counts.submitted == STACKS &&
	     counts.resolved + counts.lost + counts.lost_worker + counts.waiting == STACKS);
	resolver_stop(r);
	for (unsigned i = 0; i < STACKS; i++)
		must(a.answers[i] == 1);
	return 0;
}
