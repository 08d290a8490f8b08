/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The Python stack of a thread, walked at the moment of the event: a tick later it is another one. Knows where members lie only from
 * `python_processes`, which user space fills by version; turns nothing into names.
 *
 * The walk has no branches that count: frame n of the result is step n, whatever kind of frame it is, and user space leaves out the
 * interpreter's own. With a counter that some paths raise, the verifier has to follow each path on its own. And it follows each step of a
 * loop on its own, which took most of a start: so the walk is a function of few steps, called until it is done.
 */
#ifndef LOOPSTALL_BPF_PYTHON_H
#define LOOPSTALL_BPF_PYTHON_H

#include "python_task.h"

#define PYTHON_OWNED_BY_COROUTINE 1
#define PYTHON_STRIDE		  4   /* frames that the verifier follows one after the other */
#define PYTHON_STEPS		  128 /* frames walked; what is kept is LST_PYTHON_FRAMES of them */
#define PYTHON_SEARCH_STRIDE	  8
#define PYTHON_SEARCH                                                                                        \
	64 /* thread states and interpreters looked at in one search, which the next stack goes on with */

static __always_inline bool thread_is(const struct lst_python_process *p, __u64 thread, __u64 pointer,
				      struct task_struct *other)
{
	return thread && pointer - python_word(thread + p->thread_id, other) <= PTHREAD_BELOW;
}

enum python_search { SEARCH_GOES_ON, SEARCH_FOUND, SEARCH_ENDED };

static __always_inline __u32 thread_search_some(struct python_scratch *s, struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;
	__u64 thread = s->thread, interp = s->interp;
	__u32 found = SEARCH_GOES_ON;

	for (__u32 i = 0; i < PYTHON_SEARCH_STRIDE && found == SEARCH_GOES_ON; i++) {
		if (thread) {
			if (thread_is(p, thread, s->pointer, other))
				found = SEARCH_FOUND;
			else
				thread = python_word(thread + p->thread_next, other);
		} else if (interp) {
			thread = python_word(interp + p->interp_threads, other);
			interp = python_word(interp + p->interp_next, other);
		} else {
			found = SEARCH_ENDED;
		}
	}
	s->thread = thread;
	s->interp = interp;
	return found;
}

/* As python_walk_on(). */
SEPARATE int python_search_on(__u32 place);

static long python_look_search(__u32 i, void *context)
{
	struct python_look *look = context;

	(void)i;
	look->state = thread_search_some(look->s, look->other);
	return look->state != SEARCH_GOES_ON;
}

/* From where the last search left off: the newest thread is the first in its list, and loops are older than their helpers. */
static __always_inline __u64 thread_search(__u32 place, struct python_scratch *s, struct lst_thread *t,
					   struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;
	struct python_look look = {.s = s, .other = other, .state = SEARCH_GOES_ON};

	s->thread = t ? t->python_next_thread : 0;
	s->interp =
		s->thread ? t->python_next_interp : python_word(p->runtime + p->runtime_interpreters, other);
	if (other)
		bpf_loop(PYTHON_SEARCH / PYTHON_SEARCH_STRIDE, python_look_search, &look, 0);
	for (__u32 i = 0; i < PYTHON_SEARCH / PYTHON_SEARCH_STRIDE && !other; i++) {
		look.state = python_search_on(place);
		if (look.state != SEARCH_GOES_ON)
			break;
	}
	if (look.state == SEARCH_FOUND)
		return s->thread;
	if (t) {
		t->python_next_thread = s->thread;
		t->python_next_interp = s->interp;
	}
	return 0;
}

/*
 * The thread state whose thread_id is this thread's pthread_self(), told by the thread pointer; native ids are those of a namespace and may
 * mean another one.
 */
static __always_inline __u64 python_thread(__u32 place, struct python_scratch *s, struct lst_thread *t,
					   struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;
	__u64 known = t ? t->python_thread : 0;

	if (!thread_is(p, known, s->pointer, other)) {
		known = p->oldest_thread;
		if (!thread_is(p, known, s->pointer, other))
			known = thread_search(place, s, t, other);
	}
	if (t)
		t->python_thread = known;
	return known;
}

