/* SPDX-License-Identifier: Apache-2.0 */
/* What it takes to have the names that a stack lacks, which depends on the runtime that compiled its functions. */
#ifndef LOOPSTALL_REPORT_NAMING_H
#define LOOPSTALL_REPORT_NAMING_H

#include "base/bytes.h"
#include "model/dictionary.h"

/* Nothing for a stack that has them, and NULL is one. loop: whose stack it is, NULL if that may be several; then none of a JVM. */
void naming_remedy(struct bytes *out, const struct dictionary *d, const struct fact_stack *stack,
		   const struct fact_loop *loop);

#endif
