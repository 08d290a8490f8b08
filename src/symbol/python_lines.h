/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an instruction to its line, in the three formats that CPython has had: pure functions over the bytes of
 * a line table, which come from a program we do not trust.
 */
#ifndef LOOPSTALL_SYMBOL_PYTHON_LINES_H
#define LOOPSTALL_SYMBOL_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

/*
 * offset: of the instruction in bytes; negative: the function has not begun. The line, or 0 where the table
 * gives none.
 */
uint32_t python_line(unsigned minor, const void *table, size_t bytes, uint32_t first_line, int64_t offset);

#endif
