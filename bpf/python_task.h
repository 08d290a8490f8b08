/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The asyncio task that a stack belongs to, by its name and its coroutine, and the tasks that wait for it, one for the other: copied at the
 * moment of the event, because tasks end. Whatever is not of the type it should be gives no text.
 */
#ifndef LOOPSTALL_BPF_PYTHON_TASK_H
#define LOOPSTALL_BPF_PYTHON_TASK_H

#include "python_space.h"

#define RUNNING_TASKS                                                                                        \
	8 /* newest entries of the dict of running tasks that are looked at: one a loop, and loops are few */
#define PAGE_BYTES  4096 /* the smallest that machines have */
#define SET_PLACES  8
#define SET_REMOVED (~0ULL)

struct set_place {
	__u64 key, hash;
};

static __always_inline bool task_read(const struct lst_python_process *p, __u64 task, struct python_task *to,
				      struct task_struct *other)
{
	if (p->task_awaited != LST_PYTHON_NO_MEMBER)
		return python_read(to, sizeof *to, task + p->task_awaited, other);
	return python_read(&to->coro, sizeof to->coro + sizeof to->name, task + p->task_coro, other);
}

/* Does this task run the outermost coroutine of the stack? */
static __always_inline bool task_runs(const struct lst_python_process *p, const struct python_task *t,
				      __u64 coroutine)
{
	return t->coro &&
	       (p->coro_frame == LST_PYTHON_NO_MEMBER ? t->coro : t->coro + p->coro_frame) == coroutine;
}

#define DICT_ENTRY_BYTES 24
#define DICT_KEYS	 16 /* offset behind the object's head */
#define DICT_VALUE	 16

/* Address of the entries, and how many there are. */
static __always_inline __u64 dict_entries(const struct lst_python_process *p, __u64 dict,
					  struct python_scratch *s, __u64 *n, struct task_struct *other)
{
	__u64 keys = python_word(dict + p->object_bytes + DICT_KEYS, other);

	*n = 0;
	if (!keys || !python_read(&s->keys, sizeof s->keys, keys, other))
		return 0;
	if (p->minor > 10) {
		*n = s->keys.new.n_entries;
		return keys + sizeof s->keys.new + (1ULL << (s->keys.new.log2_index_bytes & 31));
	}
	*n = s->keys.old.n_entries;
	return keys + sizeof s->keys.old +
	       s->keys.old.size * (s->keys.old.size > 0xffff ? 4
				   : s->keys.old.size > 0xff ? 2
							     : 1);
}

/* Up to 3.13 the running tasks of all threads are in one dict; ours is the one whose coroutine is on this stack. */
static __always_inline __u64 task_search(const struct lst_python_process *p, struct python_scratch *s,
					 struct task_struct *other)
{
	__u64 n, entries = dict_entries(p, p->tasks, s, &n, other);

	for (__u32 i = 1; i <= RUNNING_TASKS; i++) {
		if (i > n)
			break;
		__u64 task = python_word(entries + (n - i) * DICT_ENTRY_BYTES + DICT_VALUE, other);
		if (task && task_read(p, task, &s->task, other) && task_runs(p, &s->task, s->coroutine))
			return task;
	}
	return 0;
}

/* --- its texts */

/* The object's first words, all at once: a read costs more than what it reads. Behind a small one memory may end. */
static __always_inline bool object_read(__u64 object, struct python_scratch *s, struct task_struct *other)
{
	__u32 bytes = sizeof s->frame;

	if (!object)
		return false;
	if (python_read(s->frame, bytes, object, other))
		return true;
	bytes = bounded(PAGE_BYTES - (object & (PAGE_BYTES - 1)), sizeof s->frame);
	return python_read(s->frame, bytes, object, other);
}

static __always_inline __u64 object_type(const struct lst_python_process *p, const struct python_scratch *s)
{
	return frame_word(s, p->object_bytes - 8);
}

/* The str that was read, if it is of ASCII characters alone. `bytes`: a power of two. */
static __always_inline void text_copy(const struct lst_python_process *p, const struct python_scratch *s,
				      char *to, const __u32 bytes)
{
	__u64 length = frame_word(s, p->object_bytes), state = frame_word(s, p->string_state);

	if (object_type(p, s) != p->string_type || !(state >> (p->ascii_shift & 31) & 1))
		return;
	for (__u32 i = 0; i < bytes / 8; i++)
		((__u64 *)to)[i] = frame_word(s, p->ascii_data + i * 8);
	to[length < bytes ? length & (bytes - 1) : bytes - 1] = 0;
}

/* The name as bytes, or the number of a task that was not given one (from 3.12 on it is a number until somebody asks). */
static __always_inline void task_name(const struct lst_python_process *p, struct python_scratch *s,
				      struct lst_python_task *to, struct task_struct *other)
{
	if (!object_read(s->task.name, s, other))
		return;
	if (object_type(p, s) == p->int_type) /* type, size and sign, digit */
		to->number = (__u32)frame_word(s, p->object_bytes + 8);
	else
		text_copy(p, s, to->name, sizeof to->name);
}

