/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/supply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEN_MAX_BYTES (32u << 20) /* more than the opener makes of 65,536 mappings with short names */

void supply_order(struct supply *s, const void *order, size_t bytes, int fd)
{
	/* A dead socket shows when it is read. */
	outbox_put(&s->outbox, s->worker, order, bytes, fd);
}

static void order_simple(struct supply *s, uint32_t kind, uint32_t number, int fd)
{
	const struct order o = {.kind = kind, .number = number};
	supply_order(s, &o, sizeof o, fd);
}

static void settle_pythons(struct supply *s, struct target *target)
{
	target->memory = 0;
	s->pythons -= target->pythons + target->tasks_asked;
	target->pythons = 0;
	target->tasks_asked = false;
}

/* Known processes have a bound, so another one may have to go. */
static struct target *target_get(struct supply *s, uint32_t pid)
{
	uint32_t surplus = targets_find(&s->targets, pid) ? 0 : targets_surplus(&s->targets);
	if (surplus)
		supply_forget(s, surplus);
	return targets_get(&s->targets, pid);
}

/* The number of the request; 0: there is none, for want of memory or because its files have hung too often. */
static uint64_t ask(struct supply *s, const struct opening *o)
{
	const struct target *target = targets_find(&s->targets, o->pid);
	return target && target->hung >= TARGET_MAX_HUNG ? 0 : opener_process_ask(&s->opener, o);
}

/* --- maps */

/* looks_over: for nobody but us, see targets_are_stale(). */
static void ask_target(struct supply *s, struct target *target, bool looks_over)
{
	const struct opening o = {.kind = OPENING_TARGET, .pid = target->pid};
	target->is_looked_over = looks_over;
	target->reading = ask(s, &o);
	if (target->reading)
		target->state = TARGET_READING;
	else
		targets_take(&s->targets, target, NULL, 0, s->now_ns);
}

static void order_maps(struct supply *s, struct target *target)
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
		supply_order(s, &o, offsetof(struct order_maps, rows) + n * sizeof o.rows[0], -1);
		o.order.flag = 0;
	} while (at < target->maps.n);
	target->sent = true;
}

/* --- modules */

/* What cannot be had the worker is told too, or it would ask for ever. */
static void module_is(struct supply *s, uint32_t id, struct target_module *m, int fd)
{
	/* A worker died of it: perhaps of its lines, which are the most that there is to read. */
	const bool wants_lines = m->application && !m->crashes;
	const struct order o = {.kind = ORDER_MODULE, .number = id, .flag = wants_lines};
	m->asked = false;
	m->sent = fd >= 0;
	if (m->sent || !m->missing)
		supply_order(s, &o, sizeof o, fd);
	m->missing = fd < 0;
}

static void give_module(struct supply *s, const struct target *target, uint32_t id)
{
	struct target_module *m = targets_module(&s->targets, id);
	struct opening o;
	if (!m || m->sent || m->asked)
		return;
	m->asked = targets_opening(&s->targets, target, id, &o) && ask(s, &o);
	if (!m->asked)
		module_is(s, id, m, -1);
}

/* A stack may come behind its program's exec, or its end, when nothing maps the file any more; the next process has it. */
static void give_missing_modules(struct supply *s, const struct target *target)
{
	for (size_t i = 0; i < target->maps.n; i++) {
		const struct target_module *m = targets_module(&s->targets, target->modules[i]);
		if (m && m->missing)
			give_module(s, target, target->modules[i]);
	}
}

/* --- Python */

static void tell_python(struct supply *s, const struct resolver_python *found)
{
	if (s->python_found)
		s->python_found(s->python_context, found);
}

/* Its modules and, behind them, its memory. False if nothing in it can be an interpreter. */
static bool ask_python(struct supply *s, struct target *target)
{
	uint32_t modules[PROTOCOL_PYTHONS], minors[PROTOCOL_PYTHONS];
	const struct opening o = {.kind = OPENING_MEMORY, .pid = target->pid};
	uint32_t n = targets_pythons(&s->targets, target, modules, minors, PROTOCOL_PYTHONS);

	for (uint32_t i = 0; i < n; i++)
		give_module(s, target, modules[i]);
	give_module(s, target, targets_asyncio(&s->targets, target));
	target->memory = n ? ask(s, &o) : 0;
	target->wants_python = n;
	return target->memory;
}

static void order_python(struct supply *s, struct target *target, int fd)
{
	struct order_python o = {.order = {.kind = ORDER_PYTHON, .number = target->pid, .flag = fd >= 0}};

	targets_pythons(&s->targets, target, o.modules, o.minors, PROTOCOL_PYTHONS);
	o.asyncio = targets_asyncio(&s->targets, target);
	target->memory = 0;
	if (fd < 0 && !o.minors[0]) { /* nothing about it looks like Python: not worth a word */
		tell_python(s, &(struct resolver_python){.pid = target->pid});
		return;
	}
	if (!target->sent)
		order_maps(s, target);
	supply_order(s, &o, sizeof o, fd);
	target->pythons++;
	s->pythons++;
}

