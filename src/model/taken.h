/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time that a thread had by the clock and not by the scheduler's own count: a hypervisor ran something else on the CPU, or the kernel
 * served interrupts on it. Not the application's, so it is told apart.
 */
#ifndef LOOPSTALL_MODEL_TAKEN_H
#define LOOPSTALL_MODEL_TAKEN_H

#include "model/fact.h"

/* What all CPUs together lost since they began. */
struct taken {
	uint64_t stolen_ns, interrupts_ns;
};

/* What is missing to the CPU time by the clock if the scheduler counted ran_ns (0: not known); 0 if it is too little to be told. */
uint64_t taken_missing_ns(const struct fact_stall *s, uint64_t ran_ns);

/*
 * Fills stolen and interrupts of the ledger. The scheduler's count may be a tick late, and without ticks by more: no more is said to be
 * taken than all CPUs together lost meanwhile.
 */
void taken_fill(struct fact_stall *s, uint64_t ran_ns, const struct taken *meanwhile);

#endif
