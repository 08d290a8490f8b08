/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of the small kernel and their quotas; part of machine.c, which has the kernel's types. */
#ifndef LOOPSTALL_TESTS_BPF_MACHINE_GROUPS_H
#define LOOPSTALL_TESTS_BPF_MACHINE_GROUPS_H

#define MAX_GROUPS 8

struct group {
	struct task_group kernel; /* first: the programs' group is the test's group */
	struct cgroup cgroup;
	struct kernfs_node node;
};

static struct {
	struct group all[MAX_GROUPS];
	__u32 n;
} groups;

struct task_group *group_new(struct task_group *above, const char *name, uint64_t quota_ns)
{
	if (groups.n == MAX_GROUPS)
		abort();
	struct group *g = &groups.all[groups.n++];
	g->node.name = name;
	g->cgroup.kn = &g->node;
	g->cgroup.level = above ? above->css.cgroup->level + 1 : 0;
	g->kernel.css.cgroup = &g->cgroup;
	g->kernel.parent = above;
	g->kernel.cfs_bandwidth.quota = quota_ns ? quota_ns : ~0ULL;
	g->kernel.cfs_bandwidth.period = 100 * MS;
	return &g->kernel;
}

void group_throttled(struct task_group *group, uint64_t ns)
{
	group->cfs_bandwidth.throttled_time += ns;
}

void task_joins(struct task_struct *t, struct task_group *group)
{
	t->sched_task_group = group;
}

#endif
