/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what somebody typed to the processes, threads and cgroups that are meant. Reads /proc and the cgroup
 * file systems below given roots and nothing else, so a test hands it a tree of its own; knows nothing of
 * tracing.
 *
 * A bare number is a PID in loopstall's own PID namespace; a thread's number means its process. Only if no
 * such process exists is it looked for as the number a process has in its own namespace, and then it must fit
 * exactly one process. Other words are tried as cgroup path (with a slash), unit (NAME.service, .scope,
 * .slice), process name, container id. A name takes one family: all matches must be one process and its
 * descendants (pre-fork servers); descendants that run the same program under another name (multiprocessing
 * workers) belong to it. Loopstall itself is never included.
 */
#ifndef LOOPSTALL_CLI_TARGET_H
#define LOOPSTALL_CLI_TARGET_H

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_as { TARGET_AS_ANY, TARGET_AS_PID, TARGET_AS_TID, TARGET_AS_CGROUP };

/* One target as typed. */
struct target_request {
	enum target_as as;
	const char *text;
};

struct target_process {
	uint32_t pid;	 /* thread group id, loopstall's own PID namespace */
	uint32_t ns_pid; /* as its own namespace numbers it; equal to pid without a nested namespace */
	char name[64];	 /* for people: base name of its program or script, else its comm; not cleaned for
	                    terminals */
};

struct target_cgroup {
	char *path; /* directory in the cgroup file system */
	bool is_v2;
	uint64_t id;	/* v2: what bpf_get_current_ancestor_cgroup_id() compares with */
	uint32_t level; /* v2: depth below the hierarchy's root, which has level 0 */
};

struct target_set {
	bool all;
	struct target_process
		*processes; /* meant now, in order of PID, each once; members of cgroups included */
	size_t n_processes, processes_cap;
	uint32_t *tids; /* -t: trace only these; their processes are in processes */
	size_t n_tids, tids_cap;
	struct target_cgroup
		*cgroups; /* v1 has no BPF id: its members are in processes and have to be read again */
	size_t n_cgroups, cgroups_cap;
	uint64_t asked_ticks; /* when it was resolved, as starts of processes are told */
	char *text;	      /* as typed: "uvicorn", "-p 4121", "-a" */
	char *note;	      /* what an answer was taken to mean where that needs saying, or NULL */
};

struct target_roots {
	const char *proc;   /* "/proc" */
	const char *cgroup; /* "/sys/fs/cgroup" */
	uint32_t self;	    /* own PID, never included */
	bool privileged;    /* only words the errors: sudo is not advised to root */
	char missing[128];  /* capabilities to look into processes, "" none */
	char fix[192];	    /* and where to get them */
	uint64_t now_ticks; /* since boot, as starts of processes are told */
};

/* /proc, /sys/fs/cgroup, getpid(), now. */
struct target_roots target_roots_here(void);

/*
 * Fills *set. 0, or a negative errno with the diag filled and *set empty: -ESRCH not found or dead, -EPERM no
 * rights, -EOPNOTSUPP kernel thread or 32-bit, -EEXIST ambiguous, -EINVAL loopstall itself or no number,
 * -ENOMEM.
 */
int target_resolve(const struct target_roots *roots, const struct target_request *asked, size_t n, bool all,
		   struct target_set *set, struct diag *d);

/* Adds one process without looking at it (a command just forked). False without memory. */
bool target_add(struct target_set *set, uint32_t pid, const char *name);
bool target_has(const struct target_set *set, uint32_t pid);

/* Reads the members of all cgroups of the set again and adds the new ones. 0 or a negative errno. */
int target_refresh(const struct target_roots *roots, struct target_set *set);

/* Adds the children that processes of the set have begun since it was resolved; once, not theirs. 0 or -ENOMEM. */
int target_add_born(const struct target_roots *roots, struct target_set *set);

void target_free(struct target_set *set);

#endif
