/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP connections of the small kernel; part of machine.c, which has the kernel's types, its events and what runs. */
#ifndef LOOPSTALL_TESTS_BPF_MACHINE_SOCKETS_H
#define LOOPSTALL_TESTS_BPF_MACHINE_SOCKETS_H

static void socket_changed(uint32_t number, int state)
{
	struct raw_args context = {{(__u64)&machine.sockets[number % MAX_SOCKETS], 0, state}};

	lst_connection((void *)&context);
}

/* What a local port says of who chose it: connect(), or a bind() of its own or of the listener. */
static struct inet_bind_bucket buckets[] = {{-1}, {0}};

static void connects(struct task_struct *t, uint32_t number, const char *address, uint16_t port,
		     uint16_t bound)
{
	struct inet_connection_sock *connection = &machine.sockets[number % MAX_SOCKETS];

	run(t);
	connection->icsk_bind_hash = bound ? &buckets[true] : NULL;
	sock_fill(&connection->icsk_inet.sk, address, port, bound);
	socket_changed(number, TCP_SYN_SENT);
	if (bound) /* else it gets a port only now */
		return;
	connection->icsk_bind_hash = &buckets[false];
	connection->icsk_inet.sk.__sk_common.skc_num = 40000;
}

void task_connects(struct task_struct *t, uint32_t number, const char *address, uint16_t port)
{
	connects(t, number, address, port, 0);
}

void task_connects_from(struct task_struct *t, uint32_t number, const char *address, uint16_t port,
			uint16_t bound)
{
	connects(t, number, address, port, bound);
}

void task_reads(struct task_struct *t, uint32_t number)
{
	__u64 sk = (__u64)&machine.sockets[number % MAX_SOCKETS];

	run(t);
	if (cfg.has_cast)
		lst_btf_read(&sk);
	else
		raw_event(lst_raw_read, sk, 0);
}

void connection_is_old(uint32_t number, const char *address, uint16_t port, bool bound)
{
	struct inet_connection_sock *connection = &machine.sockets[number % MAX_SOCKETS];

	sock_fill(&connection->icsk_inet.sk, address, port, 8080);
	connection->icsk_bind_hash = &buckets[bound];
}

void connection_ends(uint32_t number)
{
	shim_run(NULL, 0, 0, "swapper");
	socket_changed(number, TCP_CLOSE);
}

#endif
