/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes a name means: one family, that is one process of that name and those of its descendants that are called the same
 * (pre-fork servers) or run the same program under another name (multiprocessing workers). Pure, over a process table.
 */
#ifndef LOOPSTALL_CLI_FAMILY_H
#define LOOPSTALL_CLI_FAMILY_H

#include "cli/proc.h"

/* Whether it can be meant at all: neither kernel thread nor zombie nor loopstall (self). */
bool family_may_have(const struct proc *p, uint32_t self);
/* The one from which all others of that name descend; NULL if there is none or several families. Every match is put on the list. */
const struct proc *family_head(const struct proc_table *all, const char *name, uint32_t self,
			       struct bytes *list);
bool family_has(const struct proc_table *all, const struct proc *head, const char *name, uint32_t self,
		const struct proc *p);
/* Adds "12 (nginx)" to a list that people read. */
void family_put(struct bytes *list, const struct proc *p);

#endif
