/* SPDX-License-Identifier: Apache-2.0 */
/* A /proc and a /sys/fs/cgroup made up below a temporary directory. */
#ifndef LOOPSTALL_TESTS_MADE_HOST_H
#define LOOPSTALL_TESTS_MADE_HOST_H

#include "cli/target.h"

#include "cli/cgroup.h"
#include "cli/proc.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SELF	  900
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER	  "0123456789ffffff0123456789abcdef0123456789abcdef0123456789abcdef"

static char top[64], proc_root[80], cgroup_root[80];
static struct target_roots roots;
static struct target_set set;
static struct diag diag;

static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void __attribute__((format(printf, 3, 4))) put(const void *data, size_t len, const char *fmt, ...)
{
	char path[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(path, sizeof path, fmt, args);
	va_end(args);
	make_directories(path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

struct made {
	unsigned pid, parent;
	const char *comm, *exe, *argv,
		*cgroup; /* argv: words behind each other, each with its NUL; "" for a kernel thread */
	char state;
	unsigned inner;	 /* number in its own namespace, 0 none */
	char elf_class;	 /* 0 is 64-bit */
	size_t argv_len; /* 0: up to the first NUL, and with it */
	unsigned start;
};

static void make_process(const struct made *m)
{
	char text[512], link[128], exe[128];
	bool kernel = !m->exe;
	int len = snprintf(text, sizeof text, "%u (%s) %c %u 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 %u 0\n",
			   m->pid, m->comm, m->state ? m->state : 'S', m->parent,
			   kernel ? 0x208040u : 0x400000u, m->start);
	put(text, (size_t)len, "%s/%u/stat", proc_root, m->pid);
	len = snprintf(text, sizeof text, "Name:\t%s\nTgid:\t%u\nPid:\t%u\nNSpid:\t%u", m->comm, m->pid,
		       m->pid, m->pid);
	len += snprintf(text + len, sizeof text - (size_t)len, m->inner ? "\t%u\n" : "\n", m->inner);
	put(text, (size_t)len, "%s/%u/status", proc_root, m->pid);
	put(m->argv ? m->argv : "",
	    m->argv_len ? m->argv_len
	    : m->argv	? strlen(m->argv) + 1
			: 0,
	    "%s/%u/cmdline", proc_root, m->pid);
	put(m->cgroup ? m->cgroup : "0::/\n", strlen(m->cgroup ? m->cgroup : "0::/\n"), "%s/%u/cgroup",
	    proc_root, m->pid);
	if (kernel || m->state == 'Z')
		return;
	/* AT_SYSINFO_EHDR and the address of the vdso, in words of 32 or of 64 bits. */
	const uint32_t vector[] = {33, m->elf_class == 1 ? 0xf7f01000 : 0, 0xf7f01000, 0x7ffc};
	put((const char *)vector, sizeof vector, "%s/%u/auxv", proc_root, m->pid);
	put("", 0, "%s%s", top, m->exe);
	snprintf(link, sizeof link, "%s/%u/exe", proc_root, m->pid);
	snprintf(exe, sizeof exe, "%s%s", top, m->exe);
	assert_int_equal(symlink(exe, link), 0);
}

/* A thread: its own directory in /proc, but not in its listing's sense. */
static void make_thread(unsigned tid, unsigned owner)
{
	char text[128];
	int len = snprintf(text, sizeof text, "Name:\tt\nTgid:\t%u\nPid:\t%u\nNSpid:\t%u\n", owner, tid, tid);
	put(text, (size_t)len, "%s/%u/status", proc_root, tid);
}

static void make_cgroup(const char *path, const char *procs, bool v2)
{
	put(procs, strlen(procs), "%s/%s/cgroup.procs", cgroup_root, path);
	if (v2)
		put("", 0, "%s/%s/cgroup.controllers", cgroup_root, path);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test_target.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(proc_root, sizeof proc_root, "%s/proc", top);
	snprintf(cgroup_root, sizeof cgroup_root, "%s/cgroup", top);
	mkdir(proc_root, 0755);
	mkdir(cgroup_root, 0755);
	roots = (struct target_roots){proc_root, cgroup_root, SELF, true};
	diag = (struct diag){0};
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	target_free(&set);
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
