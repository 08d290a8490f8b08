/* SPDX-License-Identifier: Apache-2.0 */
/* Has a process TCP connections that it began itself? From the socket tables of its network and from its descriptors. */
#ifndef LOOPSTALL_CLI_CONNECTED_H
#define LOOPSTALL_CLI_CONNECTED_H

#include "base/idmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a network's tables tell. A zeroed struct is empty. */
struct connected_table {
	uint8_t listens[65536 / 8]; /* a bit for each local port that somebody listens on */
	struct idmap began;	    /* inodes of sockets with a peer, at a port where nobody listens */
	bool whole;		    /* false: something could not be kept */
};

/* A table as /proc/PID/net/tcp and tcp6 have it. All of a network's are read for listeners before one is read for sockets. */
void connected_listeners(struct connected_table *t, const char *text, size_t len);
void connected_sockets(struct connected_table *t, const char *text, size_t len);
void connected_free(struct connected_table *t);

/* root: "/proc". Also true where it cannot be told: no rights, too many sockets. */
bool connected_out(const char *root, uint32_t pid);

#endif
