/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whom a loop connects to and waits for: how often, and how many connections are open. From the one tracepoint that tells of a TCP socket's
 * states, so no system call is hooked; a connection is known by its socket until that is closed, by whomever.
 */
#ifndef LOOPSTALL_BPF_PEER_H
#define LOOPSTALL_BPF_PEER_H

#include "block.h"

#define MAX_CONNECTIONS 8192

/* A thread of ours connected from a port that it had bound, so that ports no longer tell who began a connection. */
bool connected_from_bound;

/* Whose connection a socket is. */
struct connection {
	__u64 born_ns; /* of the peer: its place may be another one's by then */
	__u32 slot, peer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, __u64); /* struct sock *, never shown */
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline bool inet_is_same(const struct lst_inet *x, const struct lst_inet *y)
{
	const __u64 *xa = (const void *)x->address, *ya = (const void *)y->address;
	return x->family == y->family && x->port == y->port && xa[0] == ya[0] && xa[1] == ya[1];
}

/*
 * The place of l->sought among the loop's peers, LST_PEERS if it has none. Functions that the verifier looks at by themselves take
 * numbers only, hence the member; only one thread of a loop has a gap.
 */
SEPARATE __u32 peer_known(__u32 slot)
{
	struct lst_loop *l = loop_at(slot);

	for (__u32 i = 0; l && i < LST_PEERS; i++)
		if (inet_is_same(&l->peers[i].inet, &l->sought))
			return i;
	return LST_PEERS;
}

/* A place for another one: a free one, else one with nothing open and little use. */
SEPARATE __u32 peer_spare(__u32 slot)
{
	struct lst_loop *l = loop_at(slot);

	for (__u32 i = 0; l && i < LST_PEERS; i++)
		if (!l->peers[i].inet.family)
			return i;
	for (__u32 i = 0; l && i < LST_PEERS; i++)
		if (!l->peers[i].open &&
		    l->peers[i].connects + l->peers[i].waits + l->peers[i].reads < LST_BURST)
			return i;
	return LST_PEERS;
}

static __always_inline __u32 peer_place(struct lst_loop *l, __u32 slot, __u64 now)
{
	__u32 place = peer_known(slot);
	if (place < LST_PEERS)
		return place;
	place = peer_spare(slot);
	if (place >= LST_PEERS)
		return LST_PEERS;
	struct lst_peer *p = &l->peers[bounded(place, LST_PEERS - 1)];
	__builtin_memset(p, 0, sizeof *p);
	p->inet = l->sought;
	p->born_ns = now;
	return place;
}

static __always_inline bool peer_seek(struct lst_loop *l, struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return false;
	__builtin_memset(&l->sought, 0, sizeof l->sought);
	inet_describe(sk, family, &l->sought);
	l->sought.local_port = 0;
	return true;
}

/* Old kernels' atomics return nothing, so the most is read apart: by a moment late where threads share a loop. */
static __always_inline void peer_opened(struct lst_peer *p)
{
	__sync_fetch_and_add(&p->open, 1);
	__u64 open = p->open;
	if (open > p->most_open)
		p->most_open = open;
}

/* A thread of the loop begins to connect; in a gap of it unless the loop has several threads. */
SEPARATE int connection_begin(__u32 slot, __u64 socket)
{
	struct lst_loop *l = loop_at(slot);
	struct sock *sk = (void *)socket;
	if (!l || !peer_seek(l, sk))
		return 0;
	l->gap_connects++;
	if (BPF_CORE_READ(sk, __sk_common.skc_num)) /* the kernel chooses one after this */
		connected_from_bound = true;
	__u32 place = peer_place(l, slot, bpf_ktime_get_ns());
	if (place >= LST_PEERS)
		return 0;
	struct lst_peer *p = &l->peers[bounded(place, LST_PEERS - 1)];
	p->connects++;
	p->timed_connects += l->chain.timed;
	if (p->gap_seq != l->gap_seq) {
		p->gap_seq = l->gap_seq;
		p->gap_connects = 0;
	}
	p->gap_connects++;
	if (p->gap_connects > p->most_connects)
		p->most_connects = p->gap_connects;
	struct connection c = {p->born_ns, slot, place};
	if (bpf_map_update_elem(&connections, &socket, &c, BPF_ANY))
		lose(LST_LOSS_CONNECTIONS_FULL);
	else
		peer_opened(p);
	return 0;
}

/* In whatever context: the network may end a connection too. */
static __always_inline void connection_end(__u64 socket)
{
	struct connection *c = bpf_map_lookup_elem(&connections, &socket);
	if (!c)
		return;
	struct lst_loop *l = loop_at(c->slot);
	struct lst_peer *p = l ? &l->peers[bounded(c->peer, LST_PEERS - 1)] : NULL;
	__u64 born_ns = c->born_ns;
	if (!bpf_map_delete_elem(&connections, &socket) && p && p->born_ns == born_ns)
		__sync_fetch_and_add(&p->open, -1);
}

