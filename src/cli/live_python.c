/* SPDX-License-Identifier: Apache-2.0 */
/* Python in the live source: which processes run an interpreter, and telling the kernel's walk how that one is laid out. */
#include "cli/live_parts.h"

#include "symbol/python_code.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define GIL_BYTES                                                                                            \
	216 /* of the lock with its condition variables; free-threaded builds have a word more than others */
#define AWAIT_NS       (500 * LIVE_MS) /* symbols of a large interpreter, from a cold disk */
#define AWAIT_STEP_MS  10
#define TASKS_A_SECOND 8192 /* visited, on the average: about 1 ms of the worker */

_Static_assert(PYTHON_NO_MEMBER == LST_PYTHON_NO_MEMBER,
	       "the resolver and the kernel mark missing members alike");
#define MARK_OF(both) (both(0x87654321u, 0x12345678u) == 0xdaa4167u)
_Static_assert(MARK_OF(PYTHON_MARK_BOTH), "and make the same mark of code");
_Static_assert(MARK_OF(LST_PYTHON_MARK_BOTH), "and make the same mark of code");

struct followed_python {
	bool answered;
	bool complete; /* nothing is missing that a later look could find */
	uint64_t gil;  /* 0 unknown */
	bool is_readable;
	uint64_t tasks; /* that are not done; 0: none, or not told since they were last taken */
	bool tasks_at_least;
	bool tasks_are_linked;	/* each is visited when they are counted */
	uint32_t pause;		/* seconds until they are asked for again */
	uint32_t loops, teller; /* of the process, and the one that they are told with */
};

static void layout_fill(struct lst_python_process *p, const struct resolver_python *found)
{
	const struct python_offsets *o = found->offsets;

	*p = (struct lst_python_process){
		.runtime = found->runtime,
		.runtime_interpreters = o->runtime_interpreters,
		.interp_next = o->interp_next,
		.interp_threads = o->interp_threads,
		.interp_gc = o->interp_gc,
		.thread_next = o->thread_next,
		.thread_id = o->thread_id,
		.thread_interp = o->thread_interp,
		.thread_frame = o->thread_frame,
		.cframe_frame = o->cframe_frame,
		.frame_bytes = o->frame_bytes,
		.frame_previous = o->frame_previous,
		.frame_code = o->frame_code,
		.frame_instr = o->frame_instr,
		.frame_locals = o->frame_locals,
		.frame_owner = o->frame_owner,
		.frame_entry = o->frame_entry,
		.code_mark = o->code_number != PYTHON_NO_MEMBER ? o->code_number : o->code_lines,
		.code_mark_too = o->code_number != PYTHON_NO_MEMBER ? LST_PYTHON_NO_MEMBER : o->code_file,
		.minor = o->minor,
		.runtime_gc = o->runtime_gc,
		.runtime_gil = o->runtime_gil,
		.interp_gil = o->interp_gil,
		.gil_switch = o->free_threaded,
		.thread_state = o->thread_state,
		.thread_task = o->thread_task,
		.task_coro = o->task_coro,
		.coro_frame = o->coro_frame,
		.object_bytes = o->object_size,
		.string_state = o->string_state,
		.ascii_data = o->ascii_data,
		.ascii_shift = o->ascii_shift,
		.oldest_thread = found->oldest_thread,
		.tasks = found->tasks,
		.string_type = found->string_type,
		.int_type = found->int_type,
		.code_type = found->code_type,
		.code_name = o->code_qualname != PYTHON_NO_MEMBER ? o->code_qualname : o->code_name,
		.task_awaited = o->task_awaited,
		.awaited_is_task = o->task_is_task - o->task_awaited - sizeof(uint64_t),
		.awaited_is_set = o->task_awaited_is_set - o->task_awaited - sizeof(uint64_t),
		.set_used = o->set_used,
		.frame_copy = o->frame_copy,
		.code_copies = o->code_copies,
		.code_instructions = o->code_instructions,
	};
}

static void python_found(void *context, const struct resolver_python *found)
{
	struct live_source *s = context;
	struct followed_python *f = idmap_get(&s->pythons, found->pid);
	struct lst_python_process p;

	if (!f)
		return;
	f->answered = true;
	if (found->refused) {
		f->complete = true;
		fprintf(stderr, "loopstall: no Python names for process %u: %s\n", found->pid,
			found->refused);
	}
	if (found->v8_refused) {
		f->complete = true;
		fprintf(stderr,
			"loopstall: no JavaScript names for process %u: V8 %u.%u %s; start it with "
			"--perf-basic-prof "
			"--interpreted-frames-native-stack\n",
			found->pid, found->v8_version / 100, found->v8_version % 100, found->v8_refused);
	}
	if (!found->offsets)
		return;
	f->is_readable = true;
	f->tasks_are_linked = found->offsets->thread_tasks != PYTHON_NO_MEMBER;
	f->gil = found->gil;
	/* Without a thread it has only just begun, and without asyncio's tasks that may still be imported. */
	f->complete =
		found->oldest_thread && (found->tasks || found->offsets->task_awaited != PYTHON_NO_MEMBER);
	layout_fill(&p, found);
	capture_python(s->capture, found->pid, &p);
}