int supply_python(struct supply *s, uint32_t pid)
{
	struct target *target = target_get(s, pid);

	if (!target)
		return -ENOMEM;
	bool again = target->wants_python; /* what was missing may have been loaded since */
	target->wants_python = true;
	target->read_ns = 0; /* it may have only just begun: what else it maps may be looked for at once */
	target->is_looked_over = false;
	if (target->state == TARGET_UNREAD || (target->state == TARGET_READ && again))
		ask_target(s, target, false);
	if (target->state == TARGET_READING)
		return 0;
	return ask_python(s, target) ? 0 : -ENOENT;
}

int supply_take_python(struct supply *s, const struct report_python *report)
{
	static const char *const refusals[PYTHON_FINDS] = {
		[PYTHON_UNKNOWN] = "its version is not known",
		[PYTHON_UNREADABLE] = "its memory cannot be read",
		[PYTHON_UNLIKE] = "its layout is not that of its version",
	};
	static const char *const v8_refusals[V8_FINDS] = {
		[V8_UNKNOWN] = "is not known",
		[V8_UNLIKE] = "is not laid out as known",
	};
	struct target *target = targets_find(&s->targets, report->pid);
	struct resolver_python found = {.pid = report->pid,
					.runtime = report->runtime,
					.gil = report->gil,
					.oldest_thread = report->oldest_thread,
					.tasks = report->tasks,
					.string_type = report->string_type,
					.int_type = report->int_type,
					.code_type = report->code_type};

	if (report->state >= PYTHON_FINDS || report->v8_state >= V8_FINDS)
		return -EPROTO;
	if (!target || !target->pythons)
		return 0; /* it has exec'd meanwhile */
	target->pythons--;
	s->pythons--;
	found.refused = refusals[report->state];
	found.v8_refused = v8_refusals[report->v8_state];
	found.v8_version = report->v8_version;
	if (report->state == PYTHON_FOUND)
		found.offsets = &report->offsets;
	tell_python(s, &found);
	return 0;
}

void supply_tasks(struct supply *s, uint32_t pid)
{
	struct target *target = targets_find(&s->targets, pid);

	if (!target || s->worker < 0 || target->tasks_asked || target->tasks_refused)
		return;
	target->tasks_asked = true;
	s->pythons++;
	order_simple(s, ORDER_TASKS, pid, -1);
}

int supply_take_tasks(struct supply *s, const struct report_tasks *report)
{
	struct target *target = targets_find(&s->targets, report->pid);

	if (!target || !target->tasks_asked)
		return 0; /* it has exec'd meanwhile */
	target->tasks_asked = false;
	s->pythons--;
	if (report->known)
		s->tasks_counted(s->tasks_context, report->pid, report->n, report->at_least);
	return 0;
}

/* --- what the opener brings; each takes the descriptor */

static void target_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	struct target *target = targets_find(&s->targets, o->pid);
	struct bytes seen = {0};
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size <= SEEN_MAX_BYTES) {
		char piece[16384];
		ssize_t got;
		for (off_t at = 0; (got = pread(fd, piece, sizeof piece, at)) > 0; at += got)
			bytes_put(&seen, piece, (size_t)got);
	}
	if (fd >= 0)
		close(fd);
	if (target && target->state == TARGET_READING && target->reading == number) {
		targets_take(&s->targets, target, seen.data, bytes_ok(&seen) ? seen.len : 0, s->now_ns);
		give_missing_modules(s, target);
		if (!target->is_looked_over && target->wants_python && !target->memory &&
		    !ask_python(s, target))
			tell_python(s, &(struct resolver_python){.pid = o->pid});
	}
	bytes_free(&seen);
}

static void module_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	struct target_module *m = targets_module(&s->targets, o->module);
	(void)number;
	if (m)
		module_is(s, o->module, m, fd);
	else if (fd >= 0)
		close(fd);
}

static void debug_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	(void)number;
	order_simple(s, ORDER_DEBUG, o->module, fd);
}

static void jit_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	(void)number;
	order_simple(s, ORDER_JIT, o->pid, fd);
}

static void memory_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	struct target *target = targets_find(&s->targets, o->pid);
	if (target && target->memory == number)
		order_python(s, target, fd);
	else if (fd >= 0)
		close(fd);
}

