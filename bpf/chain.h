/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the gaps between two waits that may sleep have in common (wire.h: struct lst_chain). At every iteration, hence a few adds and no
 * calls. Loops of several threads have none: their gaps do not follow from each other.
 */
#ifndef LOOPSTALL_BPF_CHAIN_H
#define LOOPSTALL_BPF_CHAIN_H

#include "state.h"

/*
 * A step of growth is a multiple, not another matter. The first gap may be as short as an ordinary one: growth that ends in milliseconds
 * began there, and how much of it makes a cascade is judged in user space.
 */
#define GROWTH_FROM_NS 50000ULL
#define GROWTH_MOST    20

/* A wait returned: with timeout 0 the chain goes on, whatever it found. */
static __always_inline void chain_turn(struct lst_loop *l, __s64 timeout_ns, long ret)
{
	if (!timeout_ns || l->shared)
		return;
	l->chain.ns = 0;
	l->chain.gaps = 0;
	l->chain.growth = 0;
	l->chain.last_ns = 0;
	l->chain.peer = 0;
	l->chain.timed = ret == 0 && timeout_ns > 0;
}

static __always_inline void chain_add(struct lst_loop *l, __u64 work_ns)
{
	struct lst_chain *c = &l->chain;
	__u64 last = c->last_ns;

	if (l->shared)
		return;
	if (last >= GROWTH_FROM_NS && work_ns >= last + last / 2 && work_ns <= last * GROWTH_MOST) {
		c->growth++;
	} else if (!c->growth || work_ns < last / 2 || work_ns > last + last / 2) {
		c->growth = 0;
		c->grown_from_ns = work_ns;
	}
	c->last_ns = work_ns;
	c->ns += work_ns;
	c->gaps++;
	if (c->peer)
		l->peers[bounded(c->peer - 1, LST_PEERS - 1)].work_ns += work_ns;
	if (!c->timed)
		return;
	l->timed_ns += work_ns;
	l->timed_chains += c->gaps == 1;
}

#endif
