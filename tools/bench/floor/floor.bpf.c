/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Programs that do nothing, at the places that loopstall traces a loop's process by on its rung of tracepoints: what is left to pay there
 * when the tracer itself is free. The rarer places (fork, exec, exit, reclaim) are left out.
 */
#define SEC(name) __attribute__((section(name), used))

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tracepoint")
int floor_call(void *ctx)
{
	return 0;
}

SEC("tp_btf/sched_switch")
int floor_switch(void *ctx)
{
	return 0;
}

SEC("tp_btf/sched_waking")
int floor_waking(void *ctx)
{
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int floor_read(void *ctx)
{
	return 0;
}
