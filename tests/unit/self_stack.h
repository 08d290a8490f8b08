/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of the calling thread's own stack, for tests: registers by getcontext(), pages as the kernel
 * side would copy them.
 */
#ifndef LOOPSTALL_TESTS_SELF_STACK_H
#define LOOPSTALL_TESTS_SELF_STACK_H

#include "symbol/resolver.h"

#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

struct self_stack {
	struct raw_stack raw;
	unsigned char pages[RAW_PAGES * RAW_PAGE];
};

#ifdef __x86_64__
static inline void self_regs(const ucontext_t *uc, struct raw_stack *raw)
{
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
				    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	for (int i = 0; i < 16; i++)
		raw->regs[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
	raw->regs_valid = 0xffff;
	raw->pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
}
#define SELF_SP 7
#else
static inline void self_regs(const ucontext_t *uc, struct raw_stack *raw)
{
	memcpy(raw->regs, uc->uc_mcontext.regs, sizeof uc->uc_mcontext.regs);
	raw->regs[31] = uc->uc_mcontext.sp;
	raw->regs_valid = 0xffffffff;
	raw->pc = uc->uc_mcontext.pc;
}
#define SELF_SP 31
#endif

/* uc: by getcontext() in the caller, whose frame must still be there. */
static inline void self_stack_take(struct self_stack *s, const ucontext_t *uc)
{
	s->raw = (struct raw_stack){.pid = (uint32_t)getpid(), .n_pages = RAW_PAGES, .pages = s->pages};
	self_regs(uc, &s->raw);
	s->raw.base = (s->raw.regs[SELF_SP] - 128) & ~(uint64_t)(RAW_PAGE - 1);
	for (unsigned i = 0; i < RAW_PAGES; i++) {
		struct iovec to = {s->pages + i * RAW_PAGE, RAW_PAGE};
		struct iovec from = {(void *)(uintptr_t)(s->raw.base + i * RAW_PAGE), RAW_PAGE};
		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == RAW_PAGE)
			s->raw.pages_present |= 1ull << i;
	}
}

#endif
