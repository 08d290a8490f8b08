/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from TCP sockets tells of a loop that polls a peer on a connection it keeps. It costs every read of the host a little, and a
 * server that asks nobody has nothing to tell: so it is listened to from the moment on at which a process has begun a connection.
 */
#include "cli/live_parts.h"

#include "cli/connected.h"

static void reads_watch(struct live_source *s)
{
	s->watches_reads = true;
	capture_watch_reads(s->capture); /* without it one pattern has no line: a kernel may do without */
}

void reads_follow(struct live_source *s, uint32_t pid)
{
	if (!s->watches_reads && connected_out("/proc", pid))
		reads_watch(s);
}

void reads_connected(struct live_source *s)
{
	if (!s->watches_reads)
		reads_watch(s);
}
