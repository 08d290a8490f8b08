/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header of the same name. */
#ifndef LOOPSTALL_TESTS_BPF_ENDIAN_H
#define LOOPSTALL_TESTS_BPF_ENDIAN_H

#define bpf_ntohs(x) __builtin_bswap16(x)

#endif
