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

#include "regs.h"

#define PYTHON_OWNED_BY_COROUTINE 1
#define PYTHON_TASKS                                                                                         \
	8 /* newest entries of the dict of running tasks that are looked at: one a loop, and loops are few */
#define PYTHON_NAME_BYTES 56  /* head of a str, with the longer head of objects without a GIL */
#define PYTHON_STRIDE	  16  /* of them that the verifier follows one after the other */
#define PYTHON_STEPS	  128 /* frames walked; what is kept is LST_PYTHON_FRAMES of them */
#define PYTHON_SEARCH                                                                                        \
	64 /* thread states and interpreters looked at in one search, which the next stack goes on with */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* tgid */
	__type(value, struct lst_python_process);
} python_processes SEC(".maps");

/* A task's coroutine and name lie side by side. */
struct python_task {
	__u64 coro, name;
};

/* The head of a dict's keys; entries of three words (hash, key, value) lie behind a table of indices. */
struct dict_keys_310 {
	__s64 refcnt, size;
	__u64 lookup;
	__s64 usable, n_entries;
};

struct dict_keys_311 {
	__s64 refcnt;
	__u8 log2_size, log2_index_bytes, kind, pad;
	__u32 version;
	__s64 usable, n_entries;
};

/* What is read, in a map's value: the stack has no room for it, and offsets into a frame vary, which old verifiers allow nowhere else. */
struct python_scratch {
	__u64 frame[LST_PYTHON_FRAME_BYTES / 8 + 2];
	struct lst_python_process process;
	__u64 next;	 /* frame to go on with */
	__u64 coroutine; /* the outermost one met */
	__u32 steps;	 /* frames walked */
	__u32 pad;
	struct python_task task;
	union {
		struct dict_keys_310 old;
		struct dict_keys_311 new;
	} keys;
};

/* Reads the thread that runs now, or with `other` one that sleeps (from programs that may sleep themselves). */
static __always_inline bool python_read(void *to, __u32 bytes, __u64 from, struct task_struct *other)
{
	if (other)
		return !bpf_copy_from_user_task(to, bytes, (void *)from, other, 0);
	return !bpf_probe_read_user(to, bytes, (void *)from);
}

static __always_inline __u64 python_word(__u64 from, struct task_struct *other)
{
	__u64 word = 0;
	python_read(&word, sizeof word, from, other);
	return word;
}

static __always_inline bool thread_is(const struct lst_python_process *p, __u64 thread, __u64 self,
				      struct task_struct *other)
{
	return thread && python_word(thread + p->thread_id, other) == self;
}

/* From where the last search left off: the newest thread is the first in its list, and loops are older than their helpers. */
static __always_inline __u64 thread_search(const struct lst_python_process *p, __u64 self,
					   struct lst_thread *t, struct task_struct *other)
{
	__u64 thread = t ? t->python_next_thread : 0;
	__u64 interp =
		thread ? t->python_next_interp : python_word(p->runtime + p->runtime_interpreters, other);
	for (__u32 i = 0; i < PYTHON_SEARCH; i++) {
		if (thread) {
			if (python_word(thread + p->thread_id, other) == self)
				return thread;
			thread = python_word(thread + p->thread_next, other);
		} else {
			if (!interp)
				break;
			thread = python_word(interp + p->interp_threads, other);
			interp = python_word(interp + p->interp_next, other);
		}
	}
	if (t) {
		t->python_next_thread = thread;
		t->python_next_interp = interp;
	}
	return 0;
}

/* The thread state whose thread_id is this thread's pthread_self(); native ids are those of a namespace and may mean another one. */
static __always_inline __u64 python_thread(const struct lst_python_process *p, __u64 self,
					   struct lst_thread *t, struct task_struct *other)
{
	__u64 known = t ? t->python_thread : 0;

	if (!thread_is(p, known, self, other)) {
		known = p->oldest_thread;
		if (!thread_is(p, known, self, other))
			known = thread_search(p, self, t, other);
	}
	if (t)
		t->python_thread = known;
	return known;
}

/* Members lie within LST_PYTHON_FRAME_BYTES: the mask only tells the verifier. */
static __always_inline __u64 frame_word(const struct python_scratch *s, __u16 offset)
{
	return s->frame[(offset >> 3) & 15];
}

static __always_inline __u64 frame_byte(const struct python_scratch *s, __u16 offset)
{
	return ((const __u8 *)s->frame)[offset & 127];
}

/* Of a frame that a coroutine runs in, what tells the coroutine: up to 3.10 the object, later the frame's own address. */
static __always_inline __u64 frame_coroutine(const struct lst_python_process *p,
					     const struct python_scratch *s, __u64 frame)
{
	if (p->coro_frame == LST_PYTHON_NO_MEMBER)
		return frame_word(s, p->frame_owner);
	return frame_byte(s, p->frame_owner) == PYTHON_OWNED_BY_COROUTINE ? frame : 0;
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
		if (coroutine)
			s->coroutine = coroutine;
		frame = frame_word(s, p->frame_previous);
		if (i >= LST_PYTHON_FRAMES)
			continue; /* only to find the outermost coroutine */
		struct lst_python_frame *to = &out->frames[bounded(i, LST_PYTHON_FRAMES - 1)];
		__u64 code = frame_word(s, p->frame_code) & LST_PYTHON_CODE_MASK;
		to->code = code | (frame_byte(s, p->frame_entry) & 1) << LST_PYTHON_ENTRY_SHIFT |
			   frame_byte(s, p->frame_owner) << LST_PYTHON_OWNER_SHIFT;
		to->instr = frame_word(s, p->frame_instr) - (p->minor > 10 ? code : 0);
		to->lines = 0;
		if (frame_word(s, p->frame_locals))
			python_read(&to->lines, sizeof to->lines, code + p->code_lines, other);
		out->n = i + 1;
	}
	s->steps = i;
	s->next = frame;
	return LST_PYTHON_STATES;
}