/* Of a frame that a coroutine runs in, what tells the coroutine: up to 3.10 the object, later the frame's own address. */
static __always_inline __u64 frame_coroutine(const struct lst_python_process *p,
					     const struct python_scratch *s, __u64 frame)
{
	if (p->coro_frame == LST_PYTHON_NO_MEMBER)
		return frame_word(s, p->frame_owner);
	return frame_byte(s, p->frame_owner) == PYTHON_OWNED_BY_COROUTINE ? frame : 0;
}

#define COPIES_FIRST 8 /* of the table of copies, behind their number */

/* What the address of the instruction is told from: as if the thread's own copy of the code were where the object has it. */
static __always_inline __u64 frame_code_base(const struct lst_python_process *p,
					     const struct python_scratch *s, __u64 code,
					     struct task_struct *other)
{
	__u32 copy = p->frame_copy ? frame_word(s, p->frame_copy) >> (p->frame_copy & 4) * 8 : 0;

	if (!copy)
		return code;
	__u64 copies = python_word(code + p->code_copies, other);
	return python_word(copies + COPIES_FIRST + copy * 8ULL, other) - p->code_instructions;
}

/* What tells a code object from another one in its place; 0 where it could not be read. */
static __always_inline __u32 code_mark(const struct lst_python_process *p, __u64 code,
				       struct task_struct *other)
{
	__u32 mark = 0, file = 0;

	python_read(&mark, sizeof mark, code + p->code_mark, other);
	if (p->code_mark_too == LST_PYTHON_NO_MEMBER)
		return mark;
	python_read(&file, sizeof file, code + p->code_mark_too, other);
	return LST_PYTHON_MARK_BOTH(mark, file);
}

/* LST_PYTHON_STATES while there is more to walk. */
static __always_inline __u32 python_walk_some(struct lst_python_stack *out, struct python_scratch *s,
					      struct task_struct *other)
{
	const struct lst_python_process *p = &s->process;
	__u32 i = s->steps, bytes = p->frame_bytes;
	__u64 frame = s->next;

	if (bytes > LST_PYTHON_FRAME_BYTES)
		return LST_PYTHON_BROKEN;
	for (__u32 step = 0; step < PYTHON_STRIDE; step++, i++) {
		if (!frame)
			return i > LST_PYTHON_FRAMES ? LST_PYTHON_TRUNCATED : LST_PYTHON_COMPLETE;
		if (!python_read(s->frame, bytes, frame, other))
			return LST_PYTHON_BROKEN;
		__u64 coroutine = frame_coroutine(p, s, frame);
		__u64 code = frame_word(s, p->frame_code) & LST_PYTHON_CODE_MASK;
		if (coroutine) {
			s->coroutine = coroutine;
			s->coroutine_code = code;
		}
		frame = frame_word(s, p->frame_previous);
		if (i >= LST_PYTHON_FRAMES)
			continue; /* only to find the outermost coroutine */
		struct lst_python_frame *to = &out->frames[bounded(i, LST_PYTHON_FRAMES - 1)];
		to->code = code | (frame_byte(s, p->frame_entry) & 1) << LST_PYTHON_ENTRY_SHIFT |
			   frame_byte(s, p->frame_owner) << LST_PYTHON_OWNER_SHIFT;
		to->instr = frame_word(s, p->frame_instr) -
			    (p->minor > 10 ? frame_code_base(p, s, code, other) : 0);
		to->mark = frame_word(s, p->frame_locals) ? code_mark(p, code, other) : 0;
		out->n = i + 1;
	}
	s->steps = i;
	s->next = frame;
	return LST_PYTHON_STATES;
}

/* The thread that runs now, into the buffer at `place`: a function of its own, which the verifier looks at once for the whole walk. */
SEPARATE int python_walk_on(__u32 place);

static long python_look_walk(__u32 i, void *context)
{
	struct python_look *look = context;

	(void)i;
	look->state = python_walk_some(look->out, look->s, look->other);
	return look->state != LST_PYTHON_STATES;
}

