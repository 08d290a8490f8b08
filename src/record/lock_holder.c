/* SPDX-License-Identifier: Apache-2.0 */
#include "record/lock_holder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/*
 * "3: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF". Device numbers are those of the file system, which on some (btrfs, overlays) are not the
 * ones of stat(): the inode decides. A holder that we may not see is number 0 or -1; who waits has "->" in front.
 */
static uint32_t pid_of(const char *line, unsigned long long inode)
{
	unsigned major, minor;
	unsigned long long locked;
	long pid;
	char mode[8];

	if (sscanf(line, "%*d: FLOCK %*s %7s %ld %x:%x:%llu", mode, &pid, &major, &minor, &locked) != 5)
		return 0;
	return locked == inode && !strcmp(mode, "WRITE") && pid > 0 ? (uint32_t)pid : 0;
}

static uint32_t holder_of(unsigned long long inode)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	uint32_t pid = 0;

	while (locks && !pid && fgets(line, sizeof line, locks))
		pid = pid_of(line, inode);
	if (locks)
		fclose(locks);
	return pid;
}

/* "" of one that has gone: a process that it started may hold the lock for a moment more. */
static void name_of(uint32_t pid, char comm[16])
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%u/comm", pid);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(comm, 16, file))
		comm[0] = 0;
	comm[strcspn(comm, "\n")] = 0;
	if (file)
		fclose(file);
}

bool lock_holder_find(int fd, struct lock_holder *holder)
{
	struct stat st;
	if (fstat(fd, &st))
		return false;
	holder->pid = holder_of(st.st_ino);
	if (holder->pid)
		name_of(holder->pid, holder->comm);
	return holder->pid;
}
