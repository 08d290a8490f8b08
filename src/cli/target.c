/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/target.h"

#include "base/array.h"
#include "capture/capabilities.h"
#include "cli/cgroup.h"
#include "cli/family.h"
#include "cli/proc.h"
#include "cli/target_set.h"
#include "cli/verbs.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What one call of target_resolve() works on. */
struct resolving {
	const struct target_roots *roots;
	struct target_set *set;
	struct diag *d;
};

static uint64_t ticks_now(void)
{
	long per_s = sysconf(_SC_CLK_TCK);
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * (uint64_t)per_s + (uint64_t)t.tv_nsec / (1000000000u / (uint64_t)per_s);
}

struct target_roots target_roots_here(void)
{
	struct target_roots roots = {"/proc", "/sys/fs/cgroup", (uint32_t)getpid(), geteuid() == 0};
	roots.now_ticks = ticks_now();
	if (capabilities_missing(CAPABILITIES_TO_LOOK, roots.missing, sizeof roots.missing))
		capabilities_fix(roots.fix, sizeof roots.fix);
	return roots;
}

static int no_memory(struct diag *d)
{
	return diag_fail(d, -ENOMEM, "out of memory");
}

static int add_proc(struct resolving *r, const struct proc *p)
{
	uint32_t ns_pid = proc_ns_pid(r->roots->proc, p->pid);
	return target_set_put(r->set, p->pid, ns_pid, proc_name(p)) ? 0 : no_memory(r->d);
}

static int add_tid(struct resolving *r, uint32_t tid)
{
	struct target_set *set = r->set;
	if (!array_reserve(&set->tids, &set->tids_cap, set->n_tids + 1, sizeof *set->tids))
		return no_memory(r->d);
	set->tids[set->n_tids++] = tid;
	return 0;
}

/* --- whether a process can be traced ---------------------------------------------------------------------------------- */

static int refuse_unseen(struct resolving *r, const struct proc *p, int err)
{
	if (err == -ENOENT)
		return diag_fail(r->d, -ESRCH, "process %u (%s) is just ending", p->pid, p->comm);
	const struct target_roots *roots = r->roots;
	diag_hint(r->d, "%s",
		  roots->fix[0]	      ? roots->fix
		  : roots->privileged ? "loopstall doctor shows which capability is missing"
				      : "run it with sudo");
	return diag_fail(r->d, -EPERM, "no rights to look into process %u (%s)%s%s", p->pid, p->comm,
			 roots->missing[0] ? ": missing " : "", roots->missing);
}

