/* SPDX-License-Identifier: Apache-2.0 */
/* One word per stall, from its ledger and blocks alone. */
#ifndef LOOPSTALL_MODEL_VERDICT_H
#define LOOPSTALL_MODEL_VERDICT_H

#include "model/fact.h"

/*
 * Fills s->verdict; blocks must be in place, stacks and samples need not be. The threshold decides between
 * code and environment: a stall whose own CPU and blocked time reaches it is named by that, however long it
 * also waited for a CPU.
 */
void verdict_decide(struct fact_stall *s, uint64_t threshold_ns);

#endif
