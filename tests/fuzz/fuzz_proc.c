/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of /proc and of the cgroup hierarchy, of which processes choose names, titles and arguments. The first byte says which
 * file it is.
 */
#include "must.h"

#include "base/array.h"
#include "cli/cgroup_text.h"
#include "cli/connected.h"
#include "cli/proc_text.h"
#include "cli/process_text.h"
#include "model/taken.h"
#include "symbol/kallsyms.h"

#include <ctype.h>
#include <stdio.h>

static bool is_text(const char *field, size_t bytes)
{
	return memchr(field, 0, bytes);
}

static void read_stat(char *text, size_t size)
{
	struct proc p = {0};
	(void)size;
	if (!proc_text_stat(text, &p))
		return;
	must(is_text(p.comm, sizeof p.comm) && p.state);
	must(strstr(text, p.comm));
	(void)proc_is_zombie(&p);
}

/* The first word is the program. */
static void read_argv(char *text, size_t size)
{
	size_t first = strlen(text) < size ? strlen(text) + 1 : size;
	struct bytes argv = {.data = text + first, .len = size - first};
	struct proc p = {0};

	proc_text_base(p.program, text, strlen(text));
	proc_text_argv(&argv, &p);
	must(is_text(p.program, sizeof p.program) && is_text(p.title, sizeof p.title) &&
	     is_text(p.script, sizeof p.script));
	must(!strchr(p.title, '/') && !strpbrk(p.title, ": ") && !strchr(p.script, '/'));
	must(proc_name(&p) && (!p.script[0] || proc_is_called(&p, p.script)));
}

static void read_status(char *text, size_t size)
{
	(void)size;
	uint32_t tgid = proc_text_number(text, "Tgid");
	must(!tgid || strstr(text, "Tgid:"));
	proc_text_number(text, "NSpid");
	must(proc_text_watched(text) <= size / 4);
}

static void read_call(char *text, size_t size)
{
	struct proc_call call;
	(void)size;
	if (!proc_text_call(text, &call))
		return;
	must(!call.runs || (!call.number && !call.first));
}

static void read_host(char *text, size_t size)
{
	struct taken taken;
	(void)size;
	proc_text_taken(text, 100, &taken);
	must(!proc_text_taken(text, 0, &taken));
}

static void read_maps(char *text, size_t size)
{
	char runtime[PROCESS_RUNTIME_BYTES];
	const char *found = process_text_runtime(text, runtime);
	(void)size;
	must(!found || (*found && strlen(found) < sizeof runtime && strchr(text, 'x')));
}

static void read_names(char *text, size_t size)
{
	char id[PROCESS_CONTAINER_BYTES], unit[PROCESS_UNIT_BYTES], path[PROCESS_CGROUP_BYTES];
	(void)size;
	process_text_container(text, id);
	must(!id[0] || (strspn(id, "0123456789abcdefABCDEF") == 12 && !id[12]));
	process_text_unit(text, unit);
	size_t len = strlen(unit);
	must(len < sizeof unit && !strpbrk(unit, "/\n"));
	for (unsigned level = 0; level < 4; level++)
		process_text_limit(text, level, unit, path);
	must(strlen(path) < sizeof path);
	must(!len || len == sizeof unit - 1 || !strcmp(unit + len - strlen(".service"), ".service"));
}

/* The first line is what is looked for. */
static void read_cgroup(char *text, size_t size)
{
	char *line = memchr(text, '\n', size);
	struct cgroup_line l;

	if (!line)
		return;
	*line++ = 0;
	if (!cgroup_text_line(line, &l))
		return;
	must(l.rank >= 1 && l.rank <= 3 && l.controllers < l.path);
	size_t unit = cgroup_text_prefix(l.path, CGROUP_UNIT, text);
	must(unit <= strlen(l.path) && (!unit || l.path[unit] == '/' || !l.path[unit]));
	must(!unit || (unit >= strlen(text) && !strncmp(l.path + unit - strlen(text), text, strlen(text))));
	size_t container = cgroup_text_prefix(l.path, CGROUP_CONTAINER, text);
	must(container <= strlen(l.path) && (!container || strlen(text) >= 6));
}

static void read_members(char *text, size_t size)
{
	struct cgroup_members m = {0};
	must(!cgroup_text_members(text, &m));
	must(m.n <= size);
	for (size_t i = 0; i < m.n; i++)
		must(m.pids[i]);
	free(m.pids);
}

static void read_kallsyms(char *text, size_t size)
{
	FILE *file = size ? fmemopen(text, size, "r") : NULL;
	struct kallsyms *k = file ? kallsyms_read(file) : NULL;
	uint64_t offset = 0;

	for (uint64_t address = 0xffffffff80000000u; k && address >= 0xffffffff80000000u;
	     address += 0x10000001)
		if (kallsyms_find(k, address, &offset))
			must(offset <= address);
	kallsyms_free(k);
	if (file)
		fclose(file);
}

static void read_connected(char *text, size_t size)
{
	struct connected_table t = {0};
	connected_listeners(&t, text, size);
	connected_sockets(&t, text, size);
	must(t.began.n <= size && !idmap_get(&t.began, 0));
	connected_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(char *text, size_t size) = {
		read_stat,   read_argv,	   read_status,	  read_call, read_maps,	     read_names,
		read_cgroup, read_members, read_kallsyms, read_host, read_connected,
	};
	if (!size)
		return 0;
	char *text = text_of(data + 1, size - 1);
	readers[data[0] % ARRAY_LEN(readers)](text, size - 1);
	free(text);
	return 0;
}
