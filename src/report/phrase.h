/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How loops, frames, stacks, blocks and stalls are put into words, the same in the live view and in the
 * summary.
 */
#ifndef LOOPSTALL_REPORT_PHRASE_H
#define LOOPSTALL_REPORT_PHRASE_H

#include "model/dictionary.h"
#include "report/pen.h"

/* "uvicorn[4121]", "java[812/833]" for a loop of a thread that is not the main one. */
void phrase_loop(struct bytes *out, const struct fact_loop *l);
/* As a table's cell of so many columns: a long name is cut, the number behind it is not. */
void phrase_loop_cell(struct pen *p, enum ink ink, unsigned columns, const struct fact_loop *l);
/* A function without cuts: "poll_vram", "libz.so.1.2.13+0x4f21", "[JS]". */
void phrase_function(struct bytes *out, const struct fact_frame *f);
/* "poll_vram app/gpu.py:41", "spin_for", "redis-server+0x1a2b3" */
void phrase_frame(struct bytes *out, const struct fact_frame *f);
/* File and line in so many bytes, if the file's own name fits: "…/site-packages/app/gpu.py:41" */
void phrase_place(struct bytes *out, const struct fact_frame *f, size_t room);
/* "poll() on 2 pipes of pid 4180 nvidia-smi", "nanosleep() of 600 ms" */
void phrase_call(struct bytes *out, const char *call, enum target_kind kind, const char *target,
		 uint64_t object);
/* With how often and how long when it was more than one. */
void phrase_block(struct bytes *out, const struct block *b);
/* What the stall was spent on, as its verdict has it; may be empty. */
void phrase_stall(struct bytes *out, const struct fact_stall *s, const struct dictionary *d);
/* What the next wait showed: "14 fds ready when it came back"; may be empty. */
void phrase_harm(struct bytes *out, const struct fact_stall *s);

/* Whether its samples held the interpreter's lock: "GIL released"; empty where that is not known. */
void phrase_gil(struct bytes *out, const struct fact_stall *s);

enum ink phrase_verdict_ink(enum verdict v);

/*
 * The frames of a stack as pieces, innermost first: where it stands, then the application's own frames
 * outward; the kernel's and the libraries' are left out unless there are no others. At most about `lines`
 * lines.
 */
void phrase_stack(struct pen *p, const struct dictionary *d, const struct fact_stack *s,
		  uint32_t culprit_frame, unsigned lines);

/* "ledger: cpu 2.1 · blocked 640.2 · …": the parts that are not nothing, as pieces. */
void phrase_ledger(struct pen *p, const struct ledger *l, uint64_t delay_ns, uint64_t lag_ns);

#endif
