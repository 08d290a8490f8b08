/* SPDX-License-Identifier: Apache-2.0 */
/* Other ends of a loop, once a second: what was connected to, waited for, and is open. */
#include "cli/live_parts.h"

#include "base/bytes.h"
#include "capture/block_text.h"

#include <stdio.h>
#include <sys/stat.h>

static const char *peer_text(struct live_source *s, const struct lst_inet *inet)
{
	struct bytes text = {0};
	inet_peer_text(&text, inet);
	const char *kept = live_text(s, bytes_text(&text), text.len);
	bytes_free(&text);
	return kept;
}

/* From 6.2 on a process' fd folder says as its size how many are open; before it says 0. */
static uint64_t open_files(uint32_t pid)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%u/fd", pid);
	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

void peers_count(struct live_source *s, struct fact_counts *c, const struct lst_loop *now,
		 const struct lst_loop *last)
{
	static const struct lst_peer nobody;

	c->open_files = open_files(now->tgid);
	for (unsigned i = 0; i < LST_PEERS; i++) {
		const struct lst_peer *p = &now->peers[i], *was = &last->peers[i];
		if (!p->inet.family)
			continue;
		if (was->born_ns != p->born_ns)
			was = &nobody; /* its place was another one's */
		if (p->connects != was->connects)
			reads_connected(s);
		c->peers[c->n_peers++] = (struct fact_peer){
			.peer = peer_text(s, &p->inet),
			.connects = p->connects - was->connects,
			.timed_connects = p->timed_connects - was->timed_connects,
			.waits = p->waits - was->waits,
			.waited_ns = p->waited_ns - was->waited_ns,
			.reads = p->reads - was->reads,
			.work_ns = p->work_ns - was->work_ns,
			.open = p->open,
			.most_connects = p->most_connects,
			.most_open = p->most_open,
		};
	}
}
