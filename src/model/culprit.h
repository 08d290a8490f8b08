/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame to look at. Stacks are grouped by frame, not compared whole: a hundred slightly different samples
 * below one function name that function.
 */
#ifndef LOOPSTALL_MODEL_CULPRIT_H
#define LOOPSTALL_MODEL_CULPRIT_H

#include "model/dictionary.h"
#include "model/fact.h"

/* A stack and the time it stands for: a sample, or a block with the stack of its longest. */
struct weighted_stack {
	uint32_t stack;
	uint64_t ns;
};

/* A frame and what a set of stacks spends below it. */
struct culprit {
	uint32_t frame; /* 0: no stack is known */
	uint32_t stack; /* the heaviest one through the frame */
	uint64_t ns;
};

/* Equal for frames of one function (or, without a name, of one place), whatever their line. */
uint64_t culprit_key(const struct fact_frame *f);

/*
 * The innermost application frame that covers at least half of the stacks' time; else the innermost
 * application frame of the heaviest stack; where none but the program's beginning is the application's, the same of packages that its
 * loop has called; else the innermost user frame of the heaviest stack; else its innermost frame.
 */
struct culprit culprit_of(const struct weighted_stack *stacks, size_t n, const struct dictionary *d);

/* Fills s->culprit_frame and culprit_stack from the stacks of its blocks and samples; both 0 without any. */
void culprit_choose(struct fact_stall *s, const struct dictionary *d);

/* The culprit of its time on CPU: by its samples alone. */
struct culprit culprit_sampled(const struct fact_stall *s, const struct dictionary *d);

/*
 * The innermost application frame that most of the stall's samples are below, percent of their time or more, and that was called by
 * something that is not of the application: a loop's dispatcher. Frame 0: there is none, many did it.
 */
struct culprit culprit_called(const struct fact_stall *s, const struct dictionary *d, unsigned percent);

/*
 * Splits the stall's covered time among frames: the culprit, then the culprit of what is left, and so on.
 * Returns how many of parts were filled. Their sum is at most the lag.
 */
size_t culprit_split(const struct fact_stall *s, const struct dictionary *d, struct culprit *parts,
		     size_t max);

#endif
