/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins stacks to the stalls they belong to. Stacks arrive before the stall record of their gap and get their
 * names later still, in any order; a stall is held until all its stacks are named or its patience is over,
 * and stalls leave in the order they came.
 *
 *	stack seen       attribution_sample()    expected, by gap
 *	stack named      attribution_resolved()  counted in its gap
 *	stall seen       attribution_stall()     held, then ready(): samples, block stacks, coverage, verdict, culprit, cause
 *	gap ended short  attribution_closed()    its stacks are dropped, or collected if the loop is saturated
 *
 * Loops are fact loop numbers; a gap is (loop, gap_seq). No clock: every call that can end a wait is told the
 * time, any monotonic one. Memory is bounded: per gap in unnamed and distinct stacks, over all in gaps and
 * held stalls; what goes over is counted.
 */
#ifndef LOOPSTALL_MODEL_ATTRIBUTION_H
#define LOOPSTALL_MODEL_ATTRIBUTION_H

#include "model/dictionary.h"
#include "model/fact.h"

struct attribution;

enum attribution_why {
	ATTRIBUTION_SAMPLE, /* on CPU inside the gap, or where a stuck thread was found without a block */
	ATTRIBUTION_BLOCK,  /* a block's stack: found by seq */
	ATTRIBUTION_WAKER,  /* of the thread that ended a block: found by waker_tid and block */
};

struct attribution_stack {
	enum attribution_why why;
	uint64_t cookie; /* unique among unanswered stacks */
	uint32_t tid;	 /* owner of the gap; of a waker's stack: the thread woken */
	uint32_t loop;
	uint64_t gap_seq;
	uint32_t seq;	    /* ATTRIBUTION_BLOCK: number the stall's block refers to, never 0 */
	uint32_t waker_tid; /* ATTRIBUTION_WAKER */
	uint32_t block; /* ATTRIBUTION_WAKER: which of the gap's blocks it ended, as the kernel counts them */
	uint64_t weight_ns;	     /* time it stands for */
	struct fact_task task;	     /* it ran, name NULL or "": unknown; its texts outlive the attribution */
	bool collecting;	     /* the garbage collector ran */
	bool paused;		     /* ATTRIBUTION_BLOCK: and had stopped the thread for that */
	bool gil_held, gil_released; /* the interpreter's lock; neither: not known */
};

/*
 * A stall with everything but stacks, verdict, culprit and cause. Of stall.blocks[i]: block_seq[i] is its stack, 0 none, and block_at[i]
 * its place as the kernel counts them.
 */
struct attribution_stall {
	struct fact_stall stall;
	uint32_t block_seq[FACT_MAX_BLOCKS], block_at[FACT_MAX_BLOCKS];
	uint64_t at_ns; /* handed back with it */
};

/* A finished stall, valid during the call. Its stacks have been passed to attribution_resolved() before. */
typedef void attribution_ready(void *context, const struct fact_stall *s, uint64_t at_ns);

struct attribution_options {
	const struct dictionary *dictionary; /* knows a stack before attribution_resolved() names it */
	uint64_t threshold_ns;		     /* for the verdict */
	uint64_t patience_ns;		     /* 0: one second */
	attribution_ready *ready;
	void *context;
};

struct attribution_counts {
	uint64_t unnamed;    /* stacks whose name did not come in time */
	uint64_t overflow;   /* stacks refused or folded at a bound */
	uint64_t dropped;    /* stacks of gaps that ended short: no loss */
	uint32_t gaps, held; /* now */
};

struct attribution *attribution_new(const struct attribution_options *o);
void attribution_free(struct attribution *a);

/* 0, or -ENOMEM. A sample of a newer gap closes those of the loop whose stall must have come. */
int attribution_sample(struct attribution *a, const struct attribution_stack *s);
/* The stack's number, 0 if it has none (broken). An unknown cookie is ignored: its gap is gone. */
void attribution_resolved(struct attribution *a, uint64_t cookie, uint32_t stack, uint64_t now_ns);
/*
 * Copies *s and holds it. A stall that is not over (STALL_OPEN, STALL_STUCK) leaves the stacks where they are
 * for its next report; any other takes them. 0, or -ENOMEM.
 */
int attribution_stall(struct attribution *a, const struct attribution_stall *s, uint64_t now_ns);
/* The gaps of the loop up to gap_seq are over and have sent their stall, if they had one (ring drained). */
void attribution_closed(struct attribution *a, uint32_t loop, uint64_t gap_seq);
/* The loop is gone: as above for all its gaps, and its collection ends. */
void attribution_forget(struct attribution *a, uint32_t loop);
/* Hands out what has waited long enough; call it about every 100 ms. */
void attribution_advance(struct attribution *a, uint64_t now_ns);
/* The end: hands out everything at once. */
void attribution_flush(struct attribution *a);

/* While collecting (a saturated loop), stacks of gaps that end short are summed for the loop instead of
 * dropped. -ENOMEM or 0. */
int attribution_collect(struct attribution *a, uint32_t loop, bool collect);
/* Takes what was collected since the last call: the heaviest stacks first, named ones only. Returns how many.
 */
uint32_t attribution_collected(struct attribution *a, uint32_t loop, struct sample *samples, uint32_t max);

void attribution_counts(const struct attribution *a, struct attribution_counts *counts);

#endif
