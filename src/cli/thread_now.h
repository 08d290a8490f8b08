/* SPDX-License-Identifier: Apache-2.0 */
/* A followed thread in the middle of its gap: what has gone by since its ledger was brought up to date, told as bpf/ledger.h will. */
#ifndef LOOPSTALL_CLI_THREAD_NOW_H
#define LOOPSTALL_CLI_THREAD_NOW_H

#include "capture/capture.h"

/* Kernel times. How long it is blocked, or was until it was woken; 0 for one that is not. */
uint64_t thread_blocked_ns(const struct lst_thread *t, uint64_t now);
/* How long it has been ready and without a CPU, woken or preempted; 0 for one that runs or waits. */
uint64_t thread_ready_ns(const struct lst_thread *t, uint64_t now);
/*
 * It was seen not to sleep. If by what is kept of it, read since then, it is blocked and was never woken, that was not shown: when it was, and
 * what it has done since it left the CPU, nobody knows.
 */
void thread_seen_awake(struct lst_thread *t);
/* Its ledger up to now, from where it stood when the gap opened. */
struct lst_ledger thread_ledger(const struct lst_thread *t, const struct lst_ledger *base, uint64_t now);

#endif
