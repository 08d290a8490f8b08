/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed ELF sections: SHF_COMPRESSED, zlib or zstd (Go compresses .debug_frame by default), and whole files in xz. */
#ifndef LOOPSTALL_SYMBOL_INFLATE_H
#define LOOPSTALL_SYMBOL_INFLATE_H

#include "symbol/elf_file.h"

#define INFLATE_MAX_BYTES (64u << 20)

/*
 * Replaces the range by its inflated contents, which the caller frees through *owned. 0, -ENOMEM, or -EINVAL
 * when the bytes are not what they claim to be (range and *owned unchanged).
 */
int section_inflate(struct elf_range *range, unsigned char **owned);
/* The same for bytes that say themselves where they end: .gnu_debugdata, in which Red Hat's systems pack names of static functions. */
int xz_inflate(struct elf_range *range, unsigned char **owned);

#endif
