/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header of the same name when the programs are compiled for user space: the shim answers. */
#ifndef LOOPSTALL_TESTS_BPF_HELPERS_H
#define LOOPSTALL_TESTS_BPF_HELPERS_H

#include "shim.h"

#include <stddef.h>

#undef __always_inline /* libc has one of its own */
#define SEC(name)
#define __always_inline	  inline __attribute__((always_inline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) val *name

/* Other CPUs see what an atomic did before the next load. */
#define __sync_fetch_and_add(at, n)                                                                          \
	({                                                                                                   \
		__typeof__(*(at)) was = __sync_fetch_and_add(at, n);                                         \
		shim_place();                                                                                \
		was;                                                                                         \
	})

/* Until the step says that it is enough. */
#define bpf_loop(n, step, context, flags)                                                                    \
	do {                                                                                                 \
		for (__u32 at = 0; at < (n) && !(step)(at, context); at++)                                   \
			;                                                                                    \
	} while (0)

#define bpf_map_lookup_elem(map, key)			      shim_lookup(map, key)
#define bpf_map_update_elem(map, key, value, flags)	      shim_update(map, key, value, flags)
#define bpf_map_delete_elem(map, key)			      shim_delete(map, key)
#define bpf_map_push_elem(map, value, flags)		      shim_push(map, value)
#define bpf_map_pop_elem(map, value)			      shim_pop(map, value)
#define bpf_ktime_get_ns()				      shim_now()
#define bpf_get_current_pid_tgid()			      shim_current_id()
#define bpf_get_current_task()				      ((unsigned long)shim_current())
#define bpf_get_current_task_btf()			      ((struct task_struct *)shim_current())
#define bpf_task_pt_regs(task)				      ((void *)((char *)(task)->stack + regs_offset))
#define bpf_get_current_comm(to, bytes)			      shim_current_comm(to, bytes)
#define bpf_get_smp_processor_id()			      0u
#define bpf_current_task_under_cgroup(map, index)	      0
#define bpf_probe_read_kernel(to, bytes, from)		      shim_read(to, bytes, (const void *)(from))
#define bpf_probe_read_kernel_str(to, bytes, from)	      shim_read_text(to, bytes, (const void *)(from))
#define bpf_probe_read_user(to, bytes, from)		      shim_read_user(to, bytes, (const void *)(from))
#define bpf_probe_read_user_str(to, bytes, from)	      shim_read_user_text(to, bytes, (const void *)(from))
#define bpf_copy_from_user_task(to, bytes, from, task, flags) shim_read_user(to, bytes, (const void *)(from))
#define bpf_get_stack(context, to, bytes, flags)	      (-1L)
#define bpf_ringbuf_reserve(ring, bytes, flags)		      shim_reserve(bytes)
#define bpf_ringbuf_submit(record, flags)		      shim_submit(record)
#define bpf_ringbuf_output(ring, record, bytes, flags)	      shim_output(record, bytes)
#define bpf_ringbuf_query(ring, what)			      shim_waiting_bytes()
#define bpf_printk(...)					      ((void)0)

#endif
