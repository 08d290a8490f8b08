/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel functions by address, from the text of /proc/kallsyms: its code symbols, about 6 MB, so it is loaded
 * only when the first kernel frame needs a name.
 */
#ifndef LOOPSTALL_SYMBOL_KALLSYMS_H
#define LOOPSTALL_SYMBOL_KALLSYMS_H

#include <stdint.h>
#include <stdio.h>

struct kallsyms;

/*
 * NULL without memory, or if the text tells no addresses (zeros for whom kernel.kptr_restrict hides them).
 */
struct kallsyms *kallsyms_read(FILE *text);
/*
 * Name of the function and the offset in it; NULL if the address is not in the kernel's code. Lives as long
 * as k.
 */
const char *kallsyms_find(const struct kallsyms *k, uint64_t address, uint64_t *offset);
void kallsyms_free(struct kallsyms *k);

#endif
