/* SPDX-License-Identifier: Apache-2.0 */
/* What the files below /proc/PID say, as text that a process may have a hand in. Opens nothing. */
#ifndef LOOPSTALL_CLI_PROC_TEXT_H
#define LOOPSTALL_CLI_PROC_TEXT_H

#include "cli/proc.h"

/* Copies what is behind the last slash of a name that ends at len, cut to fit. */
void proc_text_base(char to[PROC_NAME_BYTES], const char *path, size_t len);
/* stat: fills comm, state, parent, is_kernel and threads. False if it is none. */
bool proc_text_stat(const char *text, struct proc *p);
/* cmdline: fills title, and by the program (else the title) script. */
void proc_text_argv(const struct bytes *argv, struct proc *p);
/* status: the last number behind "key:", 0 without one. */
uint32_t proc_text_number(const char *status, const char *key);

struct taken;
/* /proc/stat: what all CPUs together lost to the hypervisor and to interrupts, of ticks of so many a second. False if it is none. */
bool proc_text_taken(const char *text, unsigned ticks_per_s, struct taken *taken);

struct proc_call {
	bool runs;	 /* on a CPU or about to: the rest is 0 */
	uint32_t number; /* of the system call; UINT32_MAX: blocked outside of one */
	uint64_t first;	 /* its first argument */
};
/* task/TID/syscall. False if it tells nothing. */
bool proc_text_call(const char *text, struct proc_call *call);
/* fdinfo/FD of an epoll object: how many descriptors are registered in it. */
uint32_t proc_text_watched(const char *fdinfo);

#endif