static void line_came(struct supply *s, uint64_t number, const struct opening *o, int fd)
{
	char text[OPENING_LINE_BYTES + 1];
	ssize_t got = fd < 0 ? 0 : pread(fd, text, OPENING_LINE_BYTES, 0);

	(void)number;
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = 0;
	s->line_read(s->line_context, o->pid, o->path, o->line, text);
}

static void (*const arrivals[OPENINGS])(struct supply *s, uint64_t number, const struct opening *o,
					int fd) = {
	[OPENING_TARGET] = target_came, [OPENING_MODULE] = module_came, [OPENING_DEBUG] = debug_came,
	[OPENING_MEMORY] = memory_came, [OPENING_JIT] = jit_came,	[OPENING_LINE] = line_came,
};

static void opened(void *context, uint64_t number, const struct opening *o, int fd)
{
	const struct supply *s = context;
	struct target *target = fd == -ETIMEDOUT ? targets_find(&s->targets, o->pid) : NULL;
	if (target)
		target->hung++;
	arrivals[o->kind](context, number, o, fd);
}

/* --- the interface */

int supply_init(struct supply *s)
{
	*s = (struct supply){.worker = -1};
	opener_process_init(&s->opener, opened, s);
	return targets_init(&s->targets);
}

void supply_free(struct supply *s)
{
	outbox_clear(&s->outbox);
	opener_process_free(&s->opener);
	targets_free(&s->targets);
}

void supply_worker(struct supply *s, int socket)
{
	size_t at = 0;

	outbox_clear(&s->outbox);
	s->worker = socket;
	targets_mark_unsent(&s->targets);
	if (socket < 0)
		return;
	for (struct target *target; (target = idmap_next(&s->targets.by_pid, &at, NULL));) {
		settle_pythons(s, target);
		if (target->wants_python && target->state == TARGET_READ)
			ask_python(s, target);
	}
}

bool supply_process(struct supply *s, uint32_t pid)
{
	struct target *target = target_get(s, pid);
	if (!target)
		return true; /* without maps, like a process that is gone */
	if (target->state == TARGET_UNREAD || targets_are_stale(target, s->now_ns))
		ask_target(s, target, target->state == TARGET_READ);
	if (target->state != TARGET_READ)
		return false;
	if (!target->sent) {
		order_maps(s, target); /* with which the worker forgets the interpreter */
		if (target->wants_python && !target->memory)
			ask_python(s, target);
	}
	return !target->memory;
}

void supply_maps(struct supply *s, uint32_t pid)
{
	struct target *target = target_get(s, pid);
	if (target && targets_may_reread(target, s->now_ns))
		ask_target(s, target, false);
}

void supply_module(struct supply *s, uint32_t pid, uint32_t module)
{
	struct target *target = target_get(s, pid);
	if (target)
		give_module(s, target, module);
}

void supply_debug(struct supply *s, uint32_t pid, const struct wanted_debug *wanted)
{
	const struct target *target = targets_find(&s->targets, pid);
	struct opening o;
	if (!target || !targets_opening(&s->targets, target, wanted->module, &o))
		o = (struct opening){.pid = pid, .module = wanted->module};
	o.kind = OPENING_DEBUG;
	o.build_id_bytes = wanted->build_id_bytes;
	memcpy(o.build_id, wanted->build_id, sizeof o.build_id);
	memcpy(o.link, wanted->link, sizeof o.link);
	if (!ask(s, &o))
		order_simple(s, ORDER_DEBUG, wanted->module, -1);
}

void supply_jit(struct supply *s, uint32_t pid)
{
	const struct target *target = targets_find(&s->targets, pid);
	const struct opening o = {.kind = OPENING_JIT, .pid = pid};
	if (!target || target->jit_refused || !ask(s, &o))
		order_simple(s, ORDER_JIT, pid, -1);
}

bool supply_line(struct supply *s, uint32_t pid, const char *file, uint32_t line)
{
	struct opening o = {.kind = OPENING_LINE, .pid = pid, .line = line};
	size_t bytes = strlen(file) + 1;

	if (bytes > sizeof o.path)
		return false;
	memcpy(o.path, file, bytes);
	return ask(s, &o);
}

void supply_forget(struct supply *s, uint32_t pid)
{
	struct target *target = targets_find(&s->targets, pid);
	if (target)
		settle_pythons(s, target);
	targets_forget(&s->targets, pid);
	order_simple(s, ORDER_FORGET, pid, -1);
}

void supply_hear(struct supply *s, const struct nursery *nursery, uint64_t now_ns)
{
	s->now_ns = now_ns;
	opener_process_hear(&s->opener, nursery, now_ns);
}

uint64_t supply_last(const struct supply *s)
{
	return s->opener.first ? s->opener.last_number : 0;
}

bool supply_is_done(const struct supply *s, uint64_t number)
{
	return number < opener_process_next(&s->opener);
}
