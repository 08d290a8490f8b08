/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of one behaviour each share: a thread with a loop, time that passes, records that were sent. */
#ifndef LOOPSTALL_TESTS_BPF_SCENE_H
#define LOOPSTALL_TESTS_BPF_SCENE_H

#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TGID	  100
#define TID	  100
#define OTHER_TID 101
#define LOOP_FD	  3
#define OBJECT	  0x10000
#define LOOP_SLOT 0 /* the first */

/* A process with one loop, its thread about to wait. */
static inline struct task_struct *scene_begin(const struct machine_size *size)
{
	machine_start(size);
	struct task_struct *t = task_new(TGID, TID, "server");
	task_opens_epoll(t, LOOP_FD, OBJECT);
	return t;
}

/* Wherever it lies: who comes second to a new one gives the slot back that it had taken first. */
static inline const struct lst_loop *the_loop(void)
{
	for (uint32_t slot = 0; slot < 16; slot++)
		if (machine_loop(slot)->state == LST_SLOT_LIVE)
			return machine_loop(slot);
	return NULL;
}

static inline void sleeps(struct task_struct *t, uint64_t ns)
{
	task_off(t, OFF_BLOCKED);
	machine_pass(ns);
	task_woken(t, NULL);
	task_on(t);
}

/* Waits without a timeout, sleeps for 1 ms, comes back with one event. */
static inline void waits_once(struct task_struct *t)
{
	task_waits(t, LOOP_FD, -1);
	sleeps(t, 1 * MS);
	task_returns(t, 1);
}

static inline void blocks_in(struct task_struct *t, uint32_t nr, uint64_t first, uint64_t ns)
{
	task_calls(t, nr, first, 0);
	sleeps(t, ns);
	task_in_user_mode(t);
}

/* Takes records until one of this kind; false if there is none. */
static inline bool next_record(uint32_t kind, void *record, size_t bytes)
{
	uint32_t got;
	while ((got = machine_record(record, bytes)))
		if (got == kind)
			return true;
	return false;
}

static inline bool next_stall(struct lst_stall_record *r)
{
	return next_record(LST_RECORD_STALL, r, sizeof *r);
}

static inline uint64_t ledger_sum(const struct lst_ledger *l)
{
	return l->cpu_ns + l->blocked_ns + l->runnable_ns + l->stopped_ns;
}

static inline uint32_t hist_count(const struct lst_hist *h)
{
	uint32_t n = 0;
	for (int i = 0; i < LST_HIST_BUCKETS; i++)
		n += h->count[i];
	return n;
}

#endif
