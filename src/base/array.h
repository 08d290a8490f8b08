/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing a plain C array: `struct x *items; size_t n, cap;` stays what it looks like.
 *
 *	if (!array_reserve(&items, &cap, n + 1, sizeof *items))
 *		return -ENOMEM;
 *	items[n++] = x;
 */
#ifndef LOOPSTALL_BASE_ARRAY_H
#define LOOPSTALL_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* *items is the address of the array pointer. New memory is zeroed. False on overflow or no memory (array unchanged). */
bool array_reserve(void *items, size_t *cap, size_t need, size_t item_bytes);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
