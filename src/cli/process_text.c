/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process_text.h"

#include "base/array.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* How a runtime shows in the names of mapped files. The first row that matches names it. */
static const struct {
	const char *file;    /* begins the base name */
	const char *runtime; /* with "%v": the version that follows in the file's name */
} runtimes[] = {
	{"libpython3.", "cpython 3.%v"},
	{"python3.", "cpython 3.%v"},
	{"node", "node"},
	{"nodejs", "node"},
	{"libjvm.so", "jvm"},
	{"beam.smp", "erlang"},
	{"libruby", "ruby"},
	{"libcoreclr.so", ".net"},
	{"redis-server", "redis"},
	{"nginx", "nginx"},
	{"memcached", "memcached"},
	{"haproxy", "haproxy"},
	{"postgres", "postgresql"},
	{"envoy", "envoy"},
	{"bun", "bun"},
	{"deno", "deno"},
};

/*
 * A free-threaded CPython, "13t", is mostly called by its version alone; then its extensions tell, which a program that has a loop has
 * mapped: "/lib/python3.13t/lib-dynload/select.cpython-313t-x86_64-linux-gnu.so".
 */
static bool is_free_threaded(const char *maps, const char *version, int digits)
{
	char mark[32];

	if (version[digits] == 't')
		return true;
	snprintf(mark, sizeof mark, ".cpython-3%.*st-", digits, version);
	return strstr(maps, mark);
}

static const char *file_runtime(const char *base, const char *maps, char text[PROCESS_RUNTIME_BYTES])
{
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		size_t len = strlen(runtimes[i].file);
		const char *hole = strstr(runtimes[i].runtime, "%v");
		if (strncmp(base, runtimes[i].file, len) != 0 ||
		    (!hole && base[len] && base[len] != '.' && base[len] != '-' && base[len] != '\n'))
			continue;
		if (!hole)
			return runtimes[i].runtime;
		if (!isdigit((unsigned char)base[len]))
			continue;
		int digits = isdigit((unsigned char)base[len + 1]) ? 2 : 1;
		snprintf(text, PROCESS_RUNTIME_BYTES, "%.*s%.*s%s", (int)(hole - runtimes[i].runtime),
			 runtimes[i].runtime, digits, base + len,
			 is_free_threaded(maps, base + len, digits) ? "t" : "");
		return text;
	}
	return NULL;
}

const char *process_text_runtime(const char *maps, char text[PROCESS_RUNTIME_BYTES])
{
	const char *found = NULL;
	for (const char *line = maps; line && *line && !found;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *end = strchrnul(line, '\n'), *flags = memchr(line, ' ', (size_t)(end - line));
		const char *path = memchr(line, '/', (size_t)(end - line));
		if (!flags || end - flags < 4 || flags[3] != 'x' || !path)
			continue;
		char base[128];
		const char *slash = memrchr(path, '/', (size_t)(end - path));
		snprintf(base, sizeof base, "%.*s", (int)(end - slash - 1), slash + 1);
		found = file_runtime(base, maps, text);
	}
	return found;
}

bool process_text_single_client(const char *program)
{
	static const char *const programs[] = {"postgres", "php-fpm"};
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		size_t len = strlen(programs[i]);
		if (!strncmp(program, programs[i], len) &&
		    !program[len + strspn(program + len, "0123456789.")])
			return true;
	}
	return false;
}

static bool is_container_id(const char *text, size_t *len)
{
	size_t n = 0;
	while (isxdigit((unsigned char)text[n]))
		n++;
	*len = n;
	return n == 64;
}

void process_text_container(const char *cgroups, char id[PROCESS_CONTAINER_BYTES])
{
	size_t len;
	id[0] = 0;
	for (const char *at = cgroups; *at; at++) {
		if ((at > cgroups && isxdigit((unsigned char)at[-1])) || !is_container_id(at, &len))
			continue;
		snprintf(id, PROCESS_CONTAINER_BYTES, "%.12s", at);
		at += len - 1;
	}
}

void process_text_unit(const char *cgroups, char unit[PROCESS_UNIT_BYTES])
{
	unit[0] = 0;
	for (const char *suffix = cgroups; (suffix = strstr(suffix, ".service")); suffix++) {
		const char *start = suffix;
		while (start > cgroups && start[-1] != '/' && start[-1] != '\n')
			start--;
		if (suffix[8] == '\n' || suffix[8] == '/' || !suffix[8])
			snprintf(unit, PROCESS_UNIT_BYTES, "%.*s", (int)(suffix + 8 - start), start);
	}
}

/* How much of a cgroup's path is the part of so many levels; 0 if it has fewer, or another name there. */
static size_t prefix_of(const char *path, unsigned level, const char *name)
{
	size_t at = 0, start = 0;
	for (unsigned i = 0; i < level; i++) {
		if (path[at] != '/')
			return 0;
		start = at + 1;
		at = start + strcspn(path + start, "/\n");
	}
	return at - start == strlen(name) && !strncmp(path + start, name, at - start) ? at : 0;
}

/* "4:cpu,cpuacct:", or "0::" of version 2. */
static bool limits_cpu(const char *controllers, size_t len)
{
	for (const char *at = controllers, *end = controllers + len; at < end;) {
		size_t word = strcspn(at, ",:");
		if (word == 3 && !memcmp(at, "cpu", 3))
			return true;
		at += word + 1;
	}
	return !len;
}

unsigned process_text_limit(const char *cgroups, unsigned level, const char *name,
			    char path[PROCESS_CGROUP_BYTES])
{
	for (const char *line = cgroups; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *controllers = line + strcspn(line, ":\n");
		if (*controllers != ':')
			continue;
		size_t len = strcspn(++controllers, ":\n");
		const char *whole = controllers + len;
		size_t n =
			*whole == ':' && limits_cpu(controllers, len) ? prefix_of(whole + 1, level, name) : 0;
		if (!n)
			continue;
		snprintf(path, PROCESS_CGROUP_BYTES, "%.*s", (int)n, whole + 1);
		return len ? 1 : 2;
	}
	snprintf(path, PROCESS_CGROUP_BYTES, "…/%s", name);
	return 0;
}
