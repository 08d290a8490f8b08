/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/opener.h"

#include "base/array.h"
#include "symbol/channel.h"
#include "symbol/target_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define OPEN_FLAGS	(O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define PROC_PATH_BYTES 96
#define MAPS_MAX_BYTES	(16u << 20)
#define START_SLACK_NS	20000000ll /* the start of a process is told in steps of 10 ms */

/* --- files */

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

/*
 * Looks before it opens: to open a pipe wakes its other end, to open a device may do anything. What is there is
 * pinned by a descriptor that opens nothing, so that it cannot be exchanged in between.
 */
static int open_regular(int pinned)
{
	char name[PROC_PATH_BYTES];
	struct stat st;
	int fd = -errno;

	if (pinned < 0)
		return fd;
	fd = fstat(pinned, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!fd) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", pinned);
		fd = only_regular(open(name, OPEN_FLAGS));
	}
	close(pinned);
	return fd;
}

static int open_root(uint32_t pid)
{
	char root[PROC_PATH_BYTES];

	snprintf(root, sizeof root, "/proc/%u/root", pid);
	return open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Below the target's root, in which no link leads out. Looked up, not opened. */
static int pin_in_root(int root, const char *path, uint64_t flags)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int open_in_root(uint32_t pid, const char *path, uint64_t flags)
{
	int root = open_root(pid);
	if (root < 0)
		return -ESRCH; /* it died */
	int fd = open_regular(pin_in_root(root, path, flags));
	close(root);
	return fd;
}

static int open_here(const char *path)
{
	return open_regular(open(path, O_PATH | O_CLOEXEC));
}

static bool is_file_of(const struct maps_row *row, const struct stat *st)
{
	return st->st_ino == row->inode && st->st_dev == makedev(row->dev_major, row->dev_minor);
}

static int open_mapped(uint32_t pid, const struct maps_row *row, const char *path)
{
	char name[PROC_PATH_BYTES];
	struct stat st;
	int fd = open_here(map_file_path(name, pid, row));
	if (fd >= 0 || row->deleted || *path != '/')
		return fd;
	fd = open_in_root(pid, path, 0);
	if (fd == -ESRCH)
		fd = open_here(path); /* unless it lived in a container, the file is here too */
	if (fd < 0 || (!fstat(fd, &st) && is_file_of(row, &st)))
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_module(const struct opening *o)
{
	return open_mapped(o->pid, &o->row, o->path);
}

/* What the target names is only opened if the target could do that. */
static int open_for_target(uint32_t pid, const char *path)
{
	int root = open_root(pid);
	if (root < 0)
		return -ESRCH;
	int pinned = pin_in_root(root, path, 0);
	int err = pinned < 0 ? -errno : target_may_read(pid, root, pinned);
	close(root);
	if (!err)
		return open_regular(pinned);
	if (pinned >= 0)
		close(pinned);
	return err;
}

/* The first that is there, without looking inside. */
static int open_linked(const struct opening *o)
{
	static const char *const places[][2] = {{"", ""}, {"", ".debug/"}, {"/usr/lib/debug", ""}};
	const char *name = strrchr(o->path, '/');
	int fd = -ENOENT;

	if (*o->path != '/' || !*o->link || strchr(o->link, '/'))
		return fd;
	for (size_t i = 0; i < ARRAY_LEN(places) && fd < 0; i++) {
		struct bytes path = {0};
		bytes_printf(&path, "%s%.*s%s%s", places[i][0], (int)(name + 1 - o->path), o->path,
			     places[i][1], o->link);
		bool is_itself = !strcmp(bytes_text(&path),
					 o->path); /* Debian's of old have the same name elsewhere */
		if (bytes_ok(&path) && !is_itself)
			fd = open_for_target(o->pid, path.data);
		bytes_free(&path);
	}
	return fd;
}

static int open_by_build_id(const struct opening *o)
{
	struct bytes path = {0};
	int fd = -ENOENT;

	if (o->build_id_bytes < 2 || o->build_id_bytes > sizeof o->build_id)
		return fd;
	bytes_puts(&path, "/usr/lib/debug/.build-id/");
	for (size_t i = 0; i < o->build_id_bytes; i++)
		bytes_printf(&path, "%02x%s", o->build_id[i], i ? "" : "/");
	bytes_puts(&path, ".debug");
	if (bytes_ok(&path))
		fd = open_in_root(o->pid, path.data, 0);
	if (fd < 0 && bytes_ok(&path))
		fd = open_here(path.data);
	bytes_free(&path);
	return fd;
}

static int open_debug(const struct opening *o)
{
	int fd = open_by_build_id(o);
	if (fd < 0)
		fd = open_linked(o);
	return fd < 0 ? -ENOENT : fd;
}

/* --- the map of compiled code --- */

/* What decides whether a file is the process' own. */
struct identity {
	unsigned ns_pid, real_uid, effective_uid;
	int64_t start_ns; /* wall time */
};

static FILE *proc_text(uint32_t pid, const char *name)
{
	char path[PROC_PATH_BYTES];

	snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
	return fopen(path, "re");
}

static bool read_status(uint32_t pid, struct identity *id)
{
	FILE *f = proc_text(pid, "status");
	bool has_uid = false;
	char line[512];

	if (!f)
		return false;
	id->ns_pid = pid;
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, "NSpid:", 6)) {
			for (char *at = line + 6, *end; (strtoul(at, &end, 10)), end != at; at = end)
				id->ns_pid = (unsigned)strtoul(at, NULL, 10);
		} else if (!strncmp(line, "Uid:", 4)) {
			has_uid = sscanf(line + 4, "%u %u", &id->real_uid, &id->effective_uid) == 2;
		}
	}
	fclose(f);
	return has_uid;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The 22nd field; the second one, the name in parentheses, may hold anything. */
