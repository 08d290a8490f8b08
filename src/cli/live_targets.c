/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is followed: the processes of the target set, and what they begin. It takes some tenths of a second until everything is attached, and
 * nothing tells of a process that begins or ends meanwhile: so children and members are read again then.
 */
#include "cli/live_parts.h"

#define PASSES 8 /* one for each generation that came meanwhile, and one that finds nobody */

void targets_add(struct live_source *s, uint32_t tgid)
{
	if (!idmap_get(&s->processes, tgid))
		idmap_put(&s->processes, tgid, s);
	s->had_process = true;
	python_follow(s, tgid);
}

int live_source_follow(struct live_source *s, uint32_t pid)
{
	int err = capture_follow(s->capture, pid);

	if (err)
		return err;
	s->had_process = true;
	if (missed_has_ended(pid))
		capture_unfollow(s->capture, pid); /* nothing will tell of its end */
	else
		targets_add(s, pid);
	return 0;
}

int targets_follow(struct live_source *s)
{
	const struct target_set *set = s->options.targets;
	int err = 0;

	for (size_t i = 0; i < set->n_processes && !err; i++)
		err = live_source_follow(s, set->processes[i].pid);
	for (size_t i = 0; i < set->n_tids && !err; i++)
		err = capture_follow_tid(s->capture, set->tids[i]);
	return err;
}

static bool read_again(struct live_source *s, const struct target_roots *roots)
{
	struct target_set *set = s->options.targets;
	size_t known = set->n_processes;

	return !target_refresh(roots, set) &&
	       !(s->options.capture.follow_forks && target_add_born(roots, set)) && set->n_processes > known;
}

/* What they did after the attach is in the ring still, and will be told. */
static void ended_drop(struct live_source *s)
{
	const struct target_set *set = s->options.targets;

	for (size_t i = 0; i < set->n_processes; i++) {
		uint32_t pid = set->processes[i].pid;
		if (!idmap_get(&s->processes, pid) || !missed_has_ended(pid))
			continue;
		capture_unfollow(s->capture, pid);
		live_process_ended(s, pid, kernel_now_ns());
	}
}

/* Whoever is followed already tells of its own children; of those that are new here the next pass asks. */
void targets_complete(struct live_source *s)
{
	const struct target_set *set = s->options.targets;
	struct target_roots roots = target_roots_here();

	if (set->all)
		return;
	ended_drop(s);
	if (set->n_tids)
		return;
	for (int pass = 0; pass < PASSES && read_again(s, &roots); pass++)
		for (size_t i = 0; i < set->n_processes; i++)
			if (!idmap_get(&s->processes, set->processes[i].pid))
				live_source_follow(s, set->processes[i].pid);
}
