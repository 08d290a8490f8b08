/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, explained once: where it happens the code returns a negative errno and fills a diag with what failed, on
 * what, and what to type next; the top prints it. A diag may be NULL: then nothing is kept.
 */
#ifndef LOOPSTALL_BASE_DIAG_H
#define LOOPSTALL_BASE_DIAG_H

struct diag {
	char text[512]; /* "" when nothing went wrong */
	char hint[512]; /* what to do, or "" */
};

/* Fills the text and returns err (a negative errno), so that `return diag_fail(d, -EPERM, "…")` reads well. */
int diag_fail(struct diag *d, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diag_hint(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
