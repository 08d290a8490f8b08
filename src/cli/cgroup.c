/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cgroup.h"

#include "base/array.h"
#include "cli/cgroup_text.h"
#include "cli/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_DEPTH_MAX 32 /* of directories walked; runtimes nest below ten */

static bool is_directory(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool has_file(const char *directory, const char *name)
{
	char path[4096];
	return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path &&
	       !access(path, F_OK);
}

/* --- where a hierarchy is mounted
 * ----------------------------------------------------------------------------------- */

/* The directory of a line of /proc/PID/cgroup: v2 at the root or in unified/, v1 under the name of a
 * controller. */
static char *mounted(const char *root, const char *controllers, const char *path, size_t len)
{
	char *full = NULL;
	const char *named = strncmp(controllers, "name=", 5) ? controllers : controllers + 5;
	const char *places[] = {*named ? named : ".", "unified", NULL};
	size_t first = strcspn(named, ",");
	char one[64];
	snprintf(one, sizeof one, "%.*s", (int)first, named);
	if (*named)
		places[1] = one; /* "cpu,cpuacct" may be mounted as cpu */
	for (size_t i = 0; places[i]; i++) {
		if (asprintf(&full, "%s/%s%.*s", root, places[i], (int)len, path) < 0)
			return NULL;
		if (is_directory(full) && (*named || has_file(full, "cgroup.controllers")))
			return full;
		free(full);
	}
	return NULL;
}

/* The best directory that one process's /proc/PID/cgroup offers; NULL if nothing fits. The text is cut up. */
static char *best_directory(const char *root, char *text, enum cgroup_named as, const char *wanted)
{
	char *best = NULL, *rest = NULL;
	int best_rank = 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct cgroup_line l;
		if (!cgroup_text_line(line, &l))
			continue;
		size_t len = cgroup_text_prefix(l.path, as, wanted);
		if (!len || l.rank <= best_rank)
			continue;
		char *full = mounted(root, l.controllers, l.path, len);
		if (!full)
			continue;
		free(best);
		best = full;
		best_rank = l.rank;
	}
	return best;
}

/* Takes path over. */
static int add_directory(struct cgroup_dirs *d, char *path)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->paths[i], path)) {
			free(path);
			return 0;
		}
	if (!array_reserve(&d->paths, &d->cap, d->n + 1, sizeof *d->paths)) {
		free(path);
		return -ENOMEM;
	}
	d->paths[d->n++] = path;
	return 0;
}

int cgroup_find(const struct target_roots *roots, enum cgroup_named as, const char *name,
		struct cgroup_dirs *found)
{
	*found = (struct cgroup_dirs){0};
	struct bytes text = {0};
	DIR *dir = opendir(roots->proc);
	if (!dir)
		return -errno;
	int err = 0;
	for (struct dirent *entry; !err && (entry = readdir(dir));) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    proc_file(&text, "%s/%s/cgroup", roots->proc, entry->d_name) || !text.len)
			continue;
		char *path = best_directory(roots->cgroup, text.data, as, name);
		if (path)
			err = add_directory(found, path);
	}
	closedir(dir);
	bytes_free(&text);
	if (err)
		cgroup_dirs_free(found);
	return err;
}

static bool has_members(const char *directory)
{
	struct cgroup_members m = {0};
	bool has = !cgroup_read_members(directory, &m) && m.n;
	free(m.pids);
	return has;
}

/* In a mixed hierarchy a path may exist several times and be empty in some: the first with members wins, else
 * the first. */
static char *below_a_root(const char *root, const char *typed)
{
	static const char *const places[] = {".",    "unified", "systemd", "cpu",  "memory",
					     "pids", "devices", "freezer", "blkio"};
	char *first = NULL;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *full;
		if (asprintf(&full, "%s/%s/%s", root, places[i], typed) < 0)
			break;
		bool there = is_directory(full) && has_file(full, "cgroup.procs");
		if (there && has_members(full)) {
			free(first);
			return full;
		}
		if (there && !first)
			first = full;
		else
			free(full);
	}
	return first;
}

char *cgroup_directory(const struct target_roots *roots, const char *typed)
{
	if (typed[0] == '/' && is_directory(typed) && has_file(typed, "cgroup.procs"))
		return strdup(typed);
	return below_a_root(roots->cgroup, typed + strspn(typed, "/"));
}

void cgroup_identify(struct target_cgroup *c)
{
	struct stat st;
	c->is_v2 = has_file(c->path, "cgroup.controllers");
	c->id = 0;
	c->level = 0;
	if (!c->is_v2 || stat(c->path, &st))
		return;
	c->id = st.st_ino; /* kernfs: the inode number of a v2 directory is the cgroup's id on 64-bit kernels
	                    */
	char above[4096];
	int len = snprintf(above, sizeof above, "%s", c->path);
	while (len > 0 && len < (int)sizeof above - 4 && c->level < CGROUP_DEPTH_MAX) {
		memcpy(above + len, "/..", sizeof "/..");
		if (!has_file(above, "cgroup.controllers"))
			break;
		len += 3;
		c->level++;
	}
}

/* --- members
 * -------------------------------------------------------------------------------------------------------- */

static int read_procs(const char *directory, struct cgroup_members *m)
{
	struct bytes text = {0};
	int err = proc_file(&text, "%s/cgroup.procs", directory);
	if (!err)
		err = cgroup_text_members(bytes_text(&text), m);
	bytes_free(&text);
	return err == -EOPNOTSUPP ? 0 : err; /* a threaded cgroup: its processes are listed above it */
}

static int read_tree(const char *directory, int depth, struct cgroup_members *m)
{
	int err = read_procs(directory, m);
	DIR *dir = err || !depth ? NULL : opendir(directory);
	for (struct dirent *entry; dir && !err && (entry = readdir(dir));) {
		char *below = NULL;
		if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		if (asprintf(&below, "%s/%s", directory, entry->d_name) < 0)
			err = -ENOMEM;
		else if (is_directory(below))
			err = read_tree(below, depth - 1, m);
		if (err == -ENOENT || err == -ENODEV) /* removed meanwhile */
			err = 0;
		free(below);
	}
	if (dir)
		closedir(dir);
	return err;
}

int cgroup_read_members(const char *directory, struct cgroup_members *m)
{
	*m = (struct cgroup_members){0};
	int err = read_tree(directory, CGROUP_DEPTH_MAX, m);
	if (err) {
		free(m->pids);
		*m = (struct cgroup_members){0};
	}
	return err;
}

void cgroup_dirs_free(struct cgroup_dirs *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->paths[i]);
	free(d->paths);
	*d = (struct cgroup_dirs){0};
}