/* The thread that runs now, into the buffer at `place`: a function of its own, which the verifier looks at once for the whole walk. */
SEPARATE int python_walk_on(__u32 place);

static __always_inline __u32 python_walk(__u32 place, struct lst_python_stack *out, struct python_scratch *s,
					 struct task_struct *other)
{
	for (__u32 i = 0; i < PYTHON_STEPS / PYTHON_STRIDE; i++) {
		__u32 state = other ? python_walk_some(out, s, other) : (__u32)python_walk_on(place);
		if (state != LST_PYTHON_STATES)
			return state;
	}
	return LST_PYTHON_TRUNCATED;
}

/* Two members of the lock that lie side by side, in all versions at the same place. */
struct python_gil {
	__u64 last_holder;
	__s32 locked, switches;
};
#define PYTHON_GIL_LAST_HOLDER 8

static __always_inline __u32 python_gil(const struct lst_python_process *p, __u64 thread, __u64 interp,
					struct task_struct *other)
{
	struct python_gil gil;
	__u64 at = p->runtime + p->runtime_gil;

	if (p->runtime_gil == LST_PYTHON_NO_MEMBER) {
		if (p->interp_gil == LST_PYTHON_NO_MEMBER)
			return LST_GIL_UNKNOWN;
		at = python_word(interp + p->interp_gil, other);
	}
	if (!at || !python_read(&gil, sizeof gil, at + PYTHON_GIL_LAST_HOLDER, other))
		return LST_GIL_UNKNOWN;
	return gil.locked && gil.last_holder == thread ? LST_GIL_HELD : LST_GIL_RELEASED;
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

static __always_inline bool task_read(const struct lst_python_process *p, __u64 task, struct python_task *to,
				      struct task_struct *other)
{
	return task && python_read(to, sizeof *to, task + p->task_coro, other);
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
static __always_inline bool task_search(const struct lst_python_process *p, struct python_scratch *s,
					struct task_struct *other)
{
	__u64 n, entries = dict_entries(p, p->tasks, s, &n, other);

	for (__u32 i = 1; i <= PYTHON_TASKS; i++) {
		if (i > n)
			break;
		__u64 task = python_word(entries + (n - i) * DICT_ENTRY_BYTES + DICT_VALUE, other);
		if (task_read(p, task, &s->task, other) && task_runs(p, &s->task, s->coroutine))
			return true;
	}
	return false;
}

/* The name as bytes, or the number of a task that was not given one (from 3.12 on it is a number until somebody asks). */
static __always_inline void task_name(const struct lst_python_process *p, __u64 name,
				      struct python_scratch *s, struct lst_python_stack *out,
				      struct task_struct *other)
{
	const struct python_scratch *head = s;

	/* Of a str: type, length, hash, state; of an int: type, size and sign, digit. */
	if (!python_read(s->frame, PYTHON_NAME_BYTES, name, other))
		return;
	if (frame_word(head, p->object_bytes - 8) != p->string_type) {
		out->task_number = (__u32)frame_word(head, p->object_bytes + 8);
		return;
	}
	__u64 length = frame_word(head, p->object_bytes), state = frame_word(head, p->string_state);
	if (!(state >> (p->ascii_shift & 31) & 1))
		return;
	python_read(out->task, sizeof out->task, name + p->ascii_data, other);
	out->task[length < sizeof out->task ? length & (sizeof out->task - 1) : sizeof out->task - 1] = 0;
}

static __always_inline void python_task(const struct lst_python_process *p, struct python_scratch *s,
					struct lst_python_stack *out, struct task_struct *other)
{
	bool found;

	if (p->thread_task != LST_PYTHON_NO_MEMBER)
		found = task_read(p, python_word(out->thread + p->thread_task, other), &s->task, other);
	else
		found = p->tasks && s->coroutine && task_search(p, s, other);
	if (found)
		task_name(p, s->task.name, s, out, other);
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
	out->collecting = out->walk_ns = out->gil = out->pad = 0;
	out->task[0] = 0;
	out->task_number = s->coroutine = 0;
	out->thread = python_thread(p, thread_pointer(task), t, other);
	out->state = LST_PYTHON_NO_THREAD;
	if (!out->thread)
		return;
	__u64 frame = python_word(out->thread + p->thread_frame, other);
	if (frame && p->cframe_frame != LST_PYTHON_NO_MEMBER)
		frame = python_word(frame + p->cframe_frame, other);
	python_runtime_read(p, out, other);
	s->process = *p;
	s->next = frame;
	s->steps = 0;
	out->state = python_walk(place, out, s, other);
	python_task(p, s, out, other);
	out->walk_ns = bpf_ktime_get_ns() - begin;
}

#endif
