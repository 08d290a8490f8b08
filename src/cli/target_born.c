/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that the processes of a set have begun since it was resolved. The kernel lists children by the thread that began them; a child's
 * own start says whether it is new, to a hundredth of a second.
 */
#include "cli/target.h"

#include "cli/family.h"
#include "cli/proc.h"
#include "cli/target_set.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_new(const struct target_roots *roots, const struct target_set *set, uint32_t pid,
		   struct proc *p)
{
	return !target_has(set, pid) && !proc_read(roots->proc, pid, p) &&
	       p->start_ticks >= set->asked_ticks && family_may_have(p, roots->self);
}

/* text: numbers and blanks */
static int add_children(const struct target_roots *roots, struct target_set *set, const char *text)
{
	struct proc p;
	char *end;

	for (unsigned long pid; (pid = strtoul(text, &end, 10)) && end != text; text = end)
		if (is_new(roots, set, (uint32_t)pid, &p) &&
		    !target_set_put(set, p.pid, proc_ns_pid(roots->proc, p.pid), proc_name(&p)))
			return -ENOMEM;
	return 0;
}

/* A process that has ended has none, and a kernel that does not list them is asked in vain. */
static int add_children_of(const struct target_roots *roots, struct target_set *set, uint32_t pid)
{
	struct bytes text = {0};
	char path[128];
	int err = 0;

	snprintf(path, sizeof path, "%s/%u/task", roots->proc, pid);
	DIR *tasks = opendir(path);
	for (struct dirent *e; tasks && !err && (e = readdir(tasks));)
		if (e->d_name[0] != '.' && !proc_file(&text, "%s/%s/children", path, e->d_name))
			err = add_children(roots, set, bytes_text(&text));
	if (tasks)
		closedir(tasks);
	bytes_free(&text);
	return err;
}

int target_add_born(const struct target_roots *roots, struct target_set *set)
{
	size_t n = set->n_processes;
	uint32_t *pids = calloc(n + 1, sizeof *pids);
	int err = pids ? 0 : -ENOMEM;

	for (size_t i = 0; pids && i < n; i++) /* in the set they move as it grows */
		pids[i] = set->processes[i].pid;
	for (size_t i = 0; i < n && !err; i++)
		err = add_children_of(roots, set, pids[i]);
	free(pids);
	return err;
}