/* 0 if it can, else the reason with the diag filled. */
static int examine(struct resolving *r, const struct proc *p)
{
	if (p->pid == r->roots->self)
		return diag_fail(r->d, -EINVAL, "process %u is loopstall itself", p->pid);
	if (p->is_kernel)
		return diag_fail(r->d, -EOPNOTSUPP,
				 "process %u (%s) is a kernel thread: it has no event loop", p->pid, p->comm);
	if (proc_is_zombie(p)) {
		diag_hint(r->d, "its parent, process %u, has not asked for its exit status yet", p->parent);
		return diag_fail(r->d, -ESRCH, "process %u (%s) has exited (zombie)", p->pid, p->comm);
	}
	int class = proc_elf_class(r->roots->proc, p->pid);
	if (class < 0 && p->state != 'Z') /* a dead first thread takes the exe link with it */
		return refuse_unseen(r, p, class);
	if (class == ELFCLASS32)
		return diag_fail(r->d, -EOPNOTSUPP, "process %u (%s) is a 32-bit program: not supported",
				 p->pid, p->comm);
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

static int parse_id(struct resolving *r, const char *text, uint32_t *id)
{
	char *end;
	errno = 0;
	unsigned long value = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;
	if (!value || errno || *end || value > INT32_MAX)
		return diag_fail(r->d, -EINVAL, "'%s' is not a process id", text);
	*id = (uint32_t)value;
	return 0;
}

static bool is_verb(const char *text)
{
	for (size_t i = VERB_LIVE + 1; i < VERBS; i++)
		if (!strcmp(text, verbs[i].name))
			return true;
	return false;
}

static int not_found(struct resolving *r, const char *what, const char *text)
{
	if (is_verb(text))
		diag_hint(r->d, "as a verb it comes first: loopstall %s", text);
	else
		diag_hint(r->d, "%s",
			  r->roots->privileged
				  ? "ps -e lists the processes"
				  : "ps -e lists the processes; some may be hidden without sudo");
	return diag_fail(r->d, -ESRCH, "no %s '%s'", what, text);
}

/* The last note wins; without memory there is none: it is only a courtesy. */
static void __attribute__((format(printf, 2, 3))) set_note(struct target_set *set, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	free(set->note);
	if (vasprintf(&set->note, fmt, args) < 0)
		set->note = NULL;
	va_end(args);
}

/* A number nobody has here: perhaps the one a process has in its container. */
static int resolve_inner_pid(struct resolving *r, uint32_t inner, const char *text)
{
	struct proc_table all;
	struct bytes list = {0};
	const struct proc *found = NULL;
	size_t n = 0;
	int err = proc_scan(r->roots->proc, &all);
	if (err)
		return diag_fail(r->d, err, "cannot read %s", r->roots->proc);
	for (size_t i = 0; i < all.n; i++) {
		struct proc *p = &all.procs[i];
		if (p->pid == r->roots->self || proc_ns_pid(r->roots->proc, p->pid) != inner)
			continue;
		found = p;
		n++;
		family_put(&list, p);
	}
	if (!n)
		err = not_found(r, "process", text);
	else if (n > 1) {
		diag_hint(r->d, "name one of them by the number before its parenthesis");
		err = diag_fail(r->d, -EEXIST, "%u is ambiguous, in their own PID namespaces it means: %s",
				inner, bytes_text(&list));
	} else if (!(err = examine(r, found)) && !(err = add_proc(r, found)))
		set_note(r->set, "%u in its container is process %u (%s) here", inner, found->pid,
			 proc_name(found));
	bytes_free(&list);
	proc_table_free(&all);
	return err;
}

static int resolve_pid(struct resolving *r, const char *text)
{
	struct proc p;
	uint32_t id, owner;
	int err = parse_id(r, text, &id);
	if (err)
		return err;
	owner = proc_of_thread(r->roots->proc, id);
	if (proc_read(r->roots->proc, owner ? owner : id, &p))
		return resolve_inner_pid(r, id, text);
	err = examine(r, &p);
	if (!err && p.pid != id)
		set_note(r->set, "%u is a thread of %s %u: watching the process (-t for the thread)", id,
			 proc_name(&p), p.pid);
	return err ? err : add_proc(r, &p);
}

static int resolve_tid(struct resolving *r, const char *text)
{
	struct proc p;
	uint32_t tid;
	int err = parse_id(r, text, &tid);
	if (err)
		return err;
	uint32_t owner = proc_of_thread(r->roots->proc, tid);
	if (!owner || proc_read(r->roots->proc, owner, &p))
		return not_found(r, "thread", text);
	err = examine(r, &p);
	if (!err)
		err = add_tid(r, tid);
	return err ? err : add_proc(r, &p);
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

static int add_family(struct resolving *r, const struct proc_table *all, const struct proc *head,
		      const char *name)
{
	int err = examine(r, head);
	for (size_t i = 0; !err && i < all->n; i++)
		if (family_has(all, head, name, r->roots->self, &all->procs[i]))
			err = add_proc(r, &all->procs[i]);
	return err;
}

/* -ENOENT without a word if nothing is called so. */
static int resolve_name(struct resolving *r, const char *name)
{
	struct proc_table all;
	struct bytes list = {0};
	int err = proc_scan(r->roots->proc, &all);
	if (err)
		return diag_fail(r->d, err, "cannot read %s", r->roots->proc);
	const struct proc *head = family_head(&all, name, r->roots->self, &list);
	if (!list.len)
		err = -ENOENT;
	else if (head)
		err = add_family(r, &all, head, name);
	else {
		diag_hint(r->d, "name the ones you mean: loopstall -p PID,PID");
		err = diag_fail(r->d, -EEXIST, "'%s' is ambiguous: %s", name, bytes_text(&list));
	}
	bytes_free(&list);
	proc_table_free(&all);
	return err;
}

/* --- cgroups ---------------------------------------------------------------------------------------------------------- */

static int add_members(struct resolving *r, const char *directory, size_t *n)
{
	struct cgroup_members m;
	int err = cgroup_read_members(directory, &m);
	if (err)
		return diag_fail(r->d, err, "cannot read the members of %s: %s", directory, strerror(-err));
	for (size_t i = 0; i < m.n && !err; i++) {
		struct proc p;
		if (proc_read(r->roots->proc, m.pids[i], &p) || !family_may_have(&p, r->roots->self))
			continue;
		err = add_proc(r, &p);
		(*n)++;
	}
	free(m.pids);
	return err;
}

/* Takes path over. A v2 cgroup may be empty yet: it is followed by its id. */
static int add_cgroup(struct resolving *r, char *path)
{
	struct target_set *set = r->set;
	struct target_cgroup c = {.path = path};
	size_t n = 0;
	cgroup_identify(&c);
	int err = add_members(r, path, &n);
	if (!err && !n && !c.is_v2)
		err = diag_fail(r->d, -ESRCH, "cgroup %s has no processes", path);
	if (!err &&
	    !array_reserve(&set->cgroups, &set->cgroups_cap, set->n_cgroups + 1, sizeof *set->cgroups))
		err = no_memory(r->d);
	if (err)
		free(path);
	else
		set->cgroups[set->n_cgroups++] = c;
	return err;
}

static int resolve_cgroup(struct resolving *r, const char *text)
{
	char *path = cgroup_directory(r->roots, text);
	if (path)
		return add_cgroup(r, path);
	diag_hint(r->d, "give a path below %s; cat /proc/PID/cgroup shows that of a process",
		  r->roots->cgroup);
	return diag_fail(r->d, -ESRCH, "no cgroup '%s'", text);
}

/* -ENOENT without a word if there is none of that name. */
static int resolve_in_cgroups(struct resolving *r, enum cgroup_named as, const char *name)
{
	struct cgroup_dirs found;
	int err = cgroup_find(r->roots, as, name, &found);
	if (err)
		return diag_fail(r->d, err, "cannot read %s", r->roots->proc);
	if (found.n == 1) {
		err = add_cgroup(r, found.paths[0]);
		found.n = 0;
	} else if (!found.n)
		err = -ENOENT;
	else {
		diag_hint(r->d, "name one by its path: -c %s", found.paths[0]);
		err = diag_fail(r->d, -EEXIST, "'%s' is ambiguous: %s and %s%s", name, found.paths[0],
				found.paths[1], found.n > 2 ? " and more" : "");
	}
	cgroup_dirs_free(&found);
	return err;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), t = strlen(tail);
	return n > t && !strcmp(text + n - t, tail);
}

static bool is_unit_name(const char *text)
{
	return ends_with(text, ".service") || ends_with(text, ".scope") || ends_with(text, ".slice");
}

static int resolve_unit(struct resolving *r, const char *text)
{
	int err = resolve_in_cgroups(r, CGROUP_UNIT, text);
	if (err != -ENOENT)
		return err;
	diag_hint(r->d, "systemctl status %s shows whether it runs", text);
	return diag_fail(r->d, -ESRCH, "no running unit '%s'", text);
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return text[0] && !text[strspn(text, "0123456789")] && strlen(text) <= 10;
}

/* A PID; but the beginning of a container id may happen to have no letter. */
static int resolve_number(struct resolving *r, const char *text)
{
	int err = resolve_pid(r, text);
	if (err != -ESRCH && err != -EINVAL)
		return err;
	int in_container = resolve_in_cgroups(r, CGROUP_CONTAINER, text);
	return in_container == -ENOENT ? err : in_container;
}

static int resolve_word(struct resolving *r, const char *text)
{
	char *unit = NULL;
	if (is_number(text))
		return resolve_number(r, text);
	if (strchr(text, '/'))
		return resolve_cgroup(r, text);
	if (is_unit_name(text))
		return resolve_unit(r, text);
	int err = resolve_name(r, text);
	if (err == -ENOENT)
		err = asprintf(&unit, "%s.service", text) < 0 ? no_memory(r->d)
							      : resolve_in_cgroups(r, CGROUP_UNIT, unit);
	if (err == -ENOENT)
		err = resolve_in_cgroups(r, CGROUP_CONTAINER, text);
	free(unit);
	return err == -ENOENT ? not_found(r, "process, unit or container", text) : err;
}

static int (*const resolvers[])(struct resolving *r, const char *text) = {
	[TARGET_AS_ANY] = resolve_word,
	[TARGET_AS_PID] = resolve_pid,
	[TARGET_AS_TID] = resolve_tid,
	[TARGET_AS_CGROUP] = resolve_cgroup,
};

/* Adds the children of a process that run its program and are not in the set. */
static void put_children(const struct resolving *r, const struct proc *parent, struct bytes *list)
{
	struct bytes text = {0};
	struct proc child;
	bool known = !proc_file(&text, "%s/%u/task/%u/children", r->roots->proc, parent->pid, parent->pid);
	const char *at = known ? bytes_text(&text) : "";
	char *end;
	for (unsigned long pid; (pid = strtoul(at, &end, 10)) && end != at; at = end)
		if (!proc_read(r->roots->proc, (uint32_t)pid, &child) && child.exe_inode &&
		    child.exe_inode == parent->exe_inode && child.exe_dev == parent->exe_dev &&
		    !target_has(r->set, child.pid))
			bytes_printf(list, ",%u", child.pid);
	bytes_free(&text);
}

/* Who names a server by the number of its first process may mean its workers, which are older than the watch. */
static void note_children(const struct resolving *r)
{
	struct target_set *set = r->set;
	struct bytes list = {0};
	struct proc p;
	if (set->n_processes == 1 && !set->n_cgroups && !set->n_tids && !set->note &&
	    !proc_read(r->roots->proc, set->processes[0].pid, &p))
		put_children(r, &p, &list);
	if (list.len && bytes_ok(&list))
		set_note(set, "workers that %u (%s) has started already are not watched: loopstall -p %u%s",
			 p.pid, proc_name(&p), p.pid, bytes_text(&list));
	bytes_free(&list);
}

int target_resolve(const struct target_roots *roots, const struct target_request *asked, size_t n, bool all,
		   struct target_set *set, struct diag *d)
{
	*set = (struct target_set){
		.all = all, .asked_ticks = roots->now_ticks, .text = target_set_text(asked, n, all)};
	struct resolving r = {roots, set, d};
	int err = set->text ? 0 : no_memory(d);
	for (size_t i = 0; i < n && !err; i++)
		err = resolvers[asked[i].as](&r, asked[i].text);
	if (err)
		target_free(set);
	else
		note_children(&r);
	return err;
}

int target_refresh(const struct target_roots *roots, struct target_set *set)
{
	struct resolving r = {roots, set, NULL};
	size_t n = 0;
	int err = 0;
	for (size_t i = 0; i < set->n_cgroups && !err; i++)
		err = add_members(&r, set->cgroups[i].path, &n);
	return err == -ENOENT ? 0 : err; /* the cgroup is gone, its processes with it */
}
