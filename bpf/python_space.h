/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A Python process as the programs see it: where members lie, which user space has told by version, and what has been read of its memory.
 * Knows how to read of the thread that runs now and of one that sleeps; nothing of what it reads.
 */
#ifndef LOOPSTALL_BPF_PYTHON_SPACE_H
#define LOOPSTALL_BPF_PYTHON_SPACE_H

#include "regs.h"

#define PYTHON_WORDS 16 /* of an object that are read at once */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* tgid */
	__type(value, struct lst_python_process);
} python_processes SEC(".maps");

/* Of a task, from who awaits it on, which is kept since 3.14; before, only the last two. Of a future, only the first two. */
struct python_task {
	__u64 awaited_by;
	__u8 flags[8];
	__u64 between[2];
	__u64 coro, name;
};

/* Of a set: entries in use, mask, table of keys with their hash. */
struct python_set {
	__u64 used, mask, table;
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
	__u64 frame[PYTHON_WORDS];
	struct lst_python_process process;
	__u64 pointer;			 /* of the thread that is looked for: its thread pointer */
	__u64 thread, interp;		 /* where the search for its state goes on */
	__u64 next;			 /* frame to go on with */
	__u64 coroutine, coroutine_code; /* the outermost one met */
	__u32 steps;			 /* frames walked */
	__u32 pad;
	__u64 next_task; /* to go on with */
	struct python_task task;
	struct python_set set;
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

/*
 * What is read of a thread that sleeps, step by step: the verifier looks at a step once. For the thread that runs now such steps are
 * functions of their own, which no task can be given to; what reads of another one is younger than bpf_loop().
 */
struct python_look {
	struct lst_python_stack *out;
	struct python_scratch *s;
	struct task_struct *other;
	__u32 state;
};

/* Members lie within LST_PYTHON_FRAME_BYTES: the mask only tells the verifier. */
static __always_inline __u64 frame_word(const struct python_scratch *s, __u16 offset)
{
	return s->frame[(offset >> 3) & (PYTHON_WORDS - 1)];
}

static __always_inline __u64 frame_byte(const struct python_scratch *s, __u16 offset)
{
	return ((const __u8 *)s->frame)[offset & 127];
}
#endif
