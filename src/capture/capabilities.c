/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capabilities.h"

#include "base/array.h"

#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ALL_CAPS "cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_syslog,cap_checkpoint_restore"

static const struct right {
	const char *name;
	cap_value_t cap;
	enum capabilities_use which;
	bool admin_stands; /* CAP_SYS_ADMIN stood for it before it was split off, and still does */
	const char *lost;
} rights[] = {
	{"cap_bpf", CAP_BPF, CAPABILITIES_TO_LOAD, true, ""},
	{"cap_perfmon", CAP_PERFMON, CAPABILITIES_TO_LOAD, true, ""},
	{"cap_sys_ptrace", CAP_SYS_PTRACE, CAPABILITIES_TO_LOOK, false,
	 "other users' processes cannot be looked into"},
	{"cap_dac_read_search", CAP_DAC_READ_SEARCH, CAPABILITIES_TO_LOOK, false,
	 "memory and descriptors of other users' processes cannot be read"},
	{"cap_syslog", CAP_SYSLOG, CAPABILITIES_TO_LOOK, true, "kernel frames have no names"},
	{"cap_checkpoint_restore", CAP_CHECKPOINT_RESTORE, CAPABILITIES_TO_LOOK, true,
	 "deleted programs and those in containers may have no names"},
};

static bool has_cap(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	return caps && !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
}

static bool has_right(cap_t caps, const struct right *r)
{
	return has_cap(caps, r->cap) || (r->admin_stands && has_cap(caps, CAP_SYS_ADMIN));
}

static void put(char *text, size_t bytes, const char *word)
{
	size_t len = strlen(text);
	snprintf(text + len, bytes - len, "%s%s", len ? ", " : "", word);
}

bool capabilities_missing(enum capabilities_use which, char *text, size_t bytes)
{
	cap_t caps = cap_get_proc();

	*text = 0;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		if (rights[i].which == which && !has_right(caps, &rights[i]))
			put(text, bytes, rights[i].name);
	cap_free(caps);
	return *text;
}

bool capabilities_lost(char *text, size_t bytes)
{
	cap_t caps = cap_get_proc();
	char one[128];

	*text = 0;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		if (rights[i].which != CAPABILITIES_TO_LOOK || has_right(caps, &rights[i]))
			continue;
		snprintf(one, sizeof one, "without %s %s", rights[i].name, rights[i].lost);
		put(text, bytes, one);
	}
	cap_free(caps);
	return *text;
}

static bool has_any(void)
{
	cap_t caps = cap_get_proc();
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		any |= has_cap(caps, rights[i].cap);
	cap_free(caps);
	return any;
}

static void own_path(char *path, size_t bytes)
{
	ssize_t n = readlink("/proc/self/exe", path, bytes - 1);
	path[n > 0 ? n : 0] = 0;
}

static bool file_has_caps(void)
{
	return getxattr("/proc/self/exe", "security.capability", NULL, 0) > 0;
}

void capabilities_fix(char *line, size_t bytes)
{
	char path[96];

	own_path(path, sizeof path);
	if (geteuid() == 0)
		snprintf(line, bytes,
			 "root lacks them here: give them to the container (--cap-add) or the unit");
	else if (file_has_caps())
		snprintf(line, bytes, "sudo setcap " ALL_CAPS "=ep %s", path);
	else if (has_any())
		snprintf(line, bytes,
			 "add them to AmbientCapabilities= of the unit, or to --inh-caps and --ambient-caps "
			 "of setpriv");
	else
		snprintf(line, bytes, "run loopstall with sudo");
}

bool capabilities_are_everybodys(char *path, size_t bytes)
{
	struct stat st;

	own_path(path, bytes);
	return !stat("/proc/self/exe", &st) && st.st_mode & S_IXOTH &&
	       (st.st_mode & S_ISUID || file_has_caps());
}
