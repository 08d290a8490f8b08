/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/probe_try.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_BYTES   (64u << 10)
#define LOCKED_BYTES (8u << 20) /* the usual limit on locked memory; a capture needs more */

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

/* call a helper with no arguments set; exit: a helper that is known is refused for its arguments, later than an unknown one */
#define CALL_OF(helper)                                                                                      \
	{                                                                                                    \
		{.code = BPF_JMP | BPF_CALL, .imm = (helper)},                                               \
		{                                                                                            \
			.code = BPF_JMP | BPF_EXIT                                                           \
		}                                                                                            \
	}

static int closed(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int load(enum bpf_prog_type type, struct bpf_prog_load_opts *opts)
{
	opts->sz = sizeof *opts;
	return bpf_prog_load(type, "lst_probe", "GPL", nothing, sizeof nothing / sizeof nothing[0], opts);
}

int try_ring_buffer(void)
{
	return closed(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "lst_probe", 0, 0, RING_BYTES, NULL));
}

int try_memory(void)
{
	return closed(bpf_map_create(BPF_MAP_TYPE_ARRAY, "lst_probe", 4, 4096, LOCKED_BYTES / 4096, NULL));
}

/* The BTF id of a function or type, or a negative errno. */
static int type_id(const struct btf *btf, const char *prefix, const char *name, __u32 kind)
{
	char full[128];
	if (!btf)
		return -ENODATA;
	snprintf(full, sizeof full, "%s%s", prefix, name);
	return btf__find_by_name_kind(btf, full, kind);
}

/* Loads a tracing program and attaches it for a moment. */
static int attach_tracing(int id, enum bpf_attach_type how)
{
	struct bpf_prog_load_opts opts = {.expected_attach_type = how, .attach_btf_id = (__u32)id};
	if (id < 0)
		return id;
	int prog = load(BPF_PROG_TYPE_TRACING, &opts);
	if (prog < 0)
		return prog;
	int err = closed(bpf_raw_tracepoint_open(NULL, prog));
	close(prog);
	return err;
}

int try_fentry(const struct btf *btf, const char *function)
{
	return attach_tracing(type_id(btf, "", function, BTF_KIND_FUNC), BPF_TRACE_FENTRY);
}

int try_tp_btf(const struct btf *btf, const char *event)
{
	return attach_tracing(type_id(btf, "btf_trace_", event, BTF_KIND_TYPEDEF), BPF_TRACE_RAW_TP);
}

int try_raw_tp(const char *event)
{
	struct bpf_prog_load_opts opts = {0};
	int prog = load(BPF_PROG_TYPE_RAW_TRACEPOINT, &opts);
	if (prog < 0)
		return prog;
	int err = closed(bpf_raw_tracepoint_open(event, prog));
	close(prog);
	return err;
}

static int attach_perf(enum bpf_prog_type type, struct perf_event_attr *attr, int pid, int cpu)
{
	struct bpf_prog_load_opts opts = {0};
	attr->size = sizeof *attr;
	int prog = load(type, &opts);
	if (prog < 0)
		return prog;
	int event = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	int err = event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, prog) ? -errno : 0;
	closed(event);
	close(prog);
	return err;
}

int try_tracepoint(unsigned long id)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .config = id, .sample_period = 1};
	return attach_perf(BPF_PROG_TYPE_TRACEPOINT, &attr, -1, 0);
}

int try_tracepoint_load(void)
{
	struct bpf_prog_load_opts opts = {0};
	return closed(load(BPF_PROG_TYPE_TRACEPOINT, &opts));
}

int try_cpu_clock(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 99,
	};
	return attach_perf(BPF_PROG_TYPE_PERF_EVENT, &attr, 0, -1);
}

int try_iter_task(const struct btf *btf)
{
	int id = type_id(btf, "bpf_iter_", "task", BTF_KIND_FUNC);
	struct bpf_prog_load_opts opts = {.expected_attach_type = BPF_TRACE_ITER, .attach_btf_id = (__u32)id};
	if (id < 0)
		return id;
	int prog = load(BPF_PROG_TYPE_TRACING, &opts);
	if (prog < 0)
		return prog;
	int link = bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL);
	int err = link < 0 ? link : closed(bpf_iter_create(link));
	closed(link);
	close(prog);
	return err;
}

/* Whether the verifier got past the call's number. */
static int knows_helper(int prog, const char *log)
{
	static const char *const unknown[] = {"invalid func ", "unknown func ", "cannot use helper"};
	if (prog >= 0)
		return closed(prog);
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		if (strstr(log, unknown[i]))
			return -ENOENT;
	return log[0] ? 0 : prog; /* without a word of the verifier it never came that far */
}

static int load_call(enum bpf_prog_type type, int helper, struct bpf_prog_load_opts *opts)
{
	const struct bpf_insn call[] = CALL_OF(helper);
	char log[4096] = "";
	opts->sz = sizeof *opts;
	opts->log_level = 1;
	opts->log_buf = log;
	opts->log_size = sizeof log;
	int prog = bpf_prog_load(type, "lst_probe", "GPL", call, 2, opts);
	opts->log_buf = NULL;
	return knows_helper(prog, log);
}

int try_helper(int helper)
{
	struct bpf_prog_load_opts opts = {0};
	return load_call(BPF_PROG_TYPE_TRACEPOINT, helper, &opts);
}

/* Only for programs that may sleep, of which iterators are those that need no function to attach to. */
int try_copy_from_task(const struct btf *btf)
{
	int id = type_id(btf, "bpf_iter_", "task", BTF_KIND_FUNC);
	struct bpf_prog_load_opts opts = {
		.expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = (__u32)id,
		.prog_flags = BPF_F_SLEEPABLE,
	};
	return id < 0 ? id : load_call(BPF_PROG_TYPE_TRACING, BPF_FUNC_copy_from_user_task, &opts);
}

int try_cast(const struct btf *btf)
{
	int function = type_id(btf, "", "bpf_rdonly_cast", BTF_KIND_FUNC);
	int type = type_id(btf, "", "list_head", BTF_KIND_STRUCT);
	const struct bpf_insn cast[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = type},
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = function},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_load_opts opts = {.sz = sizeof opts};
	if (function < 0 || type < 0)
		return function < 0 ? function : type;
	return closed(bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "lst_probe", "GPL", cast,
				    sizeof cast / sizeof cast[0], &opts));
}
