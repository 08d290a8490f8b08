/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that was accepted has the local port of its listener, one that was begun has a port of its own. So a socket with a peer whose
 * port nobody listens on was begun by us, or its listener is gone, which is rare and errs to the safe side.
 */
#include "cli/connected.h"

#include "cli/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_BYTES_MAX (1u << 20) /* proc_file() reads no more: some 7,000 sockets */
#define FILES_MAX	20000

enum tcp_state { ESTABLISHED = 1, SYN_SENT = 2, LISTEN = 10 };

struct row {
	unsigned port, state;
	unsigned long inode;
};

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 …" */
static bool row_read(const char *line, struct row *r)
{
	return sscanf(line, " %*d: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2x %*s %*s %*s %*u %*u %lu",
		      &r->port, &r->state, &r->inode) == 3 &&
	       r->port < 65536;
}

static void rows_each(struct connected_table *t, const char *text, size_t len,
		      void (*take)(struct connected_table *t, const struct row *r))
{
	char line[256];
	const char *end = text + len;
	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);
		struct row r;
		snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), at);
		if (row_read(line, &r))
			take(t, &r);
		at += n + 1;
	}
}

static void take_listener(struct connected_table *t, const struct row *r)
{
	if (r->state == LISTEN)
		t->listens[r->port / 8] |= (uint8_t)(1u << r->port % 8);
}

static void take_socket(struct connected_table *t, const struct row *r)
{
	bool listens = t->listens[r->port / 8] >> r->port % 8 & 1;
	bool began = r->state == SYN_SENT || (r->state == ESTABLISHED && !listens);
	if (began && r->inode && !idmap_put(&t->began, r->inode, t))
		t->whole = false;
}

void connected_listeners(struct connected_table *t, const char *text, size_t len)
{
	rows_each(t, text, len, take_listener);
}

void connected_sockets(struct connected_table *t, const char *text, size_t len)
{
	rows_each(t, text, len, take_socket);
}

void connected_free(struct connected_table *t)
{
	idmap_free(&t->began);
}

/* The network of the process as it stands. */
static void table_read(struct connected_table *t, const char *root, uint32_t pid)
{
	static const char *const files[] = {"tcp", "tcp6"};
	struct bytes text[2] = {{0}, {0}};

	t->whole = true;
	for (int i = 0; i < 2; i++) {
		if (proc_file(&text[i], "%s/%u/net/%s", root, pid, files[i]) && i == 0)
			t->whole = false; /* a host without IPv6 has no tcp6 */
		t->whole &= text[i].len < TABLE_BYTES_MAX;
		connected_listeners(t, bytes_text(&text[i]), text[i].len);
	}
	for (int i = 0; i < 2; i++) {
		connected_sockets(t, bytes_text(&text[i]), text[i].len);
		bytes_free(&text[i]);
	}
}

static bool has_one_of(const struct connected_table *t, int folder, const char *name)
{
	char target[64];
	unsigned long inode;
	ssize_t n = readlinkat(folder, name, target, sizeof target - 1);

	target[n > 0 ? n : 0] = 0;
	return sscanf(target, "socket:[%lu]", &inode) == 1 && idmap_get(&t->began, inode);
}

static bool files_have_one(const struct connected_table *t, const char *root, uint32_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%u/fd", root, pid);
	DIR *folder = opendir(path);
	bool found = !folder;
	unsigned n = 0;
	for (struct dirent *e; !found && (e = readdir(folder));)
		found = has_one_of(t, dirfd(folder), e->d_name) || ++n > FILES_MAX;
	if (folder)
		closedir(folder);
	return found;
}

bool connected_out(const char *root, uint32_t pid)
{
	struct connected_table *t = calloc(1, sizeof *t);
	if (!t)
		return true;
	table_read(t, root, pid);
	bool found = !t->whole || (t->began.n && files_have_one(t, root, pid));
	connected_free(t);
	free(t);
	return found;
}