/* Of the running task a whole stack shows it, as its outermost frame that belongs to a coroutine. */
static __always_inline bool is_on_stack(const struct lst_python_process *p, const struct python_scratch *s,
					const struct lst_python_stack *out)
{
	return out->state == LST_PYTHON_COMPLETE && task_runs(p, &s->task, s->coroutine);
}

/* From 3.11 on the frame is in the coroutine; before, only what the walk has seen of the running one is known. */
static __always_inline __u64 coroutine_code(const struct lst_python_process *p,
					    const struct python_scratch *s, struct task_struct *other)
{
	if (p->coro_frame == LST_PYTHON_NO_MEMBER)
		return s->coroutine_code;
	return python_word(s->task.coro + p->coro_frame + p->frame_code, other) & LST_PYTHON_CODE_MASK;
}

/* Coroutines may be of any type, so whether it has a code object is looked at first. */
static __always_inline void task_coroutine(const struct lst_python_process *p, struct python_scratch *s,
					   struct lst_python_task *to, struct task_struct *other)
{
	__u64 code = coroutine_code(p, s, other);
	__u32 type = p->object_bytes - 8;

	if (!code || !python_read(s->frame, sizeof s->frame, code + type, other) ||
	    frame_word(s, 0) != p->code_type)
		return;
	if (object_read(frame_word(s, p->code_name - type), s, other))
		text_copy(p, s, to->coroutine, sizeof to->coroutine);
}

/* --- who awaits it */

/* One of the set, which is in no order; it has eight places at least, and those are all that is looked at. */
static __always_inline __u64 set_any(const struct lst_python_process *p, __u64 set, struct python_scratch *s,
				     struct task_struct *other)
{
	if (!python_read(&s->set, sizeof s->set, set + p->set_used, other) ||
	    !python_read(s->frame, SET_PLACES * sizeof(struct set_place), s->set.table, other))
		return 0;
	const struct set_place *places = (const void *)s->frame;
	for (__u32 i = 0; i < SET_PLACES; i++)
		if (places[i].key && places[i].hash != SET_REMOVED)
			return places[i].key;
	return 0;
}

static __always_inline __u64 task_awaiter(const struct lst_python_process *p, struct python_scratch *s,
					  struct lst_python_task *to, struct task_struct *other)
{
	__u64 by = s->task.awaited_by;

	if (!by || !s->task.flags[p->awaited_is_set & 7]) {
		to->awaiters = by != 0;
		return by;
	}
	by = set_any(p, by, s, other);
	to->awaiters = s->set.used;
	return by;
}

/* Takes s->next_task down and finds who awaits it. A future has no name, but may stand between a task and who awaits that. */
static __always_inline void task_take(struct lst_python_stack *out, struct python_scratch *s,
				      struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;
	struct lst_python_task *to = &out->tasks[bounded(out->n_tasks, LST_PYTHON_TASKS - 1)];
	bool knows_awaiters = p->task_awaited != LST_PYTHON_NO_MEMBER;
	__u64 task = s->next_task;

	s->next_task = 0;
	to->number = 0;
	to->awaiters = 0;
	to->name[0] = to->coroutine[0] = 0;
	if (!task_read(p, task, &s->task, other))
		return;
	if (!knows_awaiters || s->task.flags[p->awaited_is_task & 7]) {
		task_name(p, s, to, other);
		if (!is_on_stack(p, s, out))
			task_coroutine(p, s, to, other);
	}
	out->n_tasks++;
	if (knows_awaiters)
		s->next_task = task_awaiter(p, s, to, other);
}

/* The same for the thread that runs now, into the buffer at `place`: a function of its own, which the verifier looks at once. */
SEPARATE int python_task_take(__u32 place);

static long python_look_task(__u32 i, void *context)
{
	const struct python_look *look = context;

	(void)i;
	task_take(look->out, look->s, look->other);
	return !look->s->next_task;
}

/* The running task first, then who awaits it, who awaits that one … */
static __always_inline void python_tasks(__u32 place, struct lst_python_stack *out, struct python_scratch *s,
					 struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;

	s->next_task = 0;
	if (p->thread_task != LST_PYTHON_NO_MEMBER)
		s->next_task = python_word(out->thread + p->thread_task, other);
	else if (p->tasks && s->coroutine)
		s->next_task = task_search(p, s, other);
	if (s->next_task && other) {
		struct python_look look = {.out = out, .s = s, .other = other};
		bpf_loop(LST_PYTHON_TASKS, python_look_task, &look, 0);
		return;
	}
	for (__u32 i = 0; i < LST_PYTHON_TASKS && s->next_task; i++)
		python_task_take(place);
}

#endif
