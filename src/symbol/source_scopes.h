/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function around an address, and the calls that were inlined into it there. libdw's own dwarf_getscopes() enters nothing that has
 * no addresses: no namespace, in which all of Rust's functions are, and clang's.
 */
#ifndef LOOPSTALL_SYMBOL_SOURCE_SCOPES_H
#define LOOPSTALL_SYMBOL_SOURCE_SCOPES_H

#include "base/idmap.h"

#include <elfutils/libdw.h>

#define SOURCE_MAX_SCOPES 64 /* within one function; the innermost are left out beyond */

/* Where the functions of the units are that were asked for. Zeroed: none yet. */
struct source_functions {
	struct idmap units; /* offset of the unit: struct unit_functions */
	size_t n;
};

/* The function first, then what is around the address in it, the innermost last. Their number; 0: no function is known there. */
int source_scopes_at(struct source_functions *known, Dwarf_Die *unit, uint64_t address,
		     Dwarf_Die scopes[SOURCE_MAX_SCOPES]);
void source_functions_free(struct source_functions *known);

#endif
