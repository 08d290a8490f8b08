/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source file, line and inlined calls of an address, from a file's DWARF. Owns what libdw keeps of it. Knows no process and no
 * name of the function itself: that is the symbol table's.
 *
 * Parses hostile bytes with a library that trusts them more than we do: only in the worker, where a crash costs one stack.
 */
#ifndef LOOPSTALL_SYMBOL_SOURCE_LINES_H
#define LOOPSTALL_SYMBOL_SOURCE_LINES_H

#include "symbol/elf_file.h"

#define SOURCE_MAX_DEPTH  16 /* of inlined calls at one address; the outermost are left out beyond */
#define SOURCE_FILE_BYTES 256
#define SOURCE_NAME_BYTES 256
#define SOURCE_TOTAL_BYTES                                                                                   \
	(256ull                                                                                              \
	 << 20) /* of debug sections that one worker looks into; libdw keeps 1 to 3 times that of what is read */

/* One function at an address. The last one is the function that the code belongs to, the others were inlined into it. */
struct source_place {
	char function
		[SOURCE_NAME_BYTES]; /* linkage name if it has one; "" for the last, and where there is none */
	char file[SOURCE_FILE_BYTES]; /* below the directory of the build if it lies there; "" unknown */
	uint32_t line; /* in this function: of the address, or of the call to the one before; 0 unknown */
};

struct source_lines;

/* How much of the file libdw would look into; 0: it has no DWARF. */
uint64_t source_lines_bytes(const struct elf_file *f);
/* Over a file that outlives it. NULL without DWARF or memory. */
struct source_lines *source_lines_open(const struct elf_file *f);
void source_lines_close(struct source_lines *s);
/*
 * Innermost first. The address is the file's, and within the instruction (for a caller's frame: one before the return address).
 * Returns how many places were set, 0 when nothing is known.
 */
uint32_t source_lines_at(struct source_lines *s, uint64_t address,
			 struct source_place places[SOURCE_MAX_DEPTH]);

#endif
