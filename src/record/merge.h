/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several numberings made one: each input's loops, frames and stacks get numbers of the output, equal frames and stacks of
 * all inputs the same. Knows facts, not files.
 */
#ifndef LOOPSTALL_RECORD_MERGE_H
#define LOOPSTALL_RECORD_MERGE_H

#include "model/fact.h"

struct merge;

/* What the numbers of one input have become; a zeroed struct is an input that has defined nothing. */
struct numbering {
	uint32_t *loops, *frames, *stacks; /* by number; 0 not defined yet */
	size_t loops_cap, frames_cap, stacks_cap;
};

struct merge *merge_new(void);
void merge_free(struct merge *m);
void numbering_free(struct numbering *in);

/*
 * Gives the numbers in a fact of the input their output form, in place (it is a decoder's fact). 1 to pass it on, 0 when it
 * defines what the output has already, or -ENOMEM; -EINVAL for a reference that the input has not defined.
 */
int merge_fact(struct merge *m, struct numbering *in, struct fact *f);

#endif
