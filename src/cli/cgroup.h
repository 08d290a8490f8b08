/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups as files: where the directory of a unit, a container or a path is, in a v2, v1 or mixed hierarchy,
 * and who is in it. Works below given roots; a v2 directory is known by its cgroup.controllers.
 */
#ifndef LOOPSTALL_CLI_CGROUP_H
#define LOOPSTALL_CLI_CGROUP_H

#include "base/bytes.h"
#include "cli/target.h"

/* A list of directories, each once. */
struct cgroup_dirs {
	char **paths;
	size_t n, cap;
};

enum cgroup_named { CGROUP_UNIT, CGROUP_CONTAINER };

/*
 * Directories of every running process's cgroup whose name is that of the unit ("x.service") or begins with
 * the container id; one per unit or container, from the v2 hierarchy if it is there, else systemd's own, else
 * any. 0 or a negative errno.
 */
int cgroup_find(const struct target_roots *roots, enum cgroup_named as, const char *name,
		struct cgroup_dirs *found);
/* Turns what was typed behind -c into a directory: absolute, or below a hierarchy's root. NULL if there is
 * none; to be freed. */
char *cgroup_directory(const struct target_roots *roots, const char *typed);
/* Fills id, level and is_v2 of a directory. */
void cgroup_identify(struct target_cgroup *c);

struct cgroup_members {
	uint32_t *pids;
	size_t n, cap;
};
/* Processes in the directory and all below it. 0 or a negative errno. */
int cgroup_read_members(const char *directory, struct cgroup_members *m);

void cgroup_dirs_free(struct cgroup_dirs *d);

#endif
