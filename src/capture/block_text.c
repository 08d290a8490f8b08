/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/block_text.h"

#include "base/array.h"
#include "base/duration.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct text_state {
	const struct lst_block *b;
	const struct block_context *context;
};

/* The kernel wrote names from the file upwards, each NUL-terminated; an empty one says that the root was reached. */
static void path_text(struct bytes *out, const char target[LST_TARGET_BYTES])
{
	const char *names[LST_TARGET_BYTES / 2];
	size_t n = 0, at = 0;
	bool whole = false;

	while (at < LST_TARGET_BYTES && n < ARRAY_LEN(names)) {
		size_t len = strnlen(target + at, LST_TARGET_BYTES - at);
		whole = len == 0;
		if (!len || at + len >= LST_TARGET_BYTES)
			break;
		names[n++] = target + at;
		at += len + 1;
	}
	if (!n)
		return;
	if (!whole)
		bytes_puts(out, "…");
	while (n)
		bytes_printf(out, "/%s", names[--n]);
}

/* The path of a descriptor, if it is still the same file. */
static bool open_path_text(struct bytes *out, const struct text_state *s)
{
	char link[64], path[512];
	struct statx st;

	if (s->b->fd == ~0u)
		return false;
	snprintf(link, sizeof link, "/proc/%u/fd/%u", s->context->pid, s->b->fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	/* Its file system is not asked: it may be the one that the loop waits for. */
	if (n <= 0 || statx(AT_FDCWD, link, AT_STATX_DONT_SYNC, STATX_INO, &st) || st.stx_ino != s->b->object)
		return false;
	path[n] = 0;
	bytes_puts(out, path);
	return true;
}

static void file_text(struct bytes *out, const struct text_state *s)
{
	if (!open_path_text(out, s))
		path_text(out, s->b->target);
}

static const char *protocol_word(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_ICMP: return "icmp";
	default: return "ip";
	}
}

void inet_peer_text(struct bytes *out, const struct lst_inet *inet)
{
	char address[INET6_ADDRSTRLEN] = "?";
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	bool v4 = inet->family == AF_INET, v4_mapped = !v4 && !memcmp(inet->address, mapped, sizeof mapped);
	inet_ntop(v4 || v4_mapped ? AF_INET : AF_INET6, inet->address + (v4_mapped ? 12 : 0), address,
		  sizeof address);
	bytes_puts(out, protocol_word(inet->protocol));
	if (!inet->port)
		bytes_printf(out, " port %u, no peer", inet->local_port);
	else
		bytes_printf(out, v4 || v4_mapped ? " %s:%u" : " [%s]:%u", address, inet->port);
}

static void inet_text(struct bytes *out, const struct text_state *s)
{
	struct lst_inet inet;
	memcpy(&inet, s->b->target, sizeof inet);
	inet_peer_text(out, &inet);
}

static void unix_text(struct bytes *out, const struct text_state *s)
{
	char path[109] = "";
	memcpy(path, s->b->target, 108);
	bytes_printf(out, path[0] ? "unix %s" : "unix socket", path);
}

/* The child that has to do with a pipe or a wait: who ended it, else the only one forked inside the gap. */
static void child_text(struct bytes *out, const struct text_state *s, const char *before)
{
	const struct lst_child *children = s->context->children;
	const struct lst_waker *waker = &s->b->waker;

	bool other = waker->tgid != s->context->pid;
	if (other && (waker->why == LST_WAKER_EXIT || waker->why == LST_WAKER_PIPE))
		bytes_printf(out, "%spid %u (%.*s)", before, waker->tgid, LST_COMM_BYTES, waker->comm);
	else if (children && children[0].pid)
		bytes_printf(out, "%spid %u (%.*s)", before, children[0].pid, LST_COMM_BYTES,
			     children[0].comm);
}

static void pipe_text(struct bytes *out, const struct text_state *s)
{
	bool named = s->b->target[0] && s->b->target[0] != '/';
	if (named && open_path_text(out, s))
		return; /* a FIFO, or pipe:[123] when it is still open */
	if (named)
		path_text(out, s->b->target);
	else if (s->b->fds > 1)
		bytes_printf(out, "%u pipes", s->b->fds);
	else
		bytes_puts(out, "a pipe");
}

static void pipe_and_child_text(struct bytes *out, const struct text_state *s)
{
	size_t before = out->len;
	pipe_text(out, s);
	if (out->data &&
	    strstr(out->data + before, "pipe:[")) { /* an anonymous pipe's number tells nobody anything */
		out->len = before;
		if (s->b->fds > 1)
			bytes_printf(out, "%u pipes", s->b->fds);
		else
			bytes_puts(out, "a pipe");
	}
	child_text(out, s, " of ");
}

static void anon_text(struct bytes *out, const struct text_state *s)
{
	size_t len = strnlen(s->b->target, LST_TARGET_BYTES);
	const char *name = s->b->target;
	if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	bytes_printf(out, "%.*s", (int)len, name);
	if (s->b->fd != ~0u)
		bytes_printf(out, " (fd %u)", s->b->fd);
	if (len == 9 &&
	    !memcmp(name, "eventpoll", 9)) /* a loop inside the loop, as Node runs for execSync() */
		child_text(out, s, ", child ");
}

static void futex_text(struct bytes *out, const struct text_state *s)
{
	bytes_printf(out, "0x%llx", (unsigned long long)s->b->object);
}

static void wait_child_text(struct bytes *out, const struct text_state *s)
{
	size_t before = out->len;
	child_text(out, s, "");
	if (out->len == before && s->b->object)
		bytes_printf(out, "pid %llu", (unsigned long long)s->b->object);
	else if (out->len == before)
		bytes_puts(out, "any child");
}

bool block_sleeps_alike(const struct lst_block *b)
{
	return b->count < 2 || b->max_ns < 2 * b->object;
}

static void sleep_text(struct bytes *out, const struct text_state *s)
{
	char text[DURATION_TEXT_BYTES];
	if (s->b->object && block_sleeps_alike(s->b))
		bytes_puts(out, duration_text(s->b->object, text));
}

static void argument_text(struct bytes *out, const struct text_state *s)
{
	bytes_printf(out, "%.*s", LST_TARGET_BYTES, s->b->target);
}

static void socket_text(struct bytes *out, const struct text_state *s)
{
	bytes_printf(out, s->b->object == AF_NETLINK ? "netlink socket" : "socket of family %llu",
		     (unsigned long long)s->b->object);
}

static void gil_text(struct bytes *out, const struct text_state *s)
{
	(void)s;
	bytes_puts(out, "the GIL");
}

static void (*const texts[LST_TARGET_KINDS])(struct bytes *out, const struct text_state *s) = {
	[LST_TARGET_FILE] = file_text,	      [LST_TARGET_INET] = inet_text,
	[LST_TARGET_UNIX] = unix_text,	      [LST_TARGET_PIPE] = pipe_and_child_text,
	[LST_TARGET_ANON] = anon_text,	      [LST_TARGET_FUTEX] = futex_text,
	[LST_TARGET_CHILD] = wait_child_text, [LST_TARGET_SLEEP] = sleep_text,
	[LST_TARGET_PATH] = argument_text,    [LST_TARGET_SOCKET] = socket_text,
	[LST_TARGET_GIL] = gil_text,
};

void block_target_text(struct bytes *out, const struct lst_block *b, const struct block_context *context)
{
	struct text_state s = {b, context};
	if (b->kind < LST_TARGET_KINDS && texts[b->kind])
		texts[b->kind](out, &s);
}
