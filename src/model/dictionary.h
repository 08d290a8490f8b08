/* SPDX-License-Identifier: Apache-2.0 */
/* Loops, frames and stacks by number, collected from the facts that define them, so that whoever meets a number can look it up. */
#ifndef LOOPSTALL_MODEL_DICTIONARY_H
#define LOOPSTALL_MODEL_DICTIONARY_H

#include "model/fact.h"

struct dictionary;

struct dictionary *dictionary_new(void);
void dictionary_free(struct dictionary *d);
/* Keeps loop, frame and stack facts (copying frame lists, not strings), ignores others. 0, -ENOMEM, -EINVAL for a number out of order. */
int dictionary_take(struct dictionary *d, const struct fact *f);
/* NULL for an unknown number. A loop's contents change with its next fact, and it is valid until it is forgotten; the others for ever. */
const struct fact_loop *dictionary_loop(const struct dictionary *d, uint32_t id);
/* A loop that is gone and that nobody will name again, so that numbers that come and go cost a pointer each. Its number stays known, as "ended". */
void dictionary_forget_loop(struct dictionary *d, uint32_t id);
const struct fact_frame *dictionary_frame(const struct dictionary *d, uint32_t id);
const struct fact_stack *dictionary_stack(const struct dictionary *d, uint32_t id);
uint32_t dictionary_loops(const struct dictionary *d);
uint32_t dictionary_frames(const struct dictionary *d);
uint32_t dictionary_stacks(const struct dictionary *d);

#endif
