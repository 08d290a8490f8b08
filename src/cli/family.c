/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/family.h"

#define ANCESTORS_MAX 64 /* a chain of parents read while it changes may be a ring */

/* Whether p is `ancestor` or descends from it. */
static bool descends(const struct proc_table *all, const struct proc *p, uint32_t ancestor)
{
	for (int i = 0; p && i < ANCESTORS_MAX; i++) {
		if (p->pid == ancestor)
			return true;
		p = proc_find(all, p->parent);
	}
	return false;
}

static bool belongs(const struct proc *p, const struct proc *head)
{
	return p->exe_inode && p->exe_inode == head->exe_inode && p->exe_dev == head->exe_dev;
}

bool family_may_have(const struct proc *p, uint32_t self)
{
	return !p->is_kernel && !proc_is_zombie(p) && p->pid != self;
}

static bool is_match(const struct proc *p, const char *name, uint32_t self)
{
	return family_may_have(p, self) && proc_is_called(p, name);
}

void family_put(struct bytes *list, const struct proc *p)
{
	bytes_printf(list, "%s%u (%s)", list->len ? ", " : "", p->pid, proc_name(p));
}

const struct proc *family_head(const struct proc_table *all, const char *name, uint32_t self,
			       struct bytes *list)
{
	const struct proc *head = NULL;
	for (size_t i = 0; i < all->n; i++) {
		const struct proc *p = &all->procs[i];
		if (!is_match(p, name, self))
			continue;
		family_put(list, p);
		if (!head || descends(all, head, p->pid))
			head = p;
	}
	for (size_t i = 0; head && i < all->n; i++)
		if (is_match(&all->procs[i], name, self) && !descends(all, &all->procs[i], head->pid))
			return NULL;
	return head;
}

bool family_has(const struct proc_table *all, const struct proc *head, const char *name, uint32_t self,
		const struct proc *p)
{
	return family_may_have(p, self) && descends(all, p, head->pid) &&
	       (proc_is_called(p, name) || belongs(p, head));
}
