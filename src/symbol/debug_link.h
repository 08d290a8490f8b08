/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other way by which a program names its debug file, beside the build id: a section with the file's name, without a path,
 * and the checksum of its contents. In the worker, which looks for no file: the name is for the opener.
 */
#ifndef LOOPSTALL_SYMBOL_DEBUG_LINK_H
#define LOOPSTALL_SYMBOL_DEBUG_LINK_H

#include "symbol/elf_file.h"

#define DEBUG_LINK_BYTES 256 /* the longest name of a file, and its end */

struct debug_link {
	char name[DEBUG_LINK_BYTES]; /* "" there is none */
	uint32_t crc;
};

struct debug_link debug_link_of(const struct elf_file *f);
/* Reads all of the file. False also of one that is too large for that. */
bool debug_link_is_to(const struct debug_link *link, const struct elf_file *debug);

#endif
