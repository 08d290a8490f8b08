/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs keep: loops, histograms, threads, losses; and giving slots back to them. */
#include "capture/internal.h"
#include "loopstall.skel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct lst_loop *capture_loops(const struct capture *c, uint32_t *n)
{
	*n = c->options.max_loops;
	return c->loops;
}

const struct lst_loop_hists *capture_hists(const struct capture *c)
{
	return c->hists;
}

const struct lst_thread *capture_threads(const struct capture *c, uint32_t *n)
{
	*n = c->options.max_threads;
	return c->threads;
}

void capture_release_loop(struct capture *c, uint32_t slot)
{
	struct {
		uint64_t object;
		uint32_t tgid, pad;
	} key = {c->loops[slot].object, c->loops[slot].tgid, 0};
	bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.loop_slots), &key);
	memset(&c->loops[slot], 0, sizeof c->loops[slot]);
	memset(&c->hists[slot], 0, sizeof c->hists[slot]);
	bpf_map_update_elem(bpf_map__fd(c->bpf->maps.free_loops), NULL, &slot, BPF_ANY);
}

void capture_release_thread(struct capture *c, uint32_t slot)
{
	memset(&c->threads[slot], 0, sizeof c->threads[slot]);
	bpf_map_update_elem(bpf_map__fd(c->bpf->maps.free_threads), NULL, &slot, BPF_ANY);
}

int capture_python(struct capture *c, uint32_t tgid, const struct lst_python_process *p)
{
	int map = bpf_map__fd(c->bpf->maps.python_processes);
	if (p)
		return bpf_map_update_elem(map, &tgid, p, BPF_ANY);
	int err = bpf_map_delete_elem(map, &tgid);
	return err == -ENOENT ? 0 : err;
}

uint64_t capture_lost(const struct capture *c, enum lst_loss reason)
{
	return c->bpf->bss->losses[reason];
}

/* Sums one figure of all our loaded programs. */
static uint64_t programs_sum(const struct capture *c, uint64_t (*figure)(const struct bpf_prog_info *))
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, c->bpf->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t bytes = sizeof info;
		int fd = bpf_program__fd(program);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes))
			sum += figure(&info);
	}
	return sum;
}

static uint64_t skipped_of(const struct bpf_prog_info *info)
{
	return info->recursion_misses;
}

static uint64_t run_ns_of(const struct bpf_prog_info *info)
{
	return info->run_time_ns;
}

uint64_t capture_skipped(const struct capture *c)
{
	return programs_sum(c, skipped_of);
}

uint64_t capture_run_ns(const struct capture *c)
{
	return programs_sum(c, run_ns_of);
}

enum rung capture_rung(const struct capture *c)
{
	return c->rung;
}

uint64_t capture_map_bytes(const struct capture *c)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, c->bpf->obj)
	{
		uint64_t entries = bpf_map__max_entries(map);
		uint64_t each = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF
					? 1
					: bpf_map__key_size(map) + bpf_map__value_size(map);
		sum += entries * each;
	}
	return sum;
}
