/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker.h"

#include "base/array.h"
#include "base/idmap.h"
#include "base/intern.h"
#include "symbol/channel.h"
#include "symbol/module.h"
#include "symbol/worker_jit.h"
#include "symbol/worker_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
	struct unwind_map *maps;
	size_t n, cap;
	struct worker_python *python; /* NULL: none that we can read */
	struct worker_jit jit;
};

struct worker {
	struct worker_link link;
	struct idmap processes; /* pid: struct process */
	struct idmap modules;	/* id: struct module */
	struct intern *frames;	/* struct frame_key: the frame's number */
	struct intern *jit_names;
	struct unwound unwound;
	uint32_t next_code; /* number of the next Python code object */
	unsigned char *
		depths; /* by frame number: how many frames from it on are one of the stack's, with the calls inlined there */
	size_t cap_depths;
	uint64_t lines_bytes; /* of debug sections that are open */
};

/* What makes two frames the same. No padding: it is hashed as bytes. */
struct frame_key {
	uint64_t address;
	uint32_t module;
	uint16_t method;
	uint8_t exact, place;
	uint32_t level;	   /* of the calls inlined at one address, innermost 0 */
	uint32_t readable; /* its module: once the file is there, the frame has a name */
};

/*
 * A file that takes more memory than there may be: half a table of names would name wrongly. The next worker does without the file,
 * for the monitor sees what this one was at.
 */
static void end_if_starved(const struct module *m)
{
	if (!m || m->starved)
		_exit(1);
}

/* --- answers */

/* Without the monitor there is nothing to live for. */
static void say(struct worker *w, const void *data, size_t bytes)
{
	if (channel_send(w->link.socket, data, bytes, -1, true))
		_exit(0);
}

static enum frame_place place_of(const struct unwind_frame *f)
{
	return f->module ? PLACE_MODULE : f->outside ? PLACE_OUTSIDE : PLACE_ANONYMOUS;
}

/* The functions at its address, innermost first: those inlined there, and last the one that its symbol names. */
static uint32_t places_of(struct worker *w, const struct unwind_frame *f, struct report_frame *report,
			  struct source_place places[SOURCE_MAX_DEPTH])
{
	struct module *m = idmap_get(&w->modules, f->module);
	uint64_t start, address = f->address - !f->exact;
	uint32_t n = 0;

	if (m && m->usable) {
		w->link.state->module = f->module;
		module_name(m, address, f->record_start, report->name, sizeof report->name, &start);
		end_if_starved(m);
		report->offset -= start;
		w->lines_bytes += module_open_lines(m, SOURCE_TOTAL_BYTES - w->lines_bytes);
		n = module_lines(m, address, places);
	}
	if (!n)
		places[n++] = (struct source_place){0};
	return n;
}

static void define_frame(struct worker *w, uint32_t number, const struct report_frame *of,
			 const struct source_place *place)
{
	struct report_frame report = *of;

	report.frame = number;
	report.line = place->line;
	snprintf(report.file, sizeof report.file, "%s", place->file);
	if (place->function[0])
		snprintf(report.name, sizeof report.name, "%.*s", SOURCE_NAME_BYTES, place->function);
	say(w, &report, sizeof report);
}

static bool define_frames(struct worker *w, uint32_t first, struct frame_key *key,
			  const struct unwind_frame *f)
{
	struct source_place places[SOURCE_MAX_DEPTH];
	struct report_frame report = {.kind = REPORT_FRAME,
				      .module = f->module,
				      .place = place_of(f),
				      .method = f->method,
				      .offset = f->address};
	uint32_t n = places_of(w, f, &report, places);

	if (!array_reserve(&w->depths, &w->cap_depths, first + n, sizeof *w->depths))
		return false;
	w->depths[first] = 0;
	for (uint32_t level = 0; level < n; level++) {
		key->level = level;
		if (intern_id(w->frames, key, sizeof *key) != first + level)
			break;
		define_frame(w, first + level, &report, &places[level]);
		w->depths[first]++;
	}
	return true;
}

/*
 * Every frame is sent once; from then on it is a number. Those at one address follow each other: *n from *first on. False
 * without memory.
 */
