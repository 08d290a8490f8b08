/* SPDX-License-Identifier: Apache-2.0 */
#include "record/output.h"

#include "base/bytes.h"
#include "record/lock_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_TRIES 8 /* somebody may create the name again between our rename and our open */

/* Whose rights the file system sees. */
struct file_rights {
	uid_t uid;
	gid_t gid;
	bool changed;
};

static bool environment_id(const char *name, unsigned *id)
{
	const char *text = getenv(name);
	char *end;
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (*end || errno || value >= UINT32_MAX)
		return false;
	*id = (unsigned)value;
	return true;
}

/* setfsuid() reports no errors: asking again with an invalid id tells what is in force. */
static bool rights_are(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

/* Group first: without root's rights it could no longer be changed. */
static int rights_take(struct file_rights *old, struct diag *d)
{
	unsigned uid, gid;
	*old = (struct file_rights){.uid = geteuid(), .gid = getegid()};
	if (old->uid != 0 || !environment_id("SUDO_UID", &uid) || !environment_id("SUDO_GID", &gid) || !uid)
		return 0;
	old->changed = true;
	setfsgid(gid);
	setfsuid(uid);
	if (!rights_are(uid, gid))
		return diag_fail(d, -EPERM, "cannot take the rights of user %u behind sudo to create a file",
				 uid);
	return 0;
}

static void rights_restore(const struct file_rights *old)
{
	if (!old->changed)
		return;
	setfsuid(old->uid);
	setfsgid(old->gid);
}

/* Whoever writes a recording holds a lock on it, for as long as it lives: moved away, its file would be lost by the next one's. */
static bool is_being_written(const char *path, struct diag *d)
{
	struct lock_holder holder;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool is_locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	bool is_known = is_locked && lock_holder_find(fd, &holder);
	if (fd >= 0)
		close(fd);
	if (!is_locked || (is_known && !holder.comm[0]))
		return false;
	if (is_known) {
		diag_fail(d, -EBUSY, "%s is being written by %s[%u]", path, holder.comm, holder.pid);
		diag_hint(d, "end that one with `kill -INT %u`, or write to another file", holder.pid);
	} else {
		diag_fail(d, -EBUSY,
			  "%s is being written by another process, which /proc/locks does not tell", path);
		diag_hint(d, "end it, or write to another file; `fuser -v %s` may know which it is", path);
	}
	return true;
}

static int move_away(const char *path, struct diag *d)
{
	struct stat st;
	if (lstat(path, &st))
		return errno == ENOENT ? 0
				       : diag_fail(d, -errno, "cannot look at %s: %s", path, strerror(errno));
	if (S_ISLNK(st.st_mode))
		return diag_fail(d, -ELOOP, "%s is a symbolic link: refused", path);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, -EEXIST, "%s exists and is not a regular file: refused", path);
	if (is_being_written(path, d))
		return -EBUSY;
	struct bytes old = {0};
	bytes_printf(&old, "%s.old", path);
	int err = 0;
	if (!bytes_ok(&old))
		err = -ENOMEM;
	else if (rename(path, bytes_text(&old)) && errno != ENOENT)
		err = -errno;
	bytes_free(&old);
	return err ? diag_fail(d, err, "cannot rename %s to %s.old: %s", path, path, strerror(-err)) : 0;
}

static int create_new(const char *path, struct diag *d)
{
	for (int i = 0; i < CREATE_TRIES; i++) {
		int err = move_away(path, d);
		if (err)
			return err;
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			flock(fd, LOCK_EX | LOCK_NB); /* where the file system has locks */
			return fd;
		}
		if (errno != EEXIST)
			return diag_fail(d, -errno, "cannot create %s: %s", path, strerror(errno));
	}
	return diag_fail(d, -EEXIST, "cannot create %s: somebody creates it again and again", path);
}

int output_create(const char *path, struct diag *d)
{
	struct file_rights old;
	int fd = rights_take(&old, d);
	if (!fd)
		fd = create_new(path, d);
	rights_restore(&old);
	if (fd == -EACCES && old.changed)
		diag_hint(d, "the file is created as the user behind sudo; choose a directory that user may "
			     "write to");
	return fd;
}
