/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load plan: which programs of the object are loaded on this kernel, how large its maps are, and the constants they get. Decided
 * from the answers of probe.c, never from a version.
 */
#include "capture/calls.h"
#include "capture/internal.h"
#include "loopstall.skel.h"

#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_BUFFERS 96 /* threads blocked in a gap at the same time whose stack is kept */
#define SCRATCH_HOST	192

/* Programs of a rung share a prefix; what has none of these is loaded on every rung. */
static const struct {
	enum rung rung;
	const char *prefix;
} rung_programs[] = {
	{RUNG_FENTRY, "lst_fe_"},	{RUNG_FENTRY, "lst_fx_"},      {RUNG_TRACEPOINT, "lst_tp_"},
	{RUNG_TP_BTF, "lst_btf_enter"}, {RUNG_TP_BTF, "lst_btf_exit"}, {RUNG_RAW_TP, "lst_raw_enter"},
	{RUNG_RAW_TP, "lst_raw_exit"},
};

static const struct {
	const char *program;
	enum ability_id ability;
	bool unless; /* loaded when the ability is missing */
} conditional[] = {
	{"lst_btf_switch", ABILITY_SWITCH_TP_BTF, false},
	{"lst_btf_waking", ABILITY_SWITCH_TP_BTF, false},
	{"lst_raw_switch", ABILITY_SWITCH_TP_BTF, true},
	{"lst_raw_waking", ABILITY_SWITCH_TP_BTF, true},
	{"lst_seed", ABILITY_ITER_TASK, false},
	{"lst_look", ABILITY_ITER_TASK, false},
	{"lst_look_stack", ABILITY_COPY_FROM_TASK, false},
	{"lst_where", ABILITY_TASK_REGS, false},
	{"lst_btf_read", ABILITY_CAST, false},
	{"lst_raw_read", ABILITY_CAST, true},
};

/* System calls whose function carries the machine's name: __x64_sys_epoll_wait. */
static const struct {
	const char *program, *call;
} call_functions[] = {
	{"lst_fe_wait", "epoll_wait"},	   {"lst_fe_pwait", "epoll_pwait"},
	{"lst_fe_pwait2", "epoll_pwait2"}, {"lst_fx_wait", "epoll_wait"},
	{"lst_fx_pwait", "epoll_pwait"},   {"lst_fx_pwait2", "epoll_pwait2"},
	{"lst_fx_create", "epoll_create"}, {"lst_fx_create1", "epoll_create1"},
};

#if defined(__x86_64__)
#define CALL_PREFIX "__x64_sys_"
#else
#define CALL_PREFIX "__arm64_sys_"
#endif

/* The rung a program belongs to; RUNG_NONE: every one. */
static enum rung program_rung(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rung_programs); i++)
		if (!strncmp(name, rung_programs[i].prefix, strlen(rung_programs[i].prefix)))
			return rung_programs[i].rung;
	return RUNG_NONE;
}

bool plan_is_of_rung(const char *program)
{
	return program_rung(program) != RUNG_NONE;
}

static const char *program_call(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(call_functions); i++)
		if (!strcmp(name, call_functions[i].program))
			return call_functions[i].call;
	return NULL;
}

static bool program_is_wanted(const struct capture *c, const struct probe *p, const char *name)
{
	enum rung rung = program_rung(name);
	const char *call = program_call(name);

	if (rung != RUNG_NONE && rung != c->rung)
		return false;
	if (call && call_number(call) == ~0u)
		return false; /* arm64 has no epoll_wait */
	for (size_t i = 0; i < ARRAY_LEN(conditional); i++)
		if (!strcmp(name, conditional[i].program))
			return probe_can(p, conditional[i].ability) != conditional[i].unless;
	return true;
}

