/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of a Go program, from the table that its runtime itself needs and that stays when it is linked with -s -w. Of Go 1.18 and
 * later; a program that may be loaded anywhere (-buildmode=pie) may leave that to the loader, and has none then.
 */
#ifndef LOOPSTALL_SYMBOL_GO_TABLE_H
#define LOOPSTALL_SYMBOL_GO_TABLE_H

#include "symbol/elf_file.h"

struct go_table {
	struct elf_range names;
	struct elf_range functions; /* from the index on to the end of the table */
	uint64_t text;
	uint32_t n;
};

struct go_function {
	uint64_t address;
	uint32_t bytes;
	uint32_t name; /* in the names */
};

/* False if the file has none that is known. */
bool go_table_open(struct go_table *t, const struct elf_file *f);
/* False if there is no i-th, or its bytes are bad. */
bool go_table_function(const struct go_table *t, uint32_t i, struct go_function *function);

#endif
