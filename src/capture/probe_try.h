/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single attempts for the probe: each loads or attaches something trivial, closes it again and answers 0 or the negative errno of the
 * step that failed. Each costs a few system calls.
 */
#ifndef LOOPSTALL_CAPTURE_PROBE_TRY_H
#define LOOPSTALL_CAPTURE_PROBE_TRY_H

#include <bpf/btf.h>

/* Functions the fentry rung traces; every machine has the wait call with a signal mask. */
#if defined(__x86_64__)
#define TRY_WAIT_FUNCTION "__x64_sys_epoll_pwait"
#elif defined(__aarch64__)
#define TRY_WAIT_FUNCTION "__arm64_sys_epoll_pwait"
#else
#define TRY_WAIT_FUNCTION "sys_epoll_pwait"
#endif

int try_ring_buffer(void);
int try_memory(void); /* a map larger than the usual limit on locked memory */
int try_fentry(const struct btf *btf, const char *function);
int try_tp_btf(const struct btf *btf, const char *event);
int try_raw_tp(const char *event);
/* id: of the event, as tracefs tells. */
int try_tracepoint(unsigned long id);
int try_tracepoint_load(void); /* the program only, not attached */
int try_cpu_clock(void);
int try_iter_task(const struct btf *btf);
/* Whether the helper is known to programs on tracepoints (helper: enum bpf_func_id). */
int try_helper(int helper);
int try_copy_from_task(const struct btf *btf);
int try_cast(const struct btf *btf); /* bpf_rdonly_cast */

#endif