static bool number_frames(struct worker *w, const struct unwind_frame *f, uint32_t *first, uint32_t *n)
{
	const struct module *m = idmap_get(&w->modules, f->module);
	struct frame_key key = {.address = f->address,
				.module = f->module,
				.method = (uint16_t)f->method,
				.exact = f->exact,
				.place = (uint8_t)place_of(f),
				.readable = m && m->usable};
	uint32_t known = intern_count(w->frames);

	*first = intern_id(w->frames, &key, sizeof key);
	if (*first == INTERN_NONE || (*first == known && !define_frames(w, *first, &key, f)))
		return false;
	*n = w->depths[*first];
	return true;
}

static void define_python_frame(struct worker *w, uint32_t number, const struct joined_frame *f)
{
	struct report_frame report = {
		.kind = REPORT_FRAME,
		.frame = number,
		.place = PLACE_PYTHON,
		.method = FRAME_LANGUAGE,
		.line = f->line,
	};
	bool known = f->code.id != PYTHON_NO_CODE;

	snprintf(report.name, sizeof report.name, "%s", known ? f->code.function : "?");
	snprintf(report.file, sizeof report.file, "%s", known ? f->code.file : "");
	say(w, &report, sizeof report);
}

static bool number_python_frame(struct worker *w, const struct joined_frame *f, uint32_t *number)
{
	struct frame_key key = {.address = (uint64_t)f->code.id << 32 | f->line,
				.method = FRAME_LANGUAGE,
				.place = PLACE_PYTHON};
	uint32_t known = intern_count(w->frames);

	*number = intern_id(w->frames, &key, sizeof key);
	if (*number == known)
		define_python_frame(w, *number, f);
	return *number != INTERN_NONE;
}

static void define_jit_frame(struct worker *w, uint32_t number, const struct unwind_frame *f,
			     const char *text, size_t len)
{
	struct report_frame report = {
		.kind = REPORT_FRAME, .frame = number, .place = PLACE_JIT, .method = f->method};
	struct jit_name name;

	jit_name_parse(text, len, &name);
	report.jit = name.kind;
	report.line = name.line;
	snprintf(report.name, sizeof report.name, "%s", name.function);
	snprintf(report.file, sizeof report.file, "%s", name.file);
	say(w, &report, sizeof report);
}

/* By its name, not by its address: in one place there may be other code later. */
static bool number_jit_frame(struct worker *w, const struct unwind_frame *f, const char *text, size_t len,
			     uint32_t *number)
{
	struct frame_key key = {.address = intern_id(w->jit_names, text, len),
				.method = (uint16_t)f->method,
				.place = PLACE_JIT};
	uint32_t known = intern_count(w->frames);

	*number = key.address == INTERN_NONE ? INTERN_NONE : intern_id(w->frames, &key, sizeof key);
	if (*number == known)
		define_jit_frame(w, *number, f, text, len);
	return *number != INTERN_NONE;
}

struct answering {
	struct worker *worker;
	const struct process *process; /* NULL: none is known */
	struct report_answer report;
	bool cut;
};

static bool number_native(struct answering *a, const struct unwind_frame *f, uint32_t *first, uint32_t *n)
{
	bool compiled = a->process && place_of(f) == PLACE_ANONYMOUS;
	size_t len = 0;
	const char *text = compiled ? jit_map_find(&a->process->jit.map, f->pc - !f->exact, &len) : NULL;

	return text ? number_jit_frame(a->worker, f, text, len, first)
		    : number_frames(a->worker, f, first, n);
}

static bool answer_put(void *context, const struct joined_frame *f)
{
	struct answering *a = context;
	uint32_t first, n = 1;
	bool numbered = f->native ? number_native(a, f->native, &first, &n)
				  : number_python_frame(a->worker, f, &first);
	uint32_t room = FACT_MAX_FRAMES - a->report.n;

	a->cut = !numbered || n > room;
	for (uint32_t i = 0; numbered && i < n && i < room; i++)
		a->report.frames[a->report.n++] = first + i;
	return !a->cut;
}

/* The evaluator's name tells, which is exported by every build. */
static enum native_part part_of(void *context, const struct unwind_frame *f, bool is_interpreter)
{
	const struct answering *a = context;
	char name[64];
	uint64_t start;
	struct module *m = idmap_get(&a->worker->modules, f->module);

