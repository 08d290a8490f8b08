/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process_info.h"

#include "base/array.h"
#include "base/clean.h"
#include "cli/proc.h"

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

static const char *const single_client_programs[] = {"postgres", "php-fpm"};

static const char *file_runtime(const char *base, char text[48])
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
		snprintf(text, 48, "%.*s%.*s", (int)(hole - runtimes[i].runtime), runtimes[i].runtime, digits,
			 base + len);
		return text;
	}
	return NULL;
}

/* Only executable mappings of files count; a data file may be called anything. */
static const char *maps_runtime(const char *maps, char text[48])
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
		found = file_runtime(base, text);
	}
	return found;
}

static bool is_container_id(const char *text, size_t *len)
{
	size_t n = 0;
	while (isxdigit((unsigned char)text[n]))
		n++;
	*len = n;
	return n == 64;
}

/* The innermost 64-digit id in the cgroup paths; its first 12 digits, as the tools show it. */
static void container_of(const char *cgroups, char id[16])
{
	size_t len;
	id[0] = 0;
	for (const char *at = cgroups; *at; at++) {
		if ((at > cgroups && isxdigit((unsigned char)at[-1])) || !is_container_id(at, &len))
			continue;
		snprintf(id, 16, "%.12s", at);
		at += len - 1;
	}
}

/* The last path component that is a service or scope. */
static void unit_of(const char *cgroups, char unit[128])
{
	unit[0] = 0;
	for (const char *suffix = cgroups; (suffix = strstr(suffix, ".service")); suffix++) {
		const char *start = suffix;
		while (start > cgroups && start[-1] != '/' && start[-1] != '\n')
			start--;
		if (suffix[8] == '\n' || suffix[8] == '/' || !suffix[8])
			snprintf(unit, 128, "%.*s", (int)(suffix + 8 - start), start);
	}
}

static const char *keep(struct intern *texts, const char *text)
{
	struct bytes clean = {0};
	clean_text(&clean, text, strlen(text));
	const char *kept = intern_text(texts, bytes_text(&clean));
	bytes_free(&clean);
	return kept;
}

static bool is_single_client(const struct proc *p)
{
	for (size_t i = 0; i < ARRAY_LEN(single_client_programs); i++)
		if (!strcmp(p->program, single_client_programs[i]))
			return true;
	return false;
}

void process_info_read(struct process_info *info, uint32_t pid, const char *comm, struct intern *texts)
{
	struct proc proc = {0};
	struct bytes file = {0};
	char text[48], id[16], unit[128];

	*info = (struct process_info){pid, keep(texts, comm), "", "", "", false};
	if (proc_read("/proc", pid, &proc))
		return;
	info->ns_pid = proc_ns_pid("/proc", pid);
	info->name = keep(texts, proc_name(&proc));
	info->single_client = is_single_client(&proc);
	if (!proc_file(&file, "/proc/%u/maps", pid)) {
		const char *runtime = maps_runtime(bytes_text(&file), text);
		info->runtime = runtime ? keep(texts, runtime) : "";
	}
	if (!proc_file(&file, "/proc/%u/cgroup", pid)) {
		container_of(bytes_text(&file), id);
		unit_of(bytes_text(&file), unit);
		info->container = keep(texts, id);
		info->unit = keep(texts, unit);
	}
	bytes_free(&file);
}
