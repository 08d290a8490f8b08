/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call-frame information: which record covers a code address (cfi_find), and what it says of the caller
 * (cfi_step).
 *
 * Own code and not libdw: a prototype gave the same frames as libdw on 16,296 of 16,300 stacks, 3 to 10 times
 * faster and without its memory per process; this works on bytes alone, so that it runs in a process without
 * open(), every read is bounds-checked and every loop has a budget, and it can be fuzzed on its own.
 *
 * Reads .eh_frame by the binary search table of .eh_frame_hdr, or by an index of its own where there is no
 * usable table, and .debug_frame (Go, hand-written assembly) by an index. All bytes come from files of
 * programs we do not trust.
 */
#ifndef LOOPSTALL_SYMBOL_CFI_H
#define LOOPSTALL_SYMBOL_CFI_H

#include "base/cursor.h"
#include "symbol/arch.h"
#include "symbol/elf_file.h"

#define CFI_MAX_RECORDS	   (1u << 20) /* indexed per section; node has 76,000 */
#define CFI_MAX_REMEMBERED 8
/* Of one record: some large functions adjust the CFA around each of their calls. */
#define CFI_MAX_OPERATIONS 65536

struct cfi_index_entry {
	uint64_t start;
	size_t offset; /* of the record in its section */
};

/* What records said lately: stacks of one loop share most of their frames. */
struct cfi_memo;

struct cfi_section {
	struct elf_range bytes;
	bool is_debug;		       /* .debug_frame: other CIE marks and offsets */
	struct cfi_index_entry *index; /* sorted by start; NULL: none was built */
	size_t n_index, cap_index;
	struct cfi_memo *memo; /* NULL: every record is run anew */
};

struct cfi {
	struct cfi_section eh_frame, debug_frame;
	struct elf_range header; /* .eh_frame_hdr; also the base of "datarel" pointers */
	size_t table, n_table;	 /* offset in header and number of its pairs; 0: search the index */
	unsigned char *inflated; /* .debug_frame, if it was compressed */
};

/* One record (FDE) with its CIE. Points into the section. */
struct cfi_record {
	const struct cfi_section *section;
	uint64_t start, end; /* code it covers, file addresses */
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_column;
	uint8_t pointer_encoding;
	bool augmented, signal_frame;
	struct cursor initial, program; /* instructions of the CIE, of the FDE */
};

/* A file without call-frame information gives an empty cfi, in which nothing is found. 0 or -ENOMEM. */
int cfi_open(struct cfi *c, const struct elf_file *f);
void cfi_close(struct cfi *c);
/* Freed with free(); NULL without memory, which costs only time. */
struct cfi_memo *cfi_memo_new(void);
bool cfi_find(const struct cfi *c, uint64_t address, struct cfi_record *record);

/* The stopped thread. read() is false for memory that is not known. */
struct cfi_target {
	bool (*read)(void *context, uint64_t address, void *to, size_t bytes);
	void *context;
	uint64_t load_bias; /* run-time address minus file address in the module of the frame */
};

enum cfi_result {
	CFI_CALLER,  /* regs are those of the caller */
	CFI_END,     /* the record says that there is no caller */
	CFI_MISSING, /* the return address or the CFA lies in memory that is not known: see missing_address */
	CFI_INVALID, /* the record makes no sense or exceeds a budget */
};

/*
 * address: the file address to look at (pc - 1 in a caller). On CFI_CALLER regs are replaced, else unchanged.
 */
enum cfi_result cfi_step(const struct cfi_record *record, const struct arch *arch, uint64_t address,
			 struct arch_regs *regs, const struct cfi_target *target, uint64_t *missing_address);

#endif