	if (!is_interpreter)
		return m && module_switches_stacks(m) ? NATIVE_SWITCHER : NATIVE_OTHER;
	if (!m || !m->usable)
		return NATIVE_INTERPRETER;
	module_name(m, f->address - !f->exact, f->record_start, name, sizeof name, &start);
	return strncmp(name, "_PyEval_EvalFrameDefault", strlen("_PyEval_EvalFrameDefault"))
		       ? NATIVE_INTERPRETER
		       : NATIVE_EVALUATOR;
}

static void answer(struct worker *w, uint32_t slot, const struct raw_stack *raw, const struct process *p,
		   bool jit_full)
{
	struct answering a = {.worker = w,
			      .process = p,
			      .report = {.kind = REPORT_ANSWER,
					 .slot = slot,
					 .state = w->unwound.state,
					 .jit_full = jit_full}};

	if (raw->n_python && p && p->python)
		worker_python_join(p->python, raw, &w->unwound, part_of, answer_put, &a);
	else
		for (uint32_t i = 0; i < w->unwound.n && !a.cut; i++)
			answer_put(&a, &(struct joined_frame){.native = &w->unwound.frames[i]});
	if (a.cut || raw->python_cut)
		a.report.state = STACK_TRUNCATED;
	say(w, &a.report, offsetof(struct report_answer, frames) + a.report.n * sizeof a.report.frames[0]);
}

/* --- one stack */

static enum unwind_module_state find_module(void *context, uint32_t id, struct unwind_module *found)
{
	struct worker *w = context;
	const struct module *m = idmap_get(&w->modules, id);

	if (!m)
		return UNWIND_MODULE_WANTED;
	w->link.state->module = id;
	if (!m->usable)
		return UNWIND_MODULE_USELESS;
	*found = (struct unwind_module){.elf = &m->elf, .cfi = &m->cfi};
	return UNWIND_MODULE_READY;
}

static struct leaf find_leaf(void *context, const struct unwind_frame *frame)
{
	const struct worker *w = context;
	struct module *m = frame->module ? idmap_get(&w->modules, frame->module) : NULL;

	return m && m->usable ? module_leaf(m, frame->address) : (struct leaf){LEAF_UNKNOWN, 0};
}

/* Which modules of this stack would have more names with their debug file? Each is asked for once. */
static void want_debug(struct worker *w, struct report_want *want)
{
	for (uint32_t i = 0; i < w->unwound.n && want->n_debug < PROTOCOL_WANTS; i++) {
		uint32_t id = w->unwound.frames[i].module;
		struct module *m = idmap_get(&w->modules, id);
		if (!m || !module_wants_debug(m))
			continue;
		struct wanted_debug *d = &want->debug[want->n_debug++];
		*d = (struct wanted_debug){.module = id, .build_id_bytes = m->elf.build_id_bytes};
		memcpy(d->build_id, m->elf.build_id, m->elf.build_id_bytes);
		m->debug = MODULE_DEBUG_ASKED;
	}
}

static bool is_waiting_for_debug(const struct worker *w)
{
	for (uint32_t i = 0; i < w->unwound.n; i++) {
		const struct module *m = idmap_get(&w->modules, w->unwound.frames[i].module);
		if (m && m->debug == MODULE_DEBUG_ASKED)
			return true;
	}
	return false;
}

static bool has_compiled(const struct worker *w)
{
	for (uint32_t i = 0; i < w->unwound.n; i++)
		if (place_of(&w->unwound.frames[i]) == PLACE_ANONYMOUS)
			return true;
	return false;
}

/* As late as can be, so that the names are those of the moment. True if the map became too large by that. */
static bool read_jit(struct worker *w, uint32_t pid, struct process *p)
{
	if (!p || !has_compiled(w))
		return false;
	w->link.state->jit_pid = pid;
	return worker_jit_read(&p->jit);
}

