/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from TCP sockets tells of a loop that polls a peer on a connection it keeps. It costs every read of the host a little, and a
 * server that asks nobody has nothing to tell: so it is listened to from the moment on at which a process has begun a connection.
 */
#include "cli/live_parts.h"

#include "cli/connected.h"

/* A kernel may do without it: then one pattern has no line, which is said once. */
static void reads_watch(struct live_source *s)
{
	s->watches_reads = true;
	if (capture_watch_reads(s->capture))
		live_refused(s, capture_refusal_of("lst_btf_read"));
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
