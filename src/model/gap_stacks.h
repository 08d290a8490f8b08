/* SPDX-License-Identifier: Apache-2.0 */
/* The stacks of one gap: those expected, in the order they were taken, and those that have their name,
 * summed. For attribution.c. */
#ifndef LOOPSTALL_MODEL_GAP_STACKS_H
#define LOOPSTALL_MODEL_GAP_STACKS_H

#include "model/attribution.h"

#define GAP_EXPECTED                                                                                         \
	512 /* unnamed stacks per gap: two seconds of samples at 199 Hz, more than the patience */
#define GAP_DISTINCT 256 /* named ones told apart */
#define GAP_TASKS    8	 /* told apart; a further one takes the place of the lightest */
#define GAP_LABELLED 64	 /* block and waker stacks kept, the newest */

struct gap_stacks;

/* A stack without a name yet. Belongs to its gap. */
struct expected_stack {
	struct attribution_stack stack;
	uint64_t order;
	struct gap_stacks *gap;
	struct expected_stack *next, *previous;
};

/* A block's or waker's stack, found by the number of the block's stack, or by the waker's thread and the block it ended. */
struct labelled_stack {
	enum attribution_why why;
	uint64_t label;
	uint32_t stack;
	bool paused;
};

struct task_weight {
	struct fact_task task; /* as it was last */
	uint64_t ns;
};

struct gap_stacks {
	uint64_t seq;
	uint32_t tid;
	uint32_t held; /* stalls of it that have not been handed out */
	bool over;     /* to be freed when held is 0 */
	struct expected_stack *first, *last;
	uint32_t n_expected;
	struct sample *samples; /* one per distinct stack */
	size_t n_samples, cap;
	struct sample unnamed; /* those without a stack, or beyond GAP_DISTINCT */
	struct labelled_stack labelled[GAP_LABELLED];
	uint32_t n_labelled; /* ever; the array is a ring */
	struct task_weight tasks[GAP_TASKS];
	uint64_t collecting_ns;
	struct gap_stacks *next;
};

/* The expected stack, in the gap from now on; NULL without memory. */
struct expected_stack *gap_stacks_expect(struct gap_stacks *g, const struct attribution_stack *s,
					 uint64_t order);
/* Takes an expected stack out, without freeing it. */
void gap_stacks_unlink(struct expected_stack *e);
/* Counts a stack under its name, 0 if it has none. False if it had to go without one at a bound or without
 * memory. */
bool gap_stacks_name(struct gap_stacks *g, const struct attribution_stack *s, uint32_t stack);
/* Moves expected and named samples; labelled stacks stay. Returns how many stacks lost their name at a bound.
 */
uint64_t gap_stacks_move(struct gap_stacks *into, struct gap_stacks *from);
/* The heaviest first, the rest and the unnamed as one sample without a stack. Returns how many. */
uint32_t gap_stacks_samples(struct gap_stacks *g, struct sample *samples, uint32_t max, bool named_only);
/* What is known of a stack before it has a name: the task it ran, and whether it collected garbage. */
void gap_stacks_note(struct gap_stacks *g, const struct attribution_stack *s);
/* The task of most of the time and that time; "" and 0 if there is none. */
struct fact_task gap_stacks_task(const struct gap_stacks *g, uint64_t *ns);
/* Of a block or waker; NULL if there is none. Valid until the next one is named. */
const struct labelled_stack *gap_stacks_labelled(const struct gap_stacks *g, enum attribution_why why,
						 uint64_t label);
uint64_t gap_stacks_waker(uint32_t tid, uint32_t block);

#endif