static void take_stack(struct worker *w, const struct order *order)
{
	if (order->number >= PROTOCOL_SLOTS)
		return;
	const struct stack_slot *slot = &w->link.slots[order->number];
	struct raw_stack raw = slot->raw;
	raw.pages = slot->pages;
	struct process *p = idmap_get(&w->processes, raw.pid);
	struct report_want want = {.kind = REPORT_WANT, .slot = order->number};

	w->link.state->slot_plus_1 = order->number + 1;
	struct unwind_input in = {
		.arch = arch_native(),
		.raw = &raw,
		.maps = p ? p->maps : NULL,
		.n_maps = p ? p->n : 0,
		.module = find_module,
		.leaf = find_leaf,
		.context = w,
		.maps_final = order->flag,
	};
	unwind(&in, &w->unwound);
	want.maps = w->unwound.wants_maps;
	want.module = w->unwound.wanted_module;
	if (!want.maps && !want.module) {
		want_debug(w, &want);
		want.jit = p && has_compiled(w) && worker_jit_asks(&p->jit);
	}
	/* Asked for by an earlier stack: its answer is on the way, and comes before this one comes again. */
	if (want.maps || want.module || want.n_debug || want.jit || is_waiting_for_debug(w))
		say(w, &want, sizeof want);
	else
		answer(w, order->number, &raw, p, read_jit(w, raw.pid, p));
	*w->link.state = (struct worker_state){0};
}

/* --- what a stack needs */

static void drop_process(struct worker *w, uint32_t pid)
{
	struct process *p = idmap_take(&w->processes, pid);
	if (p) {
		free(p->maps);
		worker_python_free(p->python);
		worker_jit_free(&p->jit);
	}
	free(p);
}

/* New maps: what they say of modules may be new, what it has compiled is not. */
static void forget_maps(struct process *p)
{
	p->n = 0;
	worker_python_free(p->python);
	p->python = NULL;
}

static void take_maps(struct worker *w, const struct order_maps *order, size_t bytes)
{
	uint32_t pid = order->order.number, n = order->order.n_rows;
	if (n > PROTOCOL_ROWS || bytes != offsetof(struct order_maps, rows) + n * sizeof order->rows[0])
		return;
	struct process *p = idmap_get(&w->processes, pid);
	if (p && order->order.flag)
		forget_maps(p);
	if (!p) {
		p = calloc(1, sizeof *p);
		if (!p || !idmap_put(&w->processes, pid, p)) {
			free(p);
			return;
		}
	}
	if (!n || !array_reserve(&p->maps, &p->cap, p->n + n, sizeof *p->maps))
		return;
	memcpy(p->maps + p->n, order->rows, n * sizeof order->rows[0]);
	p->n += n;
}

static void take_module(struct worker *w, uint32_t id, bool wants_lines, int fd)
{
	const struct module *known = idmap_get(&w->modules, id);
	if (!id || (known && (known->usable || fd < 0)))
		return;
	w->link.state->module = id;
	module_close(idmap_take(&w->modules, id));
	struct module *m = module_open(fd);
	end_if_starved(m);
	m->wants_lines = wants_lines;
	if (!idmap_put(&w->modules, id, m))
		module_close(m);
	*w->link.state = (struct worker_state){0};
}

static void take_debug(struct worker *w, uint32_t id, int fd)
{
	struct module *m = idmap_get(&w->modules, id);
	w->link.state->module = id;
	if (m)
		module_settle_debug(m, fd);
	*w->link.state = (struct worker_state){0};
}

/* Takes the descriptor. */
static void take_jit(struct worker *w, uint32_t pid, int fd)
{
	struct process *p = idmap_get(&w->processes, pid);

	if (p)
		worker_jit_take(&p->jit, fd);
	else if (fd >= 0)
		close(fd);
}

/* Run-time minus file address, from where the module's code is mapped. */
static bool module_bias(const struct process *p, uint32_t id, const struct module *m, uint64_t *bias)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct unwind_map *row = &p->maps[i];
		for (uint32_t k = 0; row->module == id && k < m->elf.n_loads; k++) {
			const struct elf_load *l = &m->elf.loads[k];
			if (!l->exec || l->offset >= row->offset + (row->end - row->start) ||
			    l->offset + l->file_bytes <= row->offset)
				continue;
			*bias = row->start - row->offset + l->offset - l->address;
			return true;
		}
	}
	return false;
}

