/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/target_rights.h"

#include "base/bytes.h"
#include "base/cursor.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define STATUS_MAX_BYTES (1u << 20) /* 65,536 groups */
#define LIST_MAX_ENTRIES 1024	    /* ext4 keeps half as many; one with more is not understood */
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

/* --- access lists: a version, then entries, whose kinds the kernel keeps in the order of its constants */

struct access_list {
	struct posix_acl_xattr_entry entries[LIST_MAX_ENTRIES];
	size_t n;
	unsigned mask; /* what is left to all but the owner and the others */
};

static bool list_parse(struct access_list *l, const void *bytes, size_t n)
{
	struct cursor c = cursor_over(bytes, n);

	l->n = 0;
	l->mask = ~0u;
	if (le32toh(cursor_u32(&c)) != POSIX_ACL_XATTR_VERSION)
		return false;
	while (cursor_left(&c) && l->n < LIST_MAX_ENTRIES) {
		struct posix_acl_xattr_entry *e = &l->entries[l->n++];
		e->e_tag = le16toh(cursor_u16(&c));
		e->e_perm = le16toh(cursor_u16(&c));
		e->e_id = le32toh(cursor_u32(&c));
		if (e->e_tag == ACL_MASK)
			l->mask = e->e_perm;
		if (c.failed)
			return false;
	}
	return !cursor_left(&c);
}

/* As posix_acl_permission() in the kernel, for who is not the owner: the first entry of his, or any of his groups' that has the right. */
static bool list_allows(const struct access_list *l, const struct target_rights *r, gid_t group,
			enum target_right wanted)
{
	bool listed = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct posix_acl_xattr_entry *e = &l->entries[i];
		bool has = e->e_perm & wanted;
		if (e->e_tag == ACL_USER && e->e_id == r->uid)
			return has && l->mask & wanted;
		if (e->e_tag == ACL_OTHER)
			return has && !listed;
		if ((e->e_tag == ACL_GROUP_OBJ && is_in_group(r, group)) ||
		    (e->e_tag == ACL_GROUP && is_in_group(r, e->e_id))) {
			if (has)
				return l->mask & wanted;
			listed = true;
		}
	}
	return false;
}

bool target_rights_allow(const struct target_rights *r, const struct stat *st, const void *list, size_t bytes,
			 enum target_right wanted)
{
	struct access_list parsed;

	if (r->lent || r->all)
		return !r->lent;
	if (st->st_uid == r->uid)
		return st->st_mode >> 6 & wanted;
	if (bytes &&
	    st->st_mode & S_IRWXG) /* which are its mask's then; without any the kernel does not ask it */
		return list_parse(&parsed, list, bytes) && list_allows(&parsed, r, st->st_gid, wanted);
	return st->st_mode >> (is_in_group(r, st->st_gid) ? 3 : 0) & wanted;
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

/* Of a file that was looked up only. Its bytes, 0 if it has none, or -errno. */
static ssize_t read_list(int file, void *list, size_t cap)
{
	char name[64];

	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	ssize_t n = getxattr(name, "system.posix_acl_access", list, cap);
	return n >= 0 ? n : errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

static bool may(const struct target_rights *r, int file, enum target_right wanted)
{
	char list[sizeof(struct posix_acl_xattr_header) +
		  LIST_MAX_ENTRIES * sizeof(struct posix_acl_xattr_entry)];
	struct stat st;
	ssize_t n = r->all ? 0 : read_list(file, list, sizeof list);

	return n >= 0 && !fstat(file, &st) && target_rights_allow(r, &st, list, (size_t)n, wanted);
}

static bool may_search(const struct target_rights *r, int root, const char *directory)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, root, directory, &how, sizeof how);
	bool searches = fd >= 0 && may(r, fd, TARGET_SEARCHES);

	if (fd >= 0)
		close(fd);
	return searches;
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
	return may(r, file, TARGET_READS) && (r->all || may_get_to(r, pid, root, file)) ? 0 : -EACCES;
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
