/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/target_set.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

bool target_has(const struct target_set *set, uint32_t pid)
{
	for (size_t i = 0; i < set->n_processes; i++)
		if (set->processes[i].pid == pid)
			return true;
	return false;
}

bool target_set_put(struct target_set *set, uint32_t pid, uint32_t ns_pid, const char *name)
{
	if (target_has(set, pid))
		return true;
	if (!array_reserve(&set->processes, &set->processes_cap, set->n_processes + 1,
			   sizeof *set->processes))
		return false;
	size_t at = set->n_processes++;
	for (; at && set->processes[at - 1].pid > pid; at--)
		set->processes[at] = set->processes[at - 1];
	set->processes[at] = (struct target_process){.pid = pid, .ns_pid = ns_pid};
	snprintf(set->processes[at].name, sizeof set->processes[at].name, "%s", name);
	return true;
}

bool target_add(struct target_set *set, uint32_t pid, const char *name)
{
	return target_set_put(set, pid, pid, name);
}

void target_free(struct target_set *set)
{
	for (size_t i = 0; i < set->n_cgroups; i++)
		free(set->cgroups[i].path);
	free(set->processes);
	free(set->tids);
	free(set->cgroups);
	free(set->text);
	free(set->note);
	*set = (struct target_set){0};
}

char *target_set_text(const struct target_request *asked, size_t n, bool all)
{
	static const char *const dash[] = {"", "-p ", "-t ", "-c "};
	struct bytes text = {0};
	if (all)
		bytes_puts(&text, "-a");
	for (size_t i = 0; i < n; i++)
		bytes_printf(&text, "%s%s%s", text.len ? " " : "", dash[asked[i].as], asked[i].text);
	bytes_puts(&text, "");
	if (!bytes_ok(&text))
		bytes_free(&text);
	return text.data;
}
