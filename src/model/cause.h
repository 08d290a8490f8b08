/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named pattern behind a stall, what it is told by, and what would end it. Rules are rows of a table in order, the first that holds
 * wins; none holds: no cause, rather than a guess. Rules know calls, targets, services and libraries, no program.
 *
 *	gil lock subprocess nested_loop sqlite sleep dns file_lock fsync many_calls sync_db sync_http sync_io file_io
 *	gc flood cascade hot_loop cpu
 *	stopped throttled no_cpu reclaim faults
 */
#ifndef LOOPSTALL_MODEL_CAUSE_H
#define LOOPSTALL_MODEL_CAUSE_H

#include "model/dictionary.h"
#include "model/fact.h"

/*
 * Fills cause, evidence and remedy from ledger, blocks, samples, verdict and culprit, which are complete. l may be NULL (a loop unknown).
 * Cause and remedy are constants.
 */
void cause_decide(struct fact_stall *s, const struct fact_loop *l, const struct dictionary *d);

/* Whether the shape of an iteration is that of a flood of connects or of a cascade, whatever it was long by. */
bool cause_is_flood(const struct fact_stall *s);
bool cause_is_cascade(const struct fact_stall *s);

/* Fills the evidence of a saturated loop, elapsed since since_ns; "" if its samples tell nothing. */
void cause_of_saturation(struct fact_saturated *s, uint64_t elapsed_ns, const struct dictionary *d);

#endif
