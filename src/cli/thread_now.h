/* SPDX-License-Identifier: Apache-2.0 */
/* A followed thread in the middle of its gap: what has gone by since its ledger was brought up to date, told as bpf/ledger.h will. */
#ifndef LOOPSTALL_CLI_THREAD_NOW_H
#define LOOPSTALL_CLI_THREAD_NOW_H

#include "capture/capture.h"

/* Kernel times. How long it is blocked, or was until it was woken; 0 for one that is not. */
uint64_t thread_blocked_ns(const struct lst_thread *t, uint64_t now);
/* Its ledger up to now, from where it stood when the gap opened. */
struct lst_ledger thread_ledger(const struct lst_thread *t, const struct lst_ledger *base, uint64_t now);

#endif
