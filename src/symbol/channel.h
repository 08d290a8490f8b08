/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams with at most one descriptor between two processes, and a queue for those the socket does not take
 * at once (a SOCK_SEQPACKET queue holds ten). Knows no message.
 */
#ifndef LOOPSTALL_SYMBOL_CHANNEL_H
#define LOOPSTALL_SYMBOL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* fd -1: none comes along. 0 or -errno (-EAGAIN only if !wait). */
int channel_send(int socket, const void *data, size_t bytes, int fd, bool wait);
/*
 * One datagram; *fd is the descriptor that came with it or -1, now the caller's. The number of bytes, 0 when
 * the other end is closed, -EAGAIN, -EMSGSIZE if it did not fit, -errno.
 */
ssize_t channel_receive(int socket, void *data, size_t cap, int *fd, bool wait);

struct outbox_item;
struct outbox {
	struct outbox_item *first, **last;
};

/*
 * Sends, or keeps a copy until outbox_flush(). Takes the descriptor in any case. 0, -ENOMEM, -errno of a dead
 * socket.
 */
int outbox_put(struct outbox *o, int socket, const void *data, size_t bytes, int fd);
/* 0 when all is gone, -EAGAIN when not, -errno. */
int outbox_flush(struct outbox *o, int socket);
void outbox_clear(struct outbox *o);

#endif
