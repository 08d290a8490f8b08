/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proc.h"

#include "base/array.h"
#include "cli/proc_text.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

int proc_file(struct bytes *out, const char *fmt, ...)
{
	struct bytes path = {0};
	va_list args;
	va_start(args, fmt);
	bytes_vprintf(&path, fmt, args);
	va_end(args);
	bytes_clear(out);
	int fd = bytes_ok(&path) ? open(bytes_text(&path), O_RDONLY | O_CLOEXEC) : -1;
	int err = bytes_ok(&path) ? (fd < 0 ? -errno : 0) : -ENOMEM;
	bytes_free(&path);
	char chunk[4096];
	while (!err && out->len < FILE_BYTES_MAX) {
		ssize_t got = read(fd, chunk, sizeof chunk);
		if (got == 0)
			break;
		if (got < 0)
			err = -errno;
		else
			bytes_put(out, chunk, (size_t)got);
	}
	if (fd >= 0)
		close(fd);
	return err ? err : bytes_ok(out) ? 0 : -ENOMEM;
}

static void read_exe(const char *root, struct proc *p)
{
	static const char deleted[] = " (deleted)";
	char path[4096], target[4096];
	snprintf(path, sizeof path, "%s/%u/exe", root, p->pid);
	ssize_t len = readlink(path, target, sizeof target - 1);
	if (len > 0) {
		target[len] = 0;
		size_t n = (size_t)len, tail = sizeof deleted - 1;
		if (n > tail && !strcmp(target + n - tail, deleted))
			n -= tail;
		proc_text_base(p->program, target, n);
	}
	struct statx st; /* as the kernel remembers it: its file system may be one that does not answer */
	if (!statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &st)) {
		p->exe_dev = makedev(st.stx_dev_major, st.stx_dev_minor);
		p->exe_inode = st.stx_ino;
	}
}

static int read_argv(const char *root, struct proc *p)
{
	struct bytes argv = {0};
	int err = proc_file(&argv, "%s/%u/cmdline", root, p->pid);
	if (!err)
		proc_text_argv(&argv, p);
	bytes_free(&argv);
	return err == -ENOMEM ? err : 0; /* without rights the rest is still true */
}

int proc_read(const char *root, uint32_t pid, struct proc *p)
{
	struct bytes text = {0};
	*p = (struct proc){.pid = pid};
	int err = proc_file(&text, "%s/%u/stat", root, pid);
	if (!err && !proc_text_stat(bytes_text(&text), p))
		err = -ESRCH;
	bytes_free(&text);
	if (err)
		return err == -ENOMEM ? err : -ESRCH;
	if (p->is_kernel)
		return 0;
	read_exe(root, p);
	return read_argv(root, p);
}

static int by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int proc_scan(const char *root, struct proc_table *t)
{
	*t = (struct proc_table){0};
	DIR *dir = opendir(root);
	if (!dir)
		return -errno;
	int err = 0;
	for (struct dirent *entry; !err && (entry = readdir(dir));) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!array_reserve(&t->procs, &t->cap, t->n + 1, sizeof *t->procs)) {
			err = -ENOMEM;
			break;
		}
		err = proc_read(root, (uint32_t)strtoul(entry->d_name, NULL, 10), &t->procs[t->n]);
		t->n += !err;
		if (err == -ESRCH) /* gone since readdir() */
			err = 0;
	}
	closedir(dir);
	if (err)
		proc_table_free(t);
	else if (t->n)
		qsort(t->procs, t->n, sizeof *t->procs, by_pid);
	return err;
}

const struct proc *proc_find(const struct proc_table *t, uint32_t pid)
{
	struct proc key = {.pid = pid};
	return t->n ? bsearch(&key, t->procs, t->n, sizeof *t->procs, by_pid) : NULL;
}

void proc_table_free(struct proc_table *t)
{
	free(t->procs);
	*t = (struct proc_table){0};
}

/*
 * By a link to its program, as redis-server is one to redis-check-rdb: the kernel took comm from the name that was started, and argv[0]
 * agrees with it. A program that begins with that name is the same, with its version.
 */
static bool is_started_by_link(const struct proc *p)
{
	size_t len = strlen(p->comm);
	return len && !strncmp(p->title, p->comm, len) && (!p->title[len] || len == sizeof p->comm - 1) &&
	       strncmp(p->program, p->title, strlen(p->title)) != 0;
}

const char *proc_name(const struct proc *p)
{
	if (p->script[0])
		return p->script;
	if (is_started_by_link(p))
		return p->title;
	return p->program[0] ? p->program : p->comm;
}

bool proc_is_called(const struct proc *p, const char *name)
{
	/* comm keeps 15 bytes; the full name is then in the title or script, but those may have been
	 * overwritten */
	bool cut = strlen(name) > sizeof p->comm - 1 && !strncmp(p->comm, name, sizeof p->comm - 1);
	return cut || !strcmp(p->comm, name) || !strcmp(p->program, name) || !strcmp(p->title, name) ||
	       !strcmp(p->script, name);
}

bool proc_is_zombie(const struct proc *p)
{
	return (p->state == 'Z' && p->threads <= 1) || p->state == 'X' || p->state == 'x';
}

static uint32_t status_number(const char *root, uint32_t pid, const char *key)
{
	struct bytes text = {0};
	int err = proc_file(&text, "%s/%u/status", root, pid);
	uint32_t number = err ? 0 : proc_text_number(bytes_text(&text), key);
	bytes_free(&text);
	return number;
}

uint32_t proc_of_thread(const char *root, uint32_t tid)
{
	return status_number(root, tid, "Tgid");
}

uint32_t proc_ns_pid(const char *root, uint32_t pid)
{
	uint32_t inner = status_number(root, pid, "NSpid");
	return inner ? inner : pid;
}

static int read_head(const char *path, void *data, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, data, bytes);
	int err = got < 0 ? -errno : (int)got;
	close(fd);
	return err;
}

/*
 * From the vector that the kernel handed the program, not from its file: that may lie where opening it never returns. The vector's
 * first entry is a small number and an address, and as wide as the program's words.
 */
int proc_elf_class(const char *root, uint32_t pid)
{
	char path[4096];
	uint32_t entry[2] = {0};
	snprintf(path, sizeof path, "%s/%u/auxv", root, pid);
	int got = read_head(path, entry, sizeof entry);
	if (got < 0)
		return got;
	return got != sizeof entry ? -ENOENT : entry[1] ? ELFCLASS32 : ELFCLASS64;
}
