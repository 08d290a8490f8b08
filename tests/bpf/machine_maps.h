/* SPDX-License-Identifier: Apache-2.0 */
/* The maps and the configuration that user space would set up; part of machine.c, which has the programs' own definitions. */
#ifndef LOOPSTALL_TESTS_BPF_MACHINE_MAPS_H
#define LOOPSTALL_TESTS_BPF_MACHINE_MAPS_H

#define SELF_TGID 1

#define MAP(map, kind, n) shim_map(&(map), kind, sizeof *(map).key, sizeof *(map).value, n)
#define QUEUE(queue, n)	  queue_fill(&(queue), n)
#define PER_CPU_BUFFERS	  2

static void queue_fill(const void *queue, __u32 n)
{
	shim_map(queue, BPF_MAP_TYPE_QUEUE, 0, sizeof n, n);
	for (__u32 i = 0; i < n; i++)
		shim_push(queue, &i);
}

static void maps_make(const struct machine_size *size)
{
	MAP(loops, BPF_MAP_TYPE_ARRAY, size->loops);
	MAP(hists, BPF_MAP_TYPE_ARRAY, size->loops);
	MAP(threads, BPF_MAP_TYPE_ARRAY, size->threads);
	MAP(loop_slots, BPF_MAP_TYPE_HASH, size->loops);
	MAP(thread_slots, BPF_MAP_TYPE_HASH, size->threads);
	MAP(followed_threads, BPF_MAP_TYPE_HASH, size->threads);
	MAP(block_buffers, BPF_MAP_TYPE_ARRAY, size->scratch);
	MAP(stack_buffers, BPF_MAP_TYPE_ARRAY, PER_CPU_BUFFERS);
	MAP(new_blocks, BPF_MAP_TYPE_ARRAY, 1);
	MAP(connections, BPF_MAP_TYPE_HASH, 64);
	MAP(closing, BPF_MAP_TYPE_HASH, size->loops);
	MAP(targets, BPF_MAP_TYPE_HASH, 64);
	MAP(target_tids, BPF_MAP_TYPE_HASH, 64);
	MAP(wanted, BPF_MAP_TYPE_HASH, 64);
	MAP(look_buffers, BPF_MAP_TYPE_ARRAY, 1);
	MAP(python_processes, BPF_MAP_TYPE_HASH, 64);
	MAP(look_records, BPF_MAP_TYPE_ARRAY, 1);
	MAP(stop_signals, BPF_MAP_TYPE_HASH, 64);
	QUEUE(free_loops, size->loops);
	QUEUE(free_threads, size->threads);
	QUEUE(free_scratch, size->scratch);
}

static void config_fill(void)
{
	volatile struct lst_config *c = &cfg;

	memset((void *)&cfg, 0, sizeof cfg);
	c->threshold_ns = 50 * MS;
	c->record_ns = 10 * MS;
	c->snapshot_age_ns = c->record_ns / 4;
	c->scope = LST_SCOPE_ALL;
	c->self_tgid = SELF_TGID;
	c->follow_forks = 1;
	c->wait_nr[0] = NR_EPOLL_WAIT;
	c->wait_nr[1] = c->wait_nr[2] = c->wait_nr[3] = ~0u;
	c->create_nr[0] = c->create_nr[1] = ~0u;
	call_shape[NR_READ] = LST_SHAPE_FD;
	call_shape[NR_POLL] = LST_SHAPE_POLL;
	call_shape[NR_PSELECT] = LST_SHAPE_PSELECT;
	call_shape[NR_FUTEX] = LST_SHAPE_FUTEX;
	call_shape[NR_SLEEP] = LST_SHAPE_SLEEP;
	call_shape[NR_WAIT] = LST_SHAPE_WAITPID;
	call_shape[NR_EPOLL_WAIT] = LST_SHAPE_EPOLL;
}

#endif
