/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define OPEN_FLAGS	(O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define PROC_PATH_BYTES 96
#define MAPS_MAX_BYTES	(16u << 20)

static const char *map_file_path(char *path, uint32_t pid, const struct maps_row *row)
{
	snprintf(path, PROC_PATH_BYTES, "/proc/%u/map_files/%llx-%llx", pid, (unsigned long long)row->start,
		 (unsigned long long)row->end);
	return path;
}

static int only_regular(int fd)
{
	struct stat st;
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* Below the target's root, in which no link leads out. */
static int open_in_root(uint32_t pid, const char *path)
{
	const struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char root[PROC_PATH_BYTES];

	snprintf(root, sizeof root, "/proc/%u/root", pid);
	int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return -ESRCH; /* it died */
	int fd = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
	fd = only_regular(fd);
	close(at);
	return fd;
}

static bool is_file_of(const struct maps_row *row, const struct stat *st)
{
	return st->st_ino == row->inode && st->st_dev == makedev(row->dev_major, row->dev_minor);
}

int opener_mapped_file(uint32_t pid, const struct maps_row *row, const char *path)
{
	char name[PROC_PATH_BYTES];
	struct stat st;
	int fd = only_regular(open(map_file_path(name, pid, row), OPEN_FLAGS));
	if (fd >= 0 || row->deleted || *path != '/')
		return fd;
	fd = open_in_root(pid, path);
	if (fd == -ESRCH)
		fd = only_regular(
			open(path, OPEN_FLAGS)); /* unless it lived in a container, the file is here too */
	if (fd < 0 || (!fstat(fd, &st) && is_file_of(row, &st)))
		return fd;
	close(fd);
	return -ESTALE;
}

int opener_stat(uint32_t pid, const struct maps_row *row, const char *path, struct stat *st)
{
	char name[PROC_PATH_BYTES];
	if (!stat(map_file_path(name, pid, row), st))
		return 0;
	int err = -errno, fd = opener_mapped_file(pid, row, path);
	if (fd < 0)
		return err;
	err = fstat(fd, st) ? -errno : 0;
	close(fd);
	return err;
}

int opener_debug_file(uint32_t pid, const unsigned char *build_id, size_t bytes)
{
	struct bytes path = {0};
	int fd = -ENOENT;

	if (bytes < 2)
		return fd;
	bytes_puts(&path, "/usr/lib/debug/.build-id/");
	for (size_t i = 0; i < bytes; i++)
		bytes_printf(&path, "%02x%s", build_id[i], i ? "" : "/");
	bytes_puts(&path, ".debug");
	if (bytes_ok(&path))
		fd = open_in_root(pid, path.data);
	if (fd < 0 && bytes_ok(&path))
		fd = only_regular(open(path.data, OPEN_FLAGS));
	bytes_free(&path);
	return fd < 0 ? -ENOENT : fd;
}

int opener_memory(uint32_t pid)
{
	char name[PROC_PATH_BYTES];
	snprintf(name, sizeof name, "/proc/%u/mem", pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int opener_read_maps(uint32_t pid, struct bytes *text)
{
	char name[PROC_PATH_BYTES], piece[16384];
	snprintf(name, sizeof name, "/proc/%u/maps", pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	bytes_clear(text);
	while (text->len < MAPS_MAX_BYTES && (got = read(fd, piece, sizeof piece)) > 0)
		bytes_put(text, piece, (size_t)got);
	if (got < 0)
		err = -errno;
	else if (!bytes_ok(text))
		err = -ENOMEM;
	close(fd);
	return err;
}
