/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unwinder must know of a machine: which DWARF register is which. Everything else is the same for
 * all.
 */
#ifndef LOOPSTALL_SYMBOL_ARCH_H
#define LOOPSTALL_SYMBOL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_REGS 33

#define ARCH_FRAMES	6
#define ARCH_CALL_BYTES 7 /* of the longest call */

/* Four bytes of code, of which the mask's bits count. */
struct arch_code {
	uint32_t code, mask;
};

struct arch {
	uint16_t machine; /* ELF e_machine */
	uint8_t n_regs;	  /* DWARF registers that are followed; vector registers are not */
	uint8_t sp, fp;
	uint8_t ra;   /* return address column */
	uint8_t link; /* register that holds the return address of a leaf, ARCH_REGS if calls push it */
	/* The four bytes of code, at any multiple of setup_bytes, that begin a frame with a frame pointer. */
	uint8_t setup_bytes;
	uint32_t setup, setup_mask;
	struct arch_code
		frames[ARCH_FRAMES]; /* other ways to begin a frame, with or without one; mask 0 ends */
	uint8_t push_marker; /* a byte of code behind that: the next byte is pushed; 0: not looked for */
	/* Registers of V8: what its interpreter runs, and where it is in it; in all of its code where the isolate's roots are. */
	uint8_t v8_bytecodes, v8_offset, v8_root;
	uint64_t pc_mask; /* bits of a code address; arm64 keeps a signature above them */
};

/* NULL for a machine we cannot unwind. */
const struct arch *arch_of(uint16_t machine);
/* Of the machine this program was compiled for. */
const struct arch *arch_native(void);

/* Is there a call right before these bytes end, so that one of it would return to what follows? Fewer than ARCH_CALL_BYTES are not looked at. */
bool arch_is_behind_call(const struct arch *a, const unsigned char *code, size_t bytes);

/* Registers of one frame. The program counter is apart, since no machine numbers it alike. */
struct arch_regs {
	uint64_t r[ARCH_REGS];
	uint64_t valid; /* bit n: r[n] is known */
	uint64_t pc;
};

#endif