static enum python_find find_python(struct worker *w, const struct process *process,
				    const struct order_python *order, struct worker_python *p)
{
	enum python_find state = PYTHON_ABSENT;
	uint64_t bias;

	for (uint32_t i = 0; i < PROTOCOL_PYTHONS && order->modules[i] && state == PYTHON_ABSENT; i++) {
		struct module *m = idmap_get(&w->modules, order->modules[i]);
		if (!m || !m->usable || !module_bias(process, order->modules[i], m, &bias))
			continue;
		w->link.state->module = p->module = order->modules[i];
		state = python_find(&p->space, &m->elf, bias, order->minors[i]);
	}
	return state;
}

/* Its asyncio says how tasks are laid out, in the module of its own or in the interpreter. */
static void check_asyncio(struct worker *w, const struct order_python *order, struct worker_python *p)
{
	uint32_t id = order->asyncio ? order->asyncio : p->module;
	const struct module *m = idmap_get(&w->modules, id);
	struct elf_range said = {0};
	Elf64_Shdr section;

	w->link.state->module = id;
	if (m && m->usable && elf_file_section_named(&m->elf, ".AsyncioDebug", &section))
		said = elf_file_contents(&m->elf, &section);
	python_offsets_check_asyncio(&p->space.offsets, said.data, said.bytes);
}

/* Takes the descriptor. */
static void take_python(struct worker *w, const struct order_python *order, int fd)
{
	struct report_python report = {
		.kind = REPORT_PYTHON, .pid = order->order.number, .state = PYTHON_UNREADABLE};
	struct process *process = idmap_get(&w->processes, order->order.number);
	struct worker_python *p = worker_python_new(fd, &w->next_code);

	if (!p)
		_exit(1);
	if (process && fd >= 0)
		report.state = find_python(w, process, order, p);
	if (report.state == PYTHON_FOUND)
		check_asyncio(w, order, p);
	report.minor = p->space.offsets.minor;
	report.runtime = p->space.runtime;
	report.offsets = p->space.offsets;
	if (report.state == PYTHON_FOUND) {
		report.gil = worker_python_gil(p);
		report.oldest_thread = worker_python_oldest_thread(p);
		report.string_type = p->space.string_type;
		report.int_type = p->space.int_type;
		report.code_type = p->space.code_type;
		if (p->space.offsets.thread_task == PYTHON_NO_MEMBER)
			report.tasks = python_module_get(&p->space, "_asyncio", "_current_tasks");
		worker_python_free(process->python);
		process->python = p;
	} else {
		worker_python_free(p);
	}
	say(w, &report, sizeof report);
	*w->link.state = (struct worker_state){0};
}

static void obey(struct worker *w, const struct order_maps *order, size_t bytes, int fd)
{
	switch (order->order.kind) {
	case ORDER_MAPS: take_maps(w, order, bytes); break;
	case ORDER_FORGET: drop_process(w, order->order.number); break;
	case ORDER_STACK: take_stack(w, &order->order); break;
	case ORDER_MODULE: take_module(w, order->order.number, order->order.flag, fd); break;
	case ORDER_DEBUG: take_debug(w, order->order.number, fd); break;
	}
}

/* --- life */

_Noreturn void worker_main(const struct worker_link *link)
{
	struct worker w = {.link = *link,
			   .frames = intern_new(),
			   .jit_names = intern_new(),
			   .next_code = PYTHON_NO_CODE + 1};
	static struct order_maps order; /* 32 KB, the largest message */
	struct module *vdso = module_open_vdso();

	if (!w.frames || !w.jit_names || !vdso || !idmap_put(&w.modules, MODULE_VDSO, vdso))
		_exit(1);
	say(&w, &(struct report_lockdown){REPORT_LOCKDOWN, link->lockdown}, sizeof(struct report_lockdown));
	for (;;) {
		int fd;
		ssize_t got = channel_receive(w.link.socket, &order, sizeof order, &fd, true);
		if (got <= 0)
			_exit(0);
		if (order.order.kind == ORDER_PYTHON && (size_t)got == sizeof(struct order_python)) {
			take_python(&w, (const void *)&order, fd);
			continue;
		}
		if (order.order.kind == ORDER_JIT && (size_t)got == sizeof order.order) {
			take_jit(&w, order.order.number, fd);
			continue;
		}
		if ((size_t)got >= sizeof order.order)
			obey(&w, &order, (size_t)got, fd);
		if (fd >= 0)
			close(fd);
	}
}
