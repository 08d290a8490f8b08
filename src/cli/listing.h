/* SPDX-License-Identifier: Apache-2.0 */
/* `list` and the waiting loops of `dump`: one row a loop. */
#ifndef LOOPSTALL_CLI_LISTING_H
#define LOOPSTALL_CLI_LISTING_H

#include "base/bytes.h"
#include "model/summary.h"
#include "report/style.h"

/* Process, runtime, class, threads, wait, where it runs, how busy it is. 0 or -ENOMEM; fits outputs' summary writers. */
int listing_loops(const struct summary *s, const struct report_style *style, struct bytes *out);
/* The loops that have no gap open: what `dump` says of those that do nothing. */
int listing_waiting(const struct summary *s, const struct report_style *style, struct bytes *out);

#endif
