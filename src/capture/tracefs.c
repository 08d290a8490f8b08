// SPDX-License-Identifier: Apache-2.0
#include "capture/tracefs.h"

#include "base/array.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#define EVENTS "events/syscalls"

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The folder is there if nothing is mounted on it; the events are not. */
static int open_mounted(const char *place)
{
	int fd = opened(place, O_RDONLY);
	if (fd < 0 || !faccessat(fd, EVENTS, R_OK, 0))
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

static int open_own(void)
{
	int fs = fsopen("tracefs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -errno;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	int err = fd < 0 ? -errno : fd;
	close(fs);
	return err;
}

int tracefs_open(char *where, size_t bytes)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	int refused = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		int fd = open_mounted(places[i]);
		snprintf(where, bytes, "%s", places[i]);
		if (fd >= 0)
			return fd;
		if (refused == -ENOENT) /* the more telling error */
			refused = fd;
	}
	if (refused != -ENOENT)
		return refused;
	snprintf(where, bytes, "a mount of our own");
	int fd = open_own();
	return fd < 0 ? -ENOENT : fd;
}

long tracefs_call_id(int tracefs, const char *event)
{
	char path[160], text[24] = "";

	snprintf(path, sizeof path, EVENTS "/%s/id", event);
	int fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, text, sizeof text - 1);
	close(fd);
	return got > 0 ? strtol(text, NULL, 10) : -EIO;
}
