/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/target_rights.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_MAX_BYTES (1u << 20) /* 65,536 groups */
#define READS_ALL	 (1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH)

static const char *field(const char *status, const char *key)
{
	const char *at = strstr(status, key);
	return at ? at + strlen(key) : NULL;
}

/* Of the four numbers in such a line: the real one, and that for files. */
static bool read_ids(const char *line, uint32_t *real, uint32_t *of_files)
{
	return line && sscanf(line, "%u %*u %*u %u", real, of_files) == 2;
}

bool target_rights_parse(struct target_rights *r, const char *status, bool same_namespace)
{
	const char *caps = field(status, "\nCapEff:");
	uint32_t real_uid, real_gid;

	*r = (struct target_rights){.groups = field(status, "\nGroups:")};
	if (!caps || !r->groups || !read_ids(field(status, "\nUid:"), &real_uid, &r->uid) ||
	    !read_ids(field(status, "\nGid:"), &real_gid, &r->gid))
		return false;
	r->all = same_namespace && strtoull(caps, NULL, 16) & READS_ALL;
	r->lent = real_uid && (real_uid != r->uid || real_gid != r->gid);
	return true;
}

static bool is_in_group(const struct target_rights *r, uint32_t gid)
{
	const char *at = r->groups;
	char *end;

	if (gid == r->gid)
		return true;
	for (unsigned long one; (one = strtoul(at, &end, 10)), end != at; at = end)
		if (one == gid)
			return true;
	return false;
}

bool target_rights_allow(const struct target_rights *r, const struct stat *st, enum target_right wanted)
{
	if (r->lent || r->all)
		return !r->lent;
	unsigned shift = st->st_uid == r->uid ? 6 : is_in_group(r, st->st_gid) ? 3 : 0;
	return st->st_mode >> shift & wanted;
}

/* --- of a process that is there */

static bool read_link(char to[PATH_MAX], const char *name)
{
	ssize_t n = readlink(name, to, PATH_MAX - 1);

	to[n > 0 ? n : 0] = 0;
	return n > 0 && n < PATH_MAX - 1;
}

static bool is_in_our_namespace(uint32_t pid)
{
	char name[64], own[PATH_MAX], its[PATH_MAX];

	snprintf(name, sizeof name, "/proc/%u/ns/user", pid);
	return read_link(own, "/proc/self/ns/user") && read_link(its, name) && !strcmp(own, its);
}

static int read_status(uint32_t pid, struct bytes *text)
{
	char name[64], piece[4096];
	ssize_t got = 0;

	snprintf(name, sizeof name, "/proc/%u/status", pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	while (text->len < STATUS_MAX_BYTES && (got = read(fd, piece, sizeof piece)) > 0)
		bytes_put(text, piece, (size_t)got);
	close(fd);
	return got < 0 ? -ESRCH : bytes_ok(text) ? 0 : -ENOMEM;
}

static bool may_search(const struct target_rights *r, int root, const char *directory)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	struct stat st;
	int fd = (int)syscall(SYS_openat2, root, directory, &how, sizeof how);
	bool may = fd >= 0 && !fstat(fd, &st) && target_rights_allow(r, &st, TARGET_SEARCHES);

	if (fd >= 0)
		close(fd);
	return may;
}

/* By where it lies, and not by the name it was asked for: links have been followed. */
static bool may_get_to(const struct target_rights *r, uint32_t pid, int root, int file)
{
	char name[64], path[PATH_MAX], top[PATH_MAX];

	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	if (!read_link(path, name))
		return false;
	snprintf(name, sizeof name, "/proc/%u/root", pid);
	if (!read_link(top, name))
		return false;
	size_t skip = strcmp(top, "/") ? strlen(top) : 0;
	if (strncmp(path, top, skip) != 0 || path[skip] != '/')
		return false;
	for (char *slash = path + skip; slash; slash = strchr(slash + 1, '/')) {
		char next = slash[1];
		slash[1] = 0;
		if (!may_search(r, root, path + skip))
			return false;
		slash[1] = next;
	}
	return true;
}

static int judge(const struct target_rights *r, uint32_t pid, int root, int file)
{
	struct stat st;

	if (fstat(file, &st))
		return -errno;
	if (!target_rights_allow(r, &st, TARGET_READS))
		return -EACCES;
	return r->all || may_get_to(r, pid, root, file) ? 0 : -EACCES;
}

int target_may_read(uint32_t pid, int root, int file)
{
	struct bytes status = {0};
	struct target_rights r;
	int err = read_status(pid, &status);

	if (!err && !target_rights_parse(&r, bytes_text(&status), is_in_our_namespace(pid)))
		err = -ESRCH;
	if (!err)
		err = judge(&r, pid, root, file);
	bytes_free(&status);
	return err;
}
