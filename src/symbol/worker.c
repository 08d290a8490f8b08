/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_parts.h"

#include "base/array.h"
#include "symbol/channel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- answers */

struct answering {
	struct worker *worker;
	const struct process *process; /* NULL: none is known */
	const struct raw_stack *raw;
	struct report_answer report;
	bool cut;
};

/* False once there is no room, or no memory. */
static bool put_numbers(struct answering *a, bool numbered, uint32_t first, uint32_t n)
{
	uint32_t room = FACT_MAX_FRAMES - a->report.n;

	a->cut = !numbered || n > room;
	for (uint32_t i = 0; numbered && i < n && i < room; i++)
		a->report.frames[a->report.n++] = first + i;
	return !a->cut;
}

/* The functions that V8 runs in this frame. False: it is none of V8's, or there is nothing to name it by. */
static bool put_v8_levels(struct answering *a, const struct unwind_frame *f)
{
	struct v8_level levels[V8_LEVELS_MAX];
	struct worker *w = a->worker;
	uint32_t number, index = (uint32_t)(f - w->unwound.frames);
	struct worker_v8 *v8 = a->process ? a->process->v8 : NULL;
	uint32_t n = v8 ? worker_v8_name(v8, a->raw, &w->unwound, index, levels) : 0;

	for (uint32_t i = 0; i < n; i++) {
		bool numbered = worker_number_v8(w, f, &levels[i], &number);
		if (!put_numbers(a, numbered, number, 1))
			break;
	}
	return n;
}

/* In no file, or in one that is no program: .NET maps what it compiles from a file in memory, PHP from /dev/zero. */
static bool may_be_compiled(const struct worker *w, const struct unwind_frame *f)
{
	const struct module *m = idmap_get(&w->modules, f->module);
	return m ? !m->usable : worker_place_of(f) == PLACE_ANONYMOUS;
}

/* What it has written of its code itself goes before what its memory says. */
static bool put_native(struct answering *a, const struct unwind_frame *f)
{
	bool compiled = a->process && may_be_compiled(a->worker, f), numbered;
	size_t len = 0;
	const char *text = compiled ? jit_map_find(&a->process->jit.map, f->pc - !f->exact, &len) : NULL;
	uint32_t first, n = 1;

	if (!text && put_v8_levels(a, f))
		return !a->cut;
	numbered = text ? worker_number_jit(a->worker, f, text, len, &first)
			: worker_number_native(a->worker, f, &first, &n);
	return put_numbers(a, numbered, first, n);
}

static bool answer_put(void *context, const struct joined_frame *f)
{
	struct answering *a = context;
	uint32_t number;

	if (f->native)
		return put_native(a, f->native);
	bool numbered = worker_number_python(a->worker, f, &number);
	return put_numbers(a, numbered, number, 1);
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
			      .raw = raw,
			      .report = {.kind = REPORT_ANSWER,
					 .slot = slot,
					 .state = w->unwound.state,
					 .jit_full = jit_full}};

	if (p && p->v8)
		worker_v8_begin(p->v8, raw);
	if (raw->n_python && p && p->python)
		worker_python_join(p->python, raw, &w->unwound, part_of, answer_put, &a);
	else
		for (uint32_t i = 0; i < w->unwound.n && !a.cut; i++)
			answer_put(&a, &(struct joined_frame){.native = &w->unwound.frames[i]});
	if (a.cut || raw->python_cut)
		a.report.state = STACK_TRUNCATED;
	worker_say(w, &a.report,
		   offsetof(struct report_answer, frames) + a.report.n * sizeof a.report.frames[0]);
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
		memcpy(d->link, m->link.name, sizeof d->link);
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
		if (may_be_compiled(w, &w->unwound.frames[i]))
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
		worker_say(w, &want, sizeof want);
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
		worker_v8_free(p->v8);
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
	worker_end_if_starved(m);
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

static enum v8_find find_v8(struct worker *w, const struct order_python *order, struct worker_v8 *v,
			    uint32_t *version)
{
	enum v8_find state = V8_ABSENT;

	for (uint32_t i = 0; i < PROTOCOL_PYTHONS && order->modules[i] && state == V8_ABSENT; i++) {
		const struct module *m = idmap_get(&w->modules, order->modules[i]);
		if (!m || !m->usable)
			continue;
		w->link.state->module = order->modules[i];
		state = worker_v8_open(v, order->modules[i], &m->elf, version);
	}
	return state;
}

static bool is_among(uint32_t module, const uint32_t modules[PROTOCOL_PYTHONS])
{
	for (uint32_t i = 0; i < PROTOCOL_PYTHONS && modules[i]; i++)
		if (modules[i] == module)
			return true;
	return false;
}

/* Takes the descriptor. Of a process whose maps came anew what is known of its functions stays. */
static enum v8_find take_v8(struct worker *w, struct process *process, const struct order_python *order,
			    int fd, uint32_t *version)
{
	struct worker_v8 *v = process->v8;
	enum v8_find state;

	if (v && is_among(v->module, order->modules)) {
		close(v->names.space.memory);
		v->names.space.memory = fd;
		return V8_FOUND;
	}
	v = worker_v8_new(fd, &w->next_code);
	if (!v)
		_exit(1);
	state = find_v8(w, order, v, version);
	if (state == V8_FOUND) {
		worker_v8_free(process->v8);
		process->v8 = v;
	} else {
		worker_v8_free(v);
	}
	return state;
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
		python_tasks_find(&p->space, &p->tasks);
		worker_python_free(process->python);
		process->python = p;
	} else {
		if (report.state == PYTHON_ABSENT) {
			report.v8_state = take_v8(w, process, order, fd, &report.v8_version);
			p->space.memory = -1;
		}
		worker_python_free(p);
	}
	worker_say(w, &report, sizeof report);
	*w->link.state = (struct worker_state){0};
}

/* Asked anew each time: what an answer says is of the past. */
static void take_tasks(struct worker *w, uint32_t pid)
{
	const struct process *p = idmap_get(&w->processes, pid);
	struct report_tasks report = {.kind = REPORT_TASKS, .pid = pid};
	struct python_task_count count = {0};

	w->link.state->tasks_pid = pid;
	report.known = p && p->python && python_tasks_count(&p->python->space, &p->python->tasks, &count);
	if (report.known) {
		report.n = count.n;
		report.at_least = count.at_least;
	}
	worker_say(w, &report, sizeof report);
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
	case ORDER_TASKS: take_tasks(w, order->order.number); break;
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
	worker_say(&w, &(struct report_lockdown){REPORT_LOCKDOWN, link->lockdown},
		   sizeof(struct report_lockdown));
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
