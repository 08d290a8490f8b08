/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of symbols by their name, data as well as functions. */
#ifndef LOOPSTALL_SYMBOL_ELF_SYMBOL_H
#define LOOPSTALL_SYMBOL_ELF_SYMBOL_H

#include "symbol/elf_file.h"

struct elf_symbol {
	const char *name;
	uint64_t address, bytes; /* in the file; address 0: not found */
};

/* One pass over the exported names, and one over all of them if the first did not find everything. */
void elf_symbols_find(const struct elf_file *f, struct elf_symbol *wanted, size_t n);

#endif
