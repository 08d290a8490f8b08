/* SPDX-License-Identifier: Apache-2.0 */
/* Every number in a fact that refers to a loop, frame or stack, and every time in it, so that recordings can be renumbered and shifted. */
#ifndef LOOPSTALL_RECORD_REFERENCES_H
#define LOOPSTALL_RECORD_REFERENCES_H

#include "model/fact_fields.h"

/* type is FIELD_LOOP, FIELD_FRAME or FIELD_STACK; *id is never 0 and may be replaced. A negative errno ends the visit. */
typedef int reference_visit(void *context, enum field_type type, uint32_t *id);

/* The fact is a decoder's: it is changed in place, behind its pointers too. Numbers that a fact defines are not visited. */
int fact_visit_references(struct fact *f, reference_visit *visit, void *context);

/* Moves all times by so many nanoseconds; what would be negative becomes 0. A start of 0 (before the attach) stays. */
void fact_shift(struct fact *f, int64_t by_ns);

#endif
