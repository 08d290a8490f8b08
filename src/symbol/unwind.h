/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack from registers and a copy of the stack's bytes. Per frame: which mapping, which module, which
 * call-frame record; where there is none (compiled at run time, hand-written assembly) a frame pointer step
 * that must look right.
 *
 * Knows nothing of names, and opens nothing: what it misses it says, and whoever has it asks again.
 */
#ifndef LOOPSTALL_SYMBOL_UNWIND_H
#define LOOPSTALL_SYMBOL_UNWIND_H

#include "model/fact.h"
#include "symbol/arch.h"
#include "symbol/cfi.h"
#include "symbol/resolver.h"

/* An executable mapping. */
struct unwind_map {
	uint64_t start, end, offset;
	uint32_t module; /* 0: no file */
	uint32_t pad;
};

/* A file that is mapped, as far as the unwinder looks at it. */
struct unwind_module {
	const struct elf_file *elf;
	const struct cfi *cfi;
};

enum unwind_module_state { UNWIND_MODULE_READY, UNWIND_MODULE_USELESS, UNWIND_MODULE_WANTED };

/*
 * A function may have no frame of its own. V8's built-ins set one up only where they have to call something, on some paths and not on others. Where one does, it is
 * marked as its own: the frame pointer's slot below holds the marker.
 */
struct leaf {
	enum leaf_frame { LEAF_UNKNOWN, LEAF_FRAMELESS, LEAF_MARKED } frame;
	uint8_t marker; /* LEAF_MARKED: has a frame if the frame pointer leads to this, else none */
};

struct unwind_frame;

struct unwind_input {
	const struct arch *arch;
	const struct raw_stack *raw;
	const struct unwind_map *maps; /* sorted */
	size_t n_maps;
	/* WANTED: not here yet, the unwinder stops and asks for it. USELESS: not an ELF file. */
	enum unwind_module_state (*module)(void *context, uint32_t id, struct unwind_module *module);
	void *context;
	bool maps_final; /* an address outside of the maps is a fact, not a reason to read them again */
	/* Whether the innermost frame's function has set up a frame of its own, by its code. NULL: it is not known. */
	struct leaf (*leaf)(void *context, const struct unwind_frame *frame);
};

struct unwind_frame {
	uint64_t pc;
	uint64_t address;      /* in the module's file; without a module: pc */
	uint64_t record_start; /* file address at which its call-frame record begins, 0: it has none */
	uint32_t module;       /* 0: none */
	enum frame_method method;
	uint64_t fp;  /* its frame pointer, if it was left by that; 0: not */
	bool exact;   /* pc is the instruction itself, not the one behind a call */
	bool outside; /* in no executable mapping */
};

struct unwound {
	enum stack_state state;
	uint32_t n;
	uint32_t wanted_module; /* not 0: nothing else counts, come again with it */
	uint64_t v8_root;	/* the register of that name, where compiled code begins; 0 unknown */
	bool wants_maps;	/* the same, with the maps read anew */
	struct unwind_frame frames[FACT_MAX_FRAMES];
};

/* Of the stack as it was copied; false if that is not all there. */
bool raw_stack_read(const struct raw_stack *raw, uint64_t address, void *to, size_t bytes);
void unwind(const struct unwind_input *in, struct unwound *out);

#endif