void python_follow(struct live_source *s, uint32_t pid)
{
	struct followed_python *f = idmap_get(&s->pythons, pid);

	if (f && (f->complete || !f->answered))
		return;
	if (!f) {
		f = calloc(1, sizeof *f);
		if (!f || !idmap_put(&s->pythons, pid, f)) {
			free(f);
			return;
		}
	}
	f->answered = resolver_python_find(s->resolver, pid, python_found, s) != 0;
}

static bool is_awaited(const struct live_source *s)
{
	size_t at = 0;
	for (const struct followed_python *f; (f = idmap_next(&s->pythons, &at, NULL));)
		if (!f->answered)
			return true;
	return false;
}

void pythons_await(struct live_source *s)
{
	uint64_t until = kernel_now_ns() + AWAIT_NS;

	while (is_awaited(s) && kernel_now_ns() < until) {
		struct pollfd p = {.fd = resolver_fd(s->resolver), .events = POLLIN};
		poll(&p, 1, AWAIT_STEP_MS);
		resolver_receive(s->resolver, kernel_now_ns());
	}
}

void python_forget(struct live_source *s, uint32_t pid)
{
	struct followed_python *f = idmap_take(&s->pythons, pid);
	if (!f)
		return;
	free(f);
	capture_python(s->capture, pid, NULL);
}

void python_free(struct live_source *s)
{
	size_t at = 0;
	for (struct followed_python *f; (f = idmap_next(&s->pythons, &at, NULL));)
		free(f);
	idmap_free(&s->pythons);
}

bool python_is_gil(const struct live_source *s, uint32_t pid, uint64_t address)
{
	const struct followed_python *f = idmap_get(&s->pythons, pid);
	return f && f->gil && address - f->gil < GIL_BYTES;
}

static const char *task_name(struct live_source *s, const struct lst_python_task *task)
{
	char text[40];

	if (!task->number)
		return live_text(s, task->name, sizeof task->name);
	snprintf(text, sizeof text, "Task-%llu", (unsigned long long)task->number);
	return live_text(s, text, sizeof text);
}

static const char *task_coroutine(struct live_source *s, const struct lst_python_task *task)
{
	return live_text(s, task->coroutine, sizeof task->coroutine);
}

struct fact_task python_task(struct live_source *s, const struct lst_python_stack *python)
{
	struct fact_task to = {.name = "", .coroutine = ""};

	_Static_assert(LST_PYTHON_TASKS - 1 <= FACT_MAX_AWAITERS, "who awaits a task fits the fact");
	if (!python->n_tasks)
		return to;
	to.cut = python->n_tasks >= LST_PYTHON_TASKS && python->tasks[LST_PYTHON_TASKS - 1].awaiters;
	to.name = task_name(s, &python->tasks[0]);
	to.coroutine = task_coroutine(s, &python->tasks[0]);
	for (uint32_t i = 1; i < LST_PYTHON_TASKS && i < python->n_tasks; i++) {
		const struct lst_python_task *task = &python->tasks[i];
		struct awaiter awaiter = {task_name(s, task), task_coroutine(s, task),
					  python->tasks[i - 1].awaiters - 1};
		if (awaiter.task[0] || awaiter.coroutine[0]) /* a future has neither */
			to.awaiters[to.n_awaiters++] = awaiter;
	}
	return to;
}

/* --- how many tasks */

/* It is not known whose they are, so the oldest loop of a process tells of all. */
void tasks_share(struct live_source *s)
{
	size_t at = 0;
	for (struct followed_python *f; (f = idmap_next(&s->pythons, &at, NULL));)
		f->loops = f->teller = 0;
	for (uint32_t i = 0; i < s->max_loops; i++) {
		const struct followed *l = &s->loops[i];
		struct followed_python *f = l->id ? idmap_get(&s->pythons, l->fact.pid) : NULL;
		if (!f || l->fact.class == LOOP_SLAVE)
			continue;
		f->loops++;
		if (!f->teller || l->id < f->teller)
			f->teller = l->id;
	}
}

static void tasks_counted(void *context, uint32_t pid, uint64_t n, bool at_least)
{
	const struct live_source *s = context;
	struct followed_python *f = idmap_get(&s->pythons, pid);

	if (!f)
		return;
	f->tasks = n;
	f->tasks_at_least = at_least;
	f->pause = f->tasks_are_linked ? (uint32_t)(n / TASKS_A_SECOND) : 0;
}

void tasks_count(struct live_source *s, struct fact_counts *c, uint32_t pid)
{
	struct followed_python *f = idmap_get(&s->pythons, pid);

	if (!f || !f->is_readable || f->teller != c->loop)
		return;
	if (f->tasks) {
		c->tasks = f->tasks;
		c->tasks_at_least = f->tasks_at_least;
		c->tasks_loops = f->loops;
	}
	f->tasks = 0;
	if (f->pause) {
		f->pause--;
		return;
	}
	resolver_count_tasks(s->resolver, pid, tasks_counted, s);
}
