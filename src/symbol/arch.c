/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/arch.h"

#include "base/array.h"

#include <elf.h>
#include <string.h>

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
	 .frames = {{0x00e58948, 0x00ffffff},  /* mov %rsp,%rbp */
		    {0x246c8d48, UINT32_MAX},  /* lea 8 bits(%rsp),%rbp */
		    {0x24ac8d48, UINT32_MAX},  /* lea 32 bits(%rsp),%rbp */
		    {0x00ec8348, 0x00ffffff},  /* sub 8 bits,%rsp */
		    {0x00ec8148, 0x00ffffff},  /* sub 32 bits,%rsp */
		    {0x80c48348, UINT32_MAX}}, /* add -128,%rsp */
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
	 .frames = {{0xa9007bfd, 0xffc07fff},  /* stp x29, x30, [sp, #n] */
		    {0xf8000ffe, 0xffe00fff},  /* str x30, [sp, #-n]! */
		    {0xd10003ff, 0xff8003ff}}, /* sub sp, sp, #n */
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

/* call to an address; else ff /2, whose operand has so many bytes: a register, or memory in all its forms */
static bool is_behind_x86_call(const unsigned char *end)
{
	static const uint8_t lengths[] = {2, 3, 4, 6, 7};

	if (end[-5] == 0xe8)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		if (end[-lengths[i]] == 0xff && (end[1 - lengths[i]] >> 3 & 7) == 2)
			return true;
	return false;
}

static bool is_behind_arm_call(const unsigned char *end)
{
	uint32_t word;

	memcpy(&word, end - sizeof word, sizeof word);
	return (word & 0xfc000000) == 0x94000000 || /* bl */
	       (word & 0xfffffc1f) == 0xd63f0000 || /* blr */
	       (word & 0xfefff800) == 0xd63f0800;   /* blraa and its kind, which check a signature */
}

bool arch_is_behind_call(const struct arch *a, const unsigned char *code, size_t bytes)
{
	if (bytes < ARCH_CALL_BYTES)
		return false;
	return a->machine == EM_X86_64 ? is_behind_x86_call(code + bytes) : is_behind_arm_call(code + bytes);
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
