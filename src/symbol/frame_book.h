/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as the worker numbered them, turned into what people read: whose object, whose code, cleaned names.
 * Kernel frames too, whose names the monitor looks up itself.
 */
#ifndef LOOPSTALL_SYMBOL_FRAME_BOOK_H
#define LOOPSTALL_SYMBOL_FRAME_BOOK_H

#include "symbol/kallsyms.h"
#include "symbol/protocol.h"
#include "symbol/targets.h"

#include <stdio.h>

/*
 * Code compiled at run time has addresses without end. From the first bound on the worker is started anew as
 * soon as nothing waits, at the second at once. 64 bytes each.
 */
#define FRAME_BOOK_FULL (1u << 17)
#define FRAME_BOOK_MAX	(1u << 18)

struct frame_book_entry {
	struct fact_frame frame;
	bool compiled; /* at run time, or interpreted as if: its kind depends on the process */
};

struct frame_book {
	struct targets *targets;
	struct frame_book_entry *entries;
	size_t n, cap;
	struct kallsyms *kernel;
	FILE *kernel_text; /* opened while we may see addresses, read when the first one is asked for; NULL then */
};

/* Entries point to the targets' names. */
void frame_book_open(struct frame_book *b, struct targets *targets);

/* Checks everything: the worker is not trusted. 0, -EPROTO, -E2BIG, -ENOMEM. */
int frame_book_define(struct frame_book *b, const struct report_frame *report);
/* False for a number never defined. */
bool frame_book_get(const struct frame_book *b, uint32_t number, bool runs_js, struct fact_frame *frame);
struct fact_frame frame_book_kernel(struct frame_book *b, uint64_t address);
/* A new worker counts from 0. */
void frame_book_clear(struct frame_book *b);
void frame_book_free(struct frame_book *b);

#endif
