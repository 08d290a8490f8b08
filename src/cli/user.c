/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/user.h"

#include "cli/option_table.h"
#include "cli/proc.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX    256
#define ANCESTORS_MAX 16 /* loopstall, sudo, its monitor, a shell or two */

static bool id_from(const char *variable, uint64_t *id)
{
	const char *text = getenv(variable);
	return text && option_number(text, id, NULL) &&
	       *id < UINT32_MAX; /* -1 means "leave it" to setuid() */
}

bool user_behind_sudo(struct user *u)
{
	uint64_t uid, gid;
	if (geteuid() != 0 || !id_from("SUDO_UID", &uid) || !id_from("SUDO_GID", &gid) || !uid)
		return false;
	*u = (struct user){(uid_t)uid, (gid_t)gid};
	return true;
}

/* The line "Key:\t…" of a status file, NULL without one. */
static const char *status_line(const struct bytes *status, const char *key)
{
	const char *line = strstr(bytes_text(status), key);
	return line ? line + strlen(key) : NULL;
}

static size_t parse_groups(const char *line, gid_t groups[GROUPS_MAX])
{
	size_t n = 0;
	for (char *end; n < GROUPS_MAX; line = end) {
		while (*line == ' ' || *line == '\t')
			line++;
		if (*line < '0' || *line > '9')
			break;
		groups[n++] = (gid_t)strtoul(line, &end, 10);
	}
	return n;
}

/* The nearest ancestor that runs as the user has the groups of the session, wherever they came from (LDAP, PAM). */
static size_t session_groups(const struct user *u, gid_t groups[GROUPS_MAX])
{
	struct bytes status = {0};
	size_t n = 0;
	unsigned pid = (unsigned)getppid();
	for (int i = 0; i < ANCESTORS_MAX && pid > 1 && !n; i++) {
		if (proc_file(&status, "/proc/%u/status", pid))
			break;
		const char *uid = status_line(&status, "\nUid:"), *parent = status_line(&status, "\nPPid:");
		const char *list = status_line(&status, "\nGroups:");
		if (uid && list && strtoul(uid, NULL, 10) == u->uid)
			n = parse_groups(list, groups);
		pid = parent ? (unsigned)strtoul(parent, NULL, 10) : 0;
	}
	bytes_free(&status);
	return n;
}

static int set_home(const struct user *u)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry = NULL;
	int err = 0;
	while (file && (entry = fgetpwent(file)) && entry->pw_uid != u->uid)
		;
	if (entry)
		err = setenv("HOME", entry->pw_dir, 1) || setenv("USER", entry->pw_name, 1) ||
				      setenv("LOGNAME", entry->pw_name, 1)
			      ? -ENOMEM
			      : 0;
	if (file)
		fclose(file);
	return err;
}

int user_become(const struct user *u)
{
	gid_t groups[GROUPS_MAX];
	size_t n = session_groups(u, groups);
	if (!n)
		groups[n++] = u->gid;
	int err = set_home(u);
	if (err)
		return err;
	if (setgroups(n, groups) || setresgid(u->gid, u->gid, u->gid) || setresuid(u->uid, u->uid, u->uid))
		return -errno;
	return setuid(0) ? 0 : -EPERM; /* being root again would mean that nothing was given up */
}
