/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/arch.h"

#include "base/array.h"

#include <elf.h>
#include <stddef.h>

static const struct arch arches[] = {
	{.machine = EM_X86_64,
	 .n_regs = 17,
	 .sp = 7,
	 .fp = 6,
	 .ra = 16,
	 .link = ARCH_REGS,
	 .setup_bytes = 1,
	 .setup = 0xe5894855, /* push %rbp; mov %rsp,%rbp */
	 .setup_mask = UINT32_MAX,
	 .push_marker = 0x6a,
	 .v8_bytecodes = 12,
	 .v8_offset = 9,
	 .v8_root = 13,
	 .pc_mask = UINT64_MAX},
	{.machine = EM_AARCH64,
	 .n_regs = 32,
	 .sp = 31,
	 .fp = 29,
	 .ra = 30,
	 .link = 30,
	 .setup_bytes = 4,
	 .setup = 0xa9807bfd, /* stp x29, x30, [sp, #-n]! */
	 .setup_mask = 0xffc07fff,
	 .v8_bytecodes = 20,
	 .v8_offset = 19,
	 .v8_root = 26,
	 .pc_mask = (1ull << 48) - 1},
};

const struct arch *arch_of(uint16_t machine)
{
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (arches[i].machine == machine)
			return &arches[i];
	return NULL;
}

const struct arch *arch_native(void)
{
#if defined(__x86_64__)
	return arch_of(EM_X86_64);
#elif defined(__aarch64__)
	return arch_of(EM_AARCH64);
#else
#error "no register table for this machine"
#endif
}
