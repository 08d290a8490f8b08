/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mapped file in the worker: its bytes, call-frame information and, once a name is wanted, its functions.
 */
#ifndef LOOPSTALL_SYMBOL_MODULE_H
#define LOOPSTALL_SYMBOL_MODULE_H

#include "symbol/cfi.h"
#include "symbol/debug_link.h"
#include "symbol/source_lines.h"
#include "symbol/symtab.h"
#include "symbol/unwind.h"

enum module_debug { MODULE_DEBUG_UNASKED, MODULE_DEBUG_ASKED, MODULE_DEBUG_SETTLED };

struct module {
	bool usable;  /* an ELF file of this machine */
	bool starved; /* there was no memory for all that it holds */
	struct elf_file elf, debug_elf;
	struct elf_file packed_elf; /* what is left of its debug file, packed into the file itself */
	unsigned char *unpacked;
	struct debug_link link;
	struct cfi cfi;
	struct symtab symtab;
	enum module_debug debug;
	bool has_symtab;
	bool wants_lines, has_lines; /* has: they were looked for */
	struct source_lines *lines;
	enum { SWITCHES_UNASKED, SWITCHES_NOT, SWITCHES_STACKS } switches;
};

/*
 * Takes the file behind the descriptor, which stays the caller's. Never NULL but without memory; see usable.
 */
struct module *module_open(int fd);
/* The image of the vdso in this process, which is the one of every other. NULL without memory. */
struct module *module_open_vdso(void);
void module_close(struct module *m);

/* Would a separate debug file give more names, or lines if they are wanted, and does it say by which build id or name to ask for it? */
bool module_wants_debug(const struct module *m);
/* The answer; fd -1: there is none. A file of another build is ignored, and where there are no build ids one with another checksum. */
void module_settle_debug(struct module *m, int fd);
/* What its code says of the frame of the function around this address, see unwind.h. */
struct leaf module_leaf(struct module *m, uint64_t address);
/*
 * The name around an address, demangled into text (else ""), and the distance from its start to the address.
 */
void module_name(struct module *m, uint64_t address, uint64_t record_start, char *text, size_t cap,
		 uint64_t *start);
/*
 * Once the debug file is settled, if lines are wanted: looks for them unless there are more than room_bytes of debug sections.
 * Returns how many bytes of these are open from now on, 0 none or before.
 */
uint64_t module_open_lines(struct module *m, uint64_t room_bytes);
/* As source_lines_at(), names demangled. */
uint32_t module_lines(struct module *m, uint64_t address, struct source_place places[SOURCE_MAX_DEPTH]);

/* Is it greenlet, which lays the C stacks of several threads of control over each other? */
bool module_switches_stacks(struct module *m);

#endif