static int program_plan(struct capture *c, const struct probe *p, struct bpf_program *program)
{
	const char *name = bpf_program__name(program), *call = program_call(name);
	char function[64];

	bpf_program__set_autoload(program, program_is_wanted(c, p, name));
	if (c->rung != RUNG_FENTRY || program_rung(name) != RUNG_FENTRY || !call || call_number(call) == ~0u)
		return 0;
	snprintf(function, sizeof function, "%s%s", CALL_PREFIX, call);
	int err = bpf_program__set_attach_target(program, 0, function);
	if (err != -ESRCH)
		return err;
	bpf_program__set_autoload(program,
				  false); /* a kernel without this call: epoll_pwait2 came with 5.11 */
	return 0;
}

static void config_fill(struct capture *c, struct lst_config *cfg, const struct probe *p)
{
	const struct capture_options *o = &c->options;

	*cfg = (struct lst_config){
		.threshold_ns = o->threshold_ns,
		.record_ns = o->record_ns,
		.snapshot_age_ns = (o->threshold_ns < o->record_ns ? o->threshold_ns : o->record_ns) / 4,
		.scope = o->scope,
		.self_tgid = (uint32_t)getpid(),
		.follow_forks = o->follow_forks,
		.only_tids = o->only_tids,
		.wait_nr = {call_number("epoll_wait"), call_number("epoll_pwait"),
			    call_number("epoll_pwait2"), ~0u},
		.create_nr = {call_number("epoll_create"), call_number("epoll_create1")},
		.has_task_regs = probe_can(p, ABILITY_TASK_REGS),
		.returns_unseen = c->rung == RUNG_FENTRY,
		.has_cast = probe_can(p, ABILITY_CAST),
		.has_copy = probe_can(p, ABILITY_COPY_FROM_TASK),
		.has_kstack = o->kernel_stacks,
		.max_loops = o->max_loops,
		.max_threads = o->max_threads,
		.ring_wake_bytes = (uint32_t)(o->ring_bytes / 4),
		.stacks = o->stacks,
	};
}

static int maps_size(struct capture *c)
{
	const struct capture_options *o = &c->options;
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	uint32_t scratch = o->scope == LST_SCOPE_ALL ? SCRATCH_HOST : SCRATCH_BUFFERS;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{c->bpf->maps.loops, o->max_loops},
		{c->bpf->maps.hists, o->max_loops},
		{c->bpf->maps.loop_slots, o->max_loops},
		{c->bpf->maps.free_loops, o->max_loops},
		{c->bpf->maps.threads, o->max_threads},
		{c->bpf->maps.thread_slots, o->max_threads},
		{c->bpf->maps.free_threads, o->max_threads},
		{c->bpf->maps.followed_threads, o->max_threads},
		{c->bpf->maps.block_buffers, o->stacks ? scratch : 1},
		{c->bpf->maps.free_scratch, scratch},
		{c->bpf->maps.stack_buffers, o->stacks ? cpus * 2 : 1},
		{c->bpf->maps.new_blocks, cpus},
		{c->bpf->maps.ring, (uint32_t)o->ring_bytes},
	};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int err = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
		if (err)
			return err;
	}
	return 0;
}

int plan_load(struct capture *c, const struct probe *p, struct diag *d)
{
	struct bpf_program *program;
	int err;

	c->rung = c->options.rung != RUNG_NONE ? c->options.rung : p->rung;
	const struct ability *rights = &p->abilities[ABILITY_CAPABILITIES];
	if (rights->state == ABILITY_NO) {
		diag_hint(d, "%s", rights->fix);
		return diag_fail(d, -EPERM, "no rights to load BPF programs (%s)", rights->detail);
	}
	if (c->rung == RUNG_NONE)
		return diag_fail(d, -EPERM, "no way to trace waits works here: %s", p->rung_why);
	bpf_object__for_each_program(program, c->bpf->obj)
	{
		err = program_plan(c, p, program);
		if (err)
			return diag_fail(d, err, "program %s cannot be planned: %s",
					 bpf_program__name(program), strerror(-err));
	}
	err = maps_size(c);
	if (err)
		return diag_fail(d, err, "map sizes refused: %s", strerror(-err));
	config_fill(c, &c->bpf->rodata->cfg, p);
	calls_fill_shapes(c->bpf->rodata->call_shape);
	return 0;
}