/*
 * The other end of a socket that was connected before we came: a peer, or a client of ours? A local port that connect() chose is in a
 * bucket that nobody has bound, so that side began. Where a program chose its own port, it is told by the other end's: those that are
 * handed out to clients begin there by default.
 */
#define CLIENT_PORTS   32768
#define BUCKET_UNBOUND (-1)

static __always_inline bool was_connected_by_us(struct sock *sk)
{
	struct inet_connection_sock *connection = (void *)sk;
	struct inet_bind_bucket *bucket;

	if (bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)) < CLIENT_PORTS)
		return true;
	bucket = BPF_CORE_READ(connection, icsk_bind_hash);
	return bucket && BPF_CORE_READ(bucket, fastreuse) == BUCKET_UNBOUND;
}

/* The same by plain loads: at every read of the host, most of which are a server's from its clients. */
static __always_inline bool was_connected_by_us_typed(struct sock *sk)
{
	if (bpf_ntohs(sk->__sk_common.skc_dport) < CLIENT_PORTS)
		return true;
	struct inet_bind_bucket *bucket = LOADABLE(sk, struct inet_connection_sock)->icsk_bind_hash;
	return bucket && bucket->fastreuse == BUCKET_UNBOUND;
}

/* The thread read from l->read_socket, inside a gap. */
SEPARATE int connection_read(__u32 slot)
{
	struct lst_loop *l = loop_at(slot);
	__u32 place = LST_PEERS;

	if (!l || l->shared)
		return 0;
	__u64 socket = l->read_socket;
	struct sock *sk = (void *)socket;
	struct connection *c = bpf_map_lookup_elem(&connections, &socket);
	if (c) {
		place = c->slot == slot ? c->peer : LST_PEERS;
	} else if (was_connected_by_us(sk)) {
		if (!peer_seek(l, sk))
			return 0;
		place = peer_place(l, slot, bpf_ktime_get_ns());
	}
	if (place >= LST_PEERS)
		return 0;
	struct lst_peer *p = &l->peers[bounded(place, LST_PEERS - 1)];
	if (p->read_seq == l->gap_seq)
		return 0;
	p->read_seq = l->gap_seq;
	p->reads++;
	if (!l->chain.peer)
		l->chain.peer = place + 1;
	return 0;
}

static __always_inline void thread_read(__u32 tid, __u64 socket)
{
	__u32 slot = 0;
	struct lst_thread *t = thread_find(tid);
	struct lst_loop *l = t && t->open_gaps ? gap_of(t, &slot) : NULL;

	if (!l)
		return;
	l->read_socket = socket;
	connection_read(slot);
}

static __always_inline void connection_was_read(__u64 socket)
{
	thread_read((__u32)bpf_get_current_pid_tgid(), socket);
}

/* Of a connection that a client began this is all. */
static __always_inline void connection_was_read_typed(struct sock *sk)
{
	if (was_connected_by_us_typed(sk) || connected_from_bound)
		thread_read(current_task()->pid, (__u64)sk);
}

/* A function of its own, for the verifier: eight blocks with eight peers each were five times all else that a wait does. */
SEPARATE int peer_waited(__u32 slot, __u32 thread_slot, __u32 block)
{
	struct lst_loop *l = loop_at(slot);
	struct lst_thread *t = thread_at(thread_slot);

	if (!l || !t)
		return 0;
	const struct lst_block *b = block_at(t, block);
	if (b->kind != LST_TARGET_INET)
		return 0;
	l->sought = *(const struct lst_inet *)b->target;
	l->sought.local_port = 0;
	__u32 place = peer_place(l, slot, bpf_ktime_get_ns());
	if (place >= LST_PEERS)
		return 0;
	struct lst_peer *p = &l->peers[bounded(place, LST_PEERS - 1)];
	p->waits++;
	p->waited_ns += b->sum_ns;
	return 0;
}

/* The thread ends its gap: whom it was blocked for in it, however short. */
static __always_inline void peers_waited(__u32 slot, const struct lst_thread *t)
{
	for (__u32 i = 0; i < LST_BLOCKS; i++) {
		if (i >= t->n_blocks)
			break;
		peer_waited(slot, t->slot, i);
	}
}

static __always_inline void connection_changed(__u64 socket, int state)
{
	__u32 slot = 0;

	if (state == TCP_SYN_SENT) {
		struct lst_thread *t = thread_find((__u32)bpf_get_current_pid_tgid());
		if (!t)
			return;
		struct lst_loop *l = gap_of(t, &slot);
		if (!l) {
			slot = t->wait_slot;
			l = loop_at(slot);
		}
		if (l && l->tgid == t->tgid && l->state == LST_SLOT_LIVE)
			connection_begin(slot, socket);
	} else if (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK || state == TCP_CLOSE) {
		connection_end(socket);
	}
}

#endif
