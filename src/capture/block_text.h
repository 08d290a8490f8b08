/* SPDX-License-Identifier: Apache-2.0 */
/* What a blocked call waited for, in words for people. */
#ifndef LOOPSTALL_CAPTURE_BLOCK_TEXT_H
#define LOOPSTALL_CAPTURE_BLOCK_TEXT_H

#include "base/bytes.h"
#include "bpf/wire.h"

#include <stdint.h>

/* What user space adds: the process, to look up a descriptor that is still open; the children it forked inside the gap. */
struct block_context {
	uint32_t pid;
	const struct lst_child *children; /* two */
};

/* Of sleeps summed as one block the first's length is known, which then is that of all. */
bool block_sleeps_alike(const struct lst_block *b);
/* "tcp 10.0.3.9:5432" */
void inet_peer_text(struct bytes *out, const struct lst_inet *inet);

/* "tcp 10.0.3.9:5432", "/var/lib/x", "2 pipes of pid 4180 nvidia-smi", "child 4180 (sleep)", "120 ms", ""; not cleaned for terminals. */
void block_target_text(struct bytes *out, const struct lst_block *b, const struct block_context *context);

#endif
