/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of one file by address, in one sorted array over the names in the file itself (node: 153,000
 * functions, 2.4 MB, 33 ns a look-up; libdw searches the same table linearly in 1.7 ms). Never a guess: an
 * address behind the end of a symbol has no name.
 */
#ifndef LOOPSTALL_SYMBOL_SYMTAB_H
#define LOOPSTALL_SYMBOL_SYMTAB_H

#include "symbol/elf_file.h"

#define SYMTAB_MAX_SYMBOLS (4u << 20)

struct symbol {
	uint64_t address;
	uint32_t bytes; /* 0: the table does not say */
	uint32_t name;	/* see symtab_name() */
};

/* A zeroed struct is an empty table. */
struct symtab {
	struct symbol *symbols;
	size_t n, cap;
	struct elf_range names[2];
};

/* Does the file name its static functions too? If not, a separate debug file may. */
bool symtab_is_full(const struct elf_file *f);
/*
 * The functions of the file, and those of its separate debug file (NULL: none). Both must outlive the table.
 * 0 or -ENOMEM (then empty).
 */
int symtab_build(struct symtab *t, const struct elf_file *f, const struct elf_file *debug);
/*
 * The innermost function around an address. record_start: where the call-frame record around it begins, which
 * also bounds a function without a size; 0 unknown. NULL: no name.
 */
const struct symbol *symtab_find(const struct symtab *t, uint64_t address, uint64_t record_start);
/* As in the file; "" if its bytes are bad. */
const char *symtab_name(const struct symtab *t, const struct symbol *s);
void symtab_free(struct symtab *t);

#endif
