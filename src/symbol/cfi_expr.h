/* SPDX-License-Identifier: Apache-2.0 */
/* DWARF expressions as call-frame information uses them: a small stack machine over registers and memory. */
#ifndef LOOPSTALL_SYMBOL_CFI_EXPR_H
#define LOOPSTALL_SYMBOL_CFI_EXPR_H

#include "symbol/cfi.h"

#define CFI_EXPR_OPERATIONS 500 /* loops are possible; the longest real one seen has 14 */
#define CFI_EXPR_DEPTH	    64

struct cfi_expr_input {
	const struct arch_regs *regs;
	const struct cfi_target *target;
	const uint64_t *first; /* on the stack at the start, NULL: nothing */
};

/* CFI_CALLER when *value was computed, else CFI_MISSING (*value is the address) or CFI_INVALID. */
enum cfi_result cfi_expr_value(const void *expr, size_t bytes, const struct cfi_expr_input *in,
			       uint64_t *value);

#endif
