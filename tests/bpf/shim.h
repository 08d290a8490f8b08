/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's helpers as ordinary functions: maps in memory, a clock and a running task that the test sets, a ring whose records are
 * kept, memory that is read only where it exists. Knows no loops and no gaps. Plain C types only, because the programs' own headers
 * and libc's cannot be in one file.
 */
#ifndef LOOPSTALL_TESTS_BPF_SHIM_H
#define LOOPSTALL_TESTS_BPF_SHIM_H

/* Everything that was made is freed; the clock is at start_ns. */
void shim_start(unsigned long long start_ns, unsigned long long ring_bytes);
void shim_stop(void);

/* --- maps: known by the address of their definition; kind is enum bpf_map_type */
void shim_map(const void *map, unsigned kind, unsigned key_bytes, unsigned value_bytes, unsigned entries);
void *shim_lookup(const void *map, const void *key);
long shim_update(const void *map, const void *key, const void *value, unsigned long long flags);
long shim_delete(const void *map, const void *key);
long shim_push(const void *map, const void *value);
long shim_pop(const void *map, void *value);
unsigned shim_entries(const void *map);

/* --- clock, and what runs on this CPU */
unsigned long long shim_now(void);
void shim_advance(unsigned long long ns);
void shim_run(void *task, unsigned tgid, unsigned tid, const char *comm);
void *shim_current(void);
unsigned long long shim_current_id(void);
long shim_current_comm(void *to, unsigned bytes);

/* --- memory: the kernel's is anything that is not near zero, a user's only what was declared */
long shim_read(void *to, unsigned bytes, const void *from);
long shim_read_text(void *to, unsigned bytes, const void *from);
void shim_user_memory(const void *at, unsigned long bytes);
long shim_read_user(void *to, unsigned bytes, const void *from);
long shim_read_user_text(void *to, unsigned bytes, const void *from);

/* --- ring: reserved memory holds rubbish, as the kernel's does */
void *shim_reserve(unsigned long long bytes);
void shim_submit(void *record);
long shim_output(const void *record, unsigned long long bytes);
unsigned long long shim_waiting_bytes(void);
/* The oldest record not taken yet, NULL none; valid until the next call. */
const void *shim_take(unsigned long *bytes);

/*
 * Another CPU: at place number `at` of the programs from now on, `act` is called once. A place is the beginning of a basic block, a
 * helper's call or an atomic's return; shim_places() says how many there have been, so that a test can try each.
 */
void shim_interrupt(unsigned long at, void (*act)(void *), void *context);
unsigned long shim_places(void);
void shim_place(void);

#endif
