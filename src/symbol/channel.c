/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int channel_send(int socket, const void *data, size_t bytes, int fd, bool wait)
{
	struct iovec iov = {.iov_base = (void *)data, .iov_len = bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control = {0};

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof control.bytes;
		control.head = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	ssize_t sent;
	do
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Other ends may send more than they should: what came beyond the first descriptor was never installed. */
static int passed_fd(struct msghdr *msg)
{
	int fd = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

ssize_t channel_receive(int socket, void *data, size_t cap, int *fd, bool wait)
{
	struct iovec iov = {.iov_base = data, .iov_len = cap};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	*fd = passed_fd(&msg);
	if (!(msg.msg_flags & MSG_TRUNC))
		return got;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EMSGSIZE;
}

struct outbox_item {
	struct outbox_item *next;
	int fd;
	size_t bytes;
	unsigned char data[];
};

static int keep(struct outbox *o, const void *data, size_t bytes, int fd)
{
	struct outbox_item *item = malloc(sizeof *item + bytes);
	if (!item) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	*item = (struct outbox_item){.fd = fd, .bytes = bytes};
	memcpy(item->data, data, bytes);
	if (!o->first)
		o->last = &o->first;
	*o->last = item;
	o->last = &item->next;
	return 0;
}

int outbox_put(struct outbox *o, int socket, const void *data, size_t bytes, int fd)
{
	int err = o->first ? -EAGAIN : channel_send(socket, data, bytes, fd, false);
	if (err == -EAGAIN)
		return keep(o, data, bytes, fd);
	if (fd >= 0)
		close(fd);
	return err;
}

static void drop_first(struct outbox *o)
{
	struct outbox_item *item = o->first;
	o->first = item->next;
	if (item->fd >= 0)
		close(item->fd);
	free(item);
}

int outbox_flush(struct outbox *o, int socket)
{
	while (o->first) {
		int err = channel_send(socket, o->first->data, o->first->bytes, o->first->fd, false);
		if (err)
			return err;
		drop_first(o);
	}
	return 0;
}

void outbox_clear(struct outbox *o)
{
	while (o->first)
		drop_first(o);
}
