/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cgroup_text.h"

#include "base/array.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_ID_MIN 6  /* as typed: docker prints 12 */
#define CONTAINER_ID_LEN 32 /* in the name of a cgroup: 64 for docker, containerd, cri-o and podman */

static int rank_of(const char *controllers)
{
	return !*controllers ? 3 : !strcmp(controllers, "name=systemd") ? 2 : 1;
}

bool cgroup_text_line(char *line, struct cgroup_line *l)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(++controllers, ':') : NULL;
	if (!path)
		return false;
	*path++ = 0;
	*l = (struct cgroup_line){controllers, path, rank_of(controllers)};
	return true;
}

static bool is_unit(const char *name, size_t len, const char *unit)
{
	return strlen(unit) == len && !memcmp(name, unit, len);
}

/* docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, /docker/ID, /kubepods/…/ID;
 * conmon is podman's own. */
static bool is_container(const char *name, size_t len, const char *id)
{
	static const char scope[] = ".scope", conmon[] = "conmon-";
	if (len > sizeof scope - 1 && !memcmp(name + len - (sizeof scope - 1), scope, sizeof scope - 1))
		len -= sizeof scope - 1;
	if (memmem(name, len, conmon, sizeof conmon - 1))
		return false;
	size_t from = len;
	while (from && isxdigit((unsigned char)name[from - 1]))
		from--;
	size_t wanted = strlen(id);
	bool separated = from == 0 || name[from - 1] == '-' ||
			 name[from - 1] == ':'; /* ':' containerd without systemd */
	return separated && len - from >= CONTAINER_ID_LEN && wanted >= CONTAINER_ID_MIN &&
	       wanted <= len - from && !strncasecmp(name + from, id, wanted);
}

static bool (*const matches[])(const char *name, size_t len, const char *wanted) = {
	[CGROUP_UNIT] = is_unit,
	[CGROUP_CONTAINER] = is_container,
};

size_t cgroup_text_prefix(const char *path, enum cgroup_named as, const char *wanted)
{
	for (const char *part = path; *part;) {
		part += strspn(part, "/");
		size_t len = strcspn(part, "/");
		if (len && matches[as](part, len, wanted))
			return (size_t)(part - path) + len;
		part += len;
	}
	return 0;
}

int cgroup_text_members(const char *text, struct cgroup_members *m)
{
	const char *at = text;
	for (char *end; isdigit((unsigned char)*at); at = end + (*end == '\n')) {
		unsigned long pid = strtoul(at, &end, 10);
		if (!pid || pid > UINT32_MAX)
			continue; /* outside our PID namespace */
		if (!array_reserve(&m->pids, &m->cap, m->n + 1, sizeof *m->pids))
			return -ENOMEM;
		m->pids[m->n++] = (uint32_t)pid;
	}
	return 0;
}
