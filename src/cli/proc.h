/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table as /proc shows it below a given root: what a process is called, whose child it is,
 * whether it can be traced at all. Reads and parses; decides nothing about targets.
 */
#ifndef LOOPSTALL_CLI_PROC_H
#define LOOPSTALL_CLI_PROC_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_NAME_BYTES 64

struct proc {
	uint32_t pid, parent;
	char state; /* as in /proc/PID/stat: R S D T Z X … */
	bool is_kernel;
	uint32_t threads;
	uint64_t start_ticks; /* after boot, in units of sysconf(_SC_CLK_TCK) */
	char comm[16];
	char program[PROC_NAME_BYTES]; /* base name of the executable, "" when it cannot be seen */
	char title[PROC_NAME_BYTES];   /* base name of argv[0], up to a colon or blank */
	char script[PROC_NAME_BYTES];  /* base name of what an interpreter runs, or "" */
	uint64_t exe_dev, exe_inode;   /* 0 when it cannot be seen */
};

struct proc_table {
	struct proc *procs; /* in order of PID */
	size_t n, cap;
};

/* 0, -ESRCH when there is none, -ENOMEM. */
int proc_read(const char *root, uint32_t pid, struct proc *p);
/* Every process now there. 0, or a negative errno. */
int proc_scan(const char *root, struct proc_table *t);
const struct proc *proc_find(const struct proc_table *t, uint32_t pid);
void proc_table_free(struct proc_table *t);

/* For people: script, else the link that it was started by, else program, else comm. */
const char *proc_name(const struct proc *p);
bool proc_is_called(const struct proc *p, const char *name);
/* Exited and only waiting to be reaped; a dead first thread with living others is not. */
bool proc_is_zombie(const struct proc *p);

/* The process a thread belongs to, 0 for none. */
uint32_t proc_of_thread(const char *root, uint32_t tid);
/* Its number in its own PID namespace (the last of NSpid); pid itself where that is unknown. */
uint32_t proc_ns_pid(const char *root, uint32_t pid);
/* 1 or 2 for a 32- or 64-bit program (ELFCLASS32, ELFCLASS64), 0 for neither, or a negative errno. */
int proc_elf_class(const char *root, uint32_t pid);

/* A whole small file into out (cleared first), at most 1 MB. 0 or a negative errno. */
int proc_file(struct bytes *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
