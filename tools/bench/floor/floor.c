/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor OBJECT: attaches the empty programs of floor.bpf.c as loopstall attaches its own, says "attached", and stays until a signal ends it.
 * Traces nothing; a peer for tools/overhead, since no tracer by tracepoints can cost less.
 */
#include "capture/tracefs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const CALLS[] = {
	"sys_enter_epoll_wait", "sys_enter_epoll_pwait", "sys_enter_epoll_pwait2",
	"sys_exit_epoll_wait",	"sys_exit_epoll_pwait",	 "sys_exit_epoll_pwait2",
};

/* 0 or negative errno; a call that this machine does not have is none to attach to. */
static int attach_to_call(const struct bpf_program *program, int tracefs, const char *call)
{
	long id = tracefs_call_id(tracefs, call);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof attr, .config = (__u64)id};

	if (id < 0)
		return id == -ENOENT ? 0 : (int)id;
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0 && bpf_program__attach_perf_event(program, fd) ? 0 : -errno;
}

static int attach(const struct bpf_program *program, int tracefs)
{
	if (bpf_program__type(program) != BPF_PROG_TYPE_TRACEPOINT)
		return bpf_program__attach(program) ? 0 : -errno;
	for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
		int err = attach_to_call(program, tracefs, CALLS[i]);
		if (err)
			return err;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char where[64];
	int tracefs = tracefs_open(where, sizeof where);
	struct bpf_object *object = argc == 2 && tracefs >= 0 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;
	int err = !object ? -EINVAL : bpf_object__load(object);

	bpf_object__for_each_program(program, object) err = err ? err : attach(program, tracefs);
	if (err) {
		fprintf(stderr, "floor: cannot attach: %s\n", strerror(-err));
		return 1;
	}
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