static bool read_start(uint32_t pid, struct identity *id)
{
	FILE *f = proc_text(pid, "stat");
	char text[1024];
	unsigned long long ticks = 0;

	if (!f)
		return false;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	const char *at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
			  &ticks) != 1)
		return false;
	int64_t age_ns = clock_ns(CLOCK_BOOTTIME) -
			 (int64_t)(ticks * (1000000000ull / (unsigned long)sysconf(_SC_CLK_TCK)));
	id->start_ns = clock_ns(CLOCK_REALTIME) - age_ns;
	return true;
}

static bool is_own_map(const struct identity *id, const struct stat *st)
{
	int64_t written_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;

	return (st->st_uid == id->real_uid || st->st_uid == id->effective_uid || !st->st_uid) &&
	       written_ns >= id->start_ns - START_SLACK_NS;
}

static int open_jit(const struct opening *o)
{
	struct identity id;
	struct stat st;
	char path[64];

	if (!read_status(o->pid, &id) || !read_start(o->pid, &id))
		return -ESRCH;
	snprintf(path, sizeof path, "tmp/perf-%u.map", id.ns_pid);
	int fd = open_in_root(o->pid, path, O_NOFOLLOW);
	if (fd < 0 || (!fstat(fd, &st) && is_own_map(&id, &st)))
		return fd;
	close(fd);
	return -EPERM;
}

