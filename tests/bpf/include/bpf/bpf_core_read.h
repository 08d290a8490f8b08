/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header of the same name: every step of a chain is a read that may fail, and then gives zero. */
#ifndef LOOPSTALL_TESTS_BPF_CORE_READ_H
#define LOOPSTALL_TESTS_BPF_CORE_READ_H

#include <bpf/bpf_helpers.h>

/* By integers: a member of a null pointer must have an address without anybody dereferencing it. */
#define CORE_ADDRESS(src, member)                                                                            \
	((const void *)((unsigned long)(src) + __builtin_offsetof(__typeof__(*(src)), member)))
#define CORE_STEP(name, src, member)                                                                         \
	({                                                                                                   \
		__typeof__(((__typeof__(src))0)->member) name;                                               \
		shim_read((void *)&name, sizeof name, CORE_ADDRESS(src, member));                            \
		name;                                                                                        \
	})
#define CORE_1(src, a)		      CORE_STEP(core_1, src, a)
#define CORE_2(src, a, b)	      CORE_STEP(core_2, CORE_1(src, a), b)
#define CORE_3(src, a, b, c)	      CORE_STEP(core_3, CORE_2(src, a, b), c)
#define CORE_4(src, a, b, c, d)	      CORE_STEP(core_4, CORE_3(src, a, b, c), d)
#define CORE_PICK(a, b, c, d, n, ...) n
#define BPF_CORE_READ(src, ...)	      CORE_PICK(__VA_ARGS__, CORE_4, CORE_3, CORE_2, CORE_1, )(src, __VA_ARGS__)

#define BPF_CORE_READ_BITFIELD_PROBED(src, member) ((src)->member)

#define BPF_CORE_READ_INTO(to, src, member)	shim_read(to, sizeof *(to), CORE_ADDRESS(src, member))
#define BPF_CORE_READ_STR_INTO(to, src, member) shim_read_text(to, sizeof *(to), CORE_ADDRESS(src, member))

#define bpf_core_field_exists(field)	    1
#define bpf_core_type_size(type)	    sizeof(type)
#define bpf_core_field_offset(type, member) __builtin_offsetof(type, member)

#endif