static __always_inline __u32 python_walk(__u32 place, struct lst_python_stack *out, struct python_scratch *s,
					 struct task_struct *other)
{
	struct python_look look = {.out = out, .s = s, .other = other, .state = LST_PYTHON_STATES};

	if (other)
		bpf_loop(PYTHON_STEPS / PYTHON_STRIDE, python_look_walk, &look, 0);
	for (__u32 i = 0; i < PYTHON_STEPS / PYTHON_STRIDE && !other; i++) {
		look.state = python_walk_on(place);
		if (look.state != LST_PYTHON_STATES)
			break;
	}
	return look.state == LST_PYTHON_STATES ? LST_PYTHON_TRUNCATED : look.state;
}

/* The lock's first words. What free-threaded builds have in front of them is the switch that an extension or an option turns on. */
struct python_gil {
	__u64 enabled, interval, last_holder, locked;
};

#define PYTHON_SUSPENDED 2

static __always_inline bool is_suspended(const struct lst_python_process *p, __u64 thread,
					 struct task_struct *other)
{
	__u32 state = 0;

	return p->thread_state && python_read(&state, sizeof state, thread + p->thread_state, other) &&
	       state == PYTHON_SUSPENDED;
}

static __always_inline __u32 python_gil(const struct lst_python_process *p, __u64 thread, __u64 interp,
					struct task_struct *other)
{
	struct python_gil gil = {.enabled = 1};
	__u64 at = p->runtime + p->runtime_gil;
	bool has_switch = p->gil_switch;

	if (p->runtime_gil == LST_PYTHON_NO_MEMBER) {
		if (p->interp_gil == LST_PYTHON_NO_MEMBER)
			return LST_GIL_UNKNOWN;
		at = python_word(interp + p->interp_gil, other);
	}
	if (!at || !(has_switch ? python_read(&gil, sizeof gil, at, other)
				: python_read(&gil.interval, sizeof gil - sizeof gil.enabled, at, other)))
		return LST_GIL_UNKNOWN;
	if (!(__u32)gil.enabled)
		return is_suspended(p, thread, other) ? LST_GIL_STOPPED : LST_GIL_UNKNOWN;
	return (__u32)gil.locked && gil.last_holder == thread ? LST_GIL_HELD : LST_GIL_RELEASED;
}

static __always_inline void python_runtime_read(const struct lst_python_process *p,
						struct lst_python_stack *out, struct task_struct *other)
{
	__u64 interp = python_word(out->thread + p->thread_interp, other);

	if (p->runtime_gc != LST_PYTHON_NO_MEMBER)
		python_read(&out->collecting, sizeof out->collecting, p->runtime + p->runtime_gc, other);
	else
		python_read(&out->collecting, sizeof out->collecting, interp + p->interp_gc, other);
	out->gil = python_gil(p, out->thread, interp, other);
}

/* Leaves out->n 0 for what is not Python. `t` remembers the thread's state, NULL: searched for. */
static __always_inline void python_capture(struct task_struct *task, struct lst_thread *t,
					   struct lst_python_stack *out, struct python_scratch *s,
					   struct task_struct *other, __u32 place)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	const struct lst_python_process *p = bpf_map_lookup_elem(&python_processes, &tgid);

	out->n = 0;
	if (!p)
		return;
	__u64 begin = bpf_ktime_get_ns();
	out->collecting = out->walk_ns = out->gil = out->n_tasks = 0;
	s->coroutine = s->coroutine_code = 0;
	s->process = *p;
	s->pointer = thread_pointer(task);
	out->thread = python_thread(place, s, t, other);
	out->state = LST_PYTHON_NO_THREAD;
	if (!out->thread)
		return;
	__u64 frame = python_word(out->thread + p->thread_frame, other);
	if (frame && p->cframe_frame != LST_PYTHON_NO_MEMBER)
		frame = python_word(frame + p->cframe_frame, other);
	python_runtime_read(p, out, other);
	s->next = frame;
	s->steps = 0;
	out->state = python_walk(place, out, s, other);
	python_tasks(place, out, s, other);
	out->walk_ns = bpf_ktime_get_ns() - begin;
}

#endif