static int open_memory(const struct opening *o)
{
	char name[PROC_PATH_BYTES];
	snprintf(name, sizeof name, "/proc/%u/mem", o->pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- what a process has mapped */

int opener_read_maps(uint32_t pid, struct bytes *text)
{
	char name[PROC_PATH_BYTES], piece[16384];
	snprintf(name, sizeof name, "/proc/%u/maps", pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (text->len < MAPS_MAX_BYTES && (got = read(fd, piece, sizeof piece)) > 0)
		bytes_put(text, piece, (size_t)got);
	if (got < 0)
		err = -errno;
	else if (!bytes_ok(text))
		err = -ENOMEM;
	close(fd);
	return err;
}

static void read_exe(uint32_t pid, char path[PATH_MAX])
{
	char link[PROC_PATH_BYTES];
	snprintf(link, sizeof link, "/proc/%u/exe", pid);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = 0;
	char *deleted = strstr(path, " (deleted)");
	if (deleted)
		*deleted = 0;
}

/* As the kernel remembers it: a file system in user space is not asked. */
static struct opened_file see_file(uint32_t pid, const struct maps_row *row, const char *path)
{
	char name[PROC_PATH_BYTES];
	struct statx st;

	if (statx(AT_FDCWD, map_file_path(name, pid, row), AT_STATX_DONT_SYNC, STATX_MTIME | STATX_SIZE,
		  &st)) {
		int fd = row->inode ? open_mapped(pid, row, path) : -ENOENT;
		if (fd < 0 ||
		    statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MTIME | STATX_SIZE, &st))
			st = (struct statx){0};
		if (fd >= 0)
			close(fd);
	}
	return (struct opened_file){(uint64_t)st.stx_mtime.tv_sec * 1000000000u + st.stx_mtime.tv_nsec,
				    st.stx_size};
}

static int put_target(struct bytes *out, const struct bytes *text, uint32_t pid)
{
	struct opened_target target = {.text_bytes = (uint32_t)text->len};
	struct maps maps = {0};
	int err = maps_parse(&maps, bytes_text(text), text->len, true);

	target.n_files = (uint32_t)maps.n;
	read_exe(pid, target.exe);
	bytes_put(out, &target, sizeof target);
	for (size_t i = 0; i < maps.n; i++) {
		struct opened_file file = {0};
		if (maps.rows[i].inode)
			file = see_file(pid, &maps.rows[i], maps_path(&maps, &maps.rows[i]));
		bytes_put(out, &file, sizeof file);
	}
	bytes_put(out, bytes_text(text), text->len);
	maps_free(&maps);
	return err ? err : bytes_ok(out) ? 0 : -ENOMEM;
}

/* Memory without a name. */
static int into_memory(const struct bytes *b)
{
	int fd = memfd_create("loopstall", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < b->len;) {
		ssize_t put = write(fd, b->data + at, b->len - at);
		if (put <= 0) {
			close(fd);
			return -EIO;
		}
		at += (size_t)put;
	}
	return fd < 0 ? -errno : fd;
}

static int open_target(const struct opening *o)
{
	struct bytes text = {0}, out = {0};
	int fd = opener_read_maps(o->pid, &text);

	if (!fd)
		fd = put_target(&out, &text, o->pid);
	if (!fd)
		fd = into_memory(&out);
	bytes_free(&text);
	bytes_free(&out);
	return fd;
}

/* --- one line of a source file */

#define SOURCE_MAX_BYTES (8u << 20)
#define START_SLACK_S	 2 /* clocks of files and of processes tick at their own pace */

/* When the process began, in seconds since the epoch; 0 unknown. */
static int64_t started_s(uint32_t pid)
{
	char name[PROC_PATH_BYTES], text[1024];
	struct timespec boot, wall;
	unsigned long long ticks;

	snprintf(name, sizeof name, "/proc/%u/stat", pid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *rest =
		strrchr(text, ')'); /* behind its name: state, then 18 numbers, then when it began */
	if (!rest ||
	    sscanf(rest, ") %*c%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s %llu", &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	return wall.tv_sec - boot.tv_sec + (int64_t)(ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static int read_line(int fd, uint32_t line, struct bytes *text)
{
	char piece[16384];
	uint32_t at = 1;
	ssize_t got = 0;

	for (size_t left = SOURCE_MAX_BYTES; left && (got = read(fd, piece, sizeof piece)) > 0;) {
		for (ssize_t i = 0; i < got; i++) {
			if (at > line || (at == line && piece[i] == '\n'))
				return bytes_ok(text) ? 0 : -ENOMEM;
			if (piece[i] == '\n')
				at++;
			else if (at == line && text->len < OPENING_LINE_BYTES)
				bytes_putc(text, piece[i]);
		}
		left -= (size_t)got < left ? (size_t)got : left;
	}
	return got < 0 ? -errno : text->len && bytes_ok(text) ? 0 : -ENOENT;
}

/* A file that was changed since the process began may not say any more what it runs. */
static int open_line(const struct opening *o)
{
	struct bytes text = {0};
	struct stat st;
	int fd = *o->path == '/' && o->line ? open_for_target(o->pid, o->path) : -EINVAL;

	if (fd < 0)
		return fd;
	int64_t start_s = started_s(o->pid);
	int err = fstat(fd, &st) ? -errno : 0;
	if (!err && (!start_s || st.st_mtim.tv_sec > start_s + START_SLACK_S))
		err = -ESTALE;
	if (!err)
		err = read_line(fd, o->line, &text);
	close(fd);
	if (!err)
		err = into_memory(&text);
	bytes_free(&text);
	return err;
}

/* --- serving */

static int (*const kinds[OPENINGS])(const struct opening *o) = {
	[OPENING_TARGET] = open_target, [OPENING_MODULE] = open_module, [OPENING_DEBUG] = open_debug,
	[OPENING_MEMORY] = open_memory, [OPENING_JIT] = open_jit,	[OPENING_LINE] = open_line,
};

int opener_open(const struct opening *o)
{
	return o->kind < OPENINGS ? kinds[o->kind](o) : -EINVAL;
}

static bool is_whole(const struct opening *o, size_t bytes)
{
	const size_t head = offsetof(struct opening, path);
	return bytes > head && memchr(o->path, 0, bytes - head);
}

_Noreturn void opener_main(int socket, const struct lockdown *own)
{
	static struct opening o;
	ssize_t got;
	int given;

	channel_send(socket, own, sizeof *own, -1, true);
	while ((got = channel_receive(socket, &o, sizeof o, &given, true)) > 0) {
		if (given >= 0)
			close(given);
		int fd = is_whole(&o, (size_t)got) ? opener_open(&o) : -EINVAL;
		const struct opened answer = {.err = fd < 0 ? fd : 0};
		if (channel_send(socket, &answer, sizeof answer, fd, true))
			break;
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}
