/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's life: open, load, map, attach, seed, close. */
#include "capture/calls.h"
#include "capture/internal.h"
#include "capture/tracefs.h"
#include "loopstall.skel.h"

#include "base/array.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t page_round(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

static void *map_array(const struct bpf_map *map, size_t value_bytes, uint32_t n, size_t *bytes)
{
	*bytes = page_round(value_bytes * n);
	void *at = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return at == MAP_FAILED ? NULL : at;
}

static int arrays_map(struct capture *c)
{
	c->loops = map_array(c->bpf->maps.loops, sizeof *c->loops, c->options.max_loops, &c->loops_bytes);
	c->hists = map_array(c->bpf->maps.hists, sizeof *c->hists, c->options.max_loops, &c->hists_bytes);
	c->threads = map_array(c->bpf->maps.threads, sizeof *c->threads, c->options.max_threads,
			       &c->threads_bytes);
	return c->loops && c->hists && c->threads ? 0 : -errno;
}

static int queue_fill(const struct bpf_map *map, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(bpf_map__fd(map), NULL, &i, BPF_ANY))
			return -errno;
	return 0;
}

static int queues_fill(struct capture *c)
{
	int err = queue_fill(c->bpf->maps.free_loops, c->options.max_loops);
	if (!err)
		err = queue_fill(c->bpf->maps.free_threads, c->options.max_threads);
	if (!err)
		err = queue_fill(c->bpf->maps.free_scratch, bpf_map__max_entries(c->bpf->maps.free_scratch));
	return err;
}

/* Kernels before 5.11 charge BPF memory to this limit; where it may not be raised it no longer matters. */
static void memlock_raise(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	setrlimit(RLIMIT_MEMLOCK, &all);
}

static int load_failed(const struct capture *c, int err, struct diag *d)
{
	diag_fail(d, err, "the kernel refused the BPF programs (rung %s): %s", rung_word(c->rung),
		  strerror(-err));
	diag_hint(d, err == -EPERM ? "run it with sudo; `loopstall doctor` names what is missing"
				   : "`loopstall doctor` shows what this kernel allows");
	return err;
}

/*
 * libbpf looks for a function that the kernel has not in its modules, too, and its version 1.1 loads nothing where it may not
 * list them, which takes CAP_SYS_ADMIN; even if, as here, the programs do without the function. It looks only once, and this is it. (Kernels
 * from 5.11, which names modules' types, to 6.1, which has no bpf_rdonly_cast yet.)
 */
static void modules_forgo(struct capture *c)
{
	bpf_program__set_attach_target(c->bpf->progs.lst_btf_read, 0, "a function of no kernel");
}

static int open_and_load(struct capture *c, struct diag *d)
{
	struct probe probe;
	int err;

	probe_for_load(&probe);
	memlock_raise();
	c->bpf = loopstall_bpf__open();
	if (!c->bpf)
		return diag_fail(d, -errno, "the BPF object cannot be opened: %s", strerror(errno));
	err = plan_load(c, &probe, d);
	if (err)
		return err;
	if (!probe_can(&probe, ABILITY_CAST))
		modules_forgo(c);
	err = loopstall_bpf__load(c->bpf);
	if (err)
		return load_failed(c, err, d);
	err = arrays_map(c);
	if (!err)
		err = queues_fill(c);
	if (err)
		return diag_fail(d, err, "BPF maps cannot be set up: %s", strerror(-err));
	c->ring = ring_buffer__new(bpf_map__fd(c->bpf->maps.ring), ring_take, c, NULL);
	return c->ring ? 0 : diag_fail(d, -errno, "the ring buffer cannot be mapped: %s", strerror(errno));
}

int capture_open(struct capture **out, const struct capture_options *o, const struct capture_handlers *h,
		 struct diag *d)
{
	struct capture *c = calloc(1, sizeof *c);

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->options = *o;
	c->handlers = *h;
	int err = open_and_load(c, d);
	if (err) {
		capture_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static int link_keep(struct capture *c, struct bpf_link *link)
{
	if (!array_reserve(&c->links, &c->links_cap, c->n_links + 1, sizeof(struct bpf_link *))) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	c->links[c->n_links++] = link;
	return 0;
}

#define CALLS_EACH 3

/* Programs that are loaded once and attached to the tracepoints of several calls. */
static const struct traced_calls {
	const char *program, *event, *calls[CALLS_EACH];
} traced_calls[] = {
	{"lst_tp_wait", "sys_enter", {"epoll_wait", "epoll_pwait", "epoll_pwait2"}},
	{"lst_tp_wait_x", "sys_exit", {"epoll_wait", "epoll_pwait", "epoll_pwait2"}},
	{"lst_tp_create_x", "sys_exit", {"epoll_create", "epoll_create1"}},
};

static const struct traced_calls *traced_calls_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(traced_calls); i++)
		if (!strcmp(traced_calls[i].program, program))
			return &traced_calls[i];
	return NULL;
}

/* One event for all threads, whatever CPU it is opened on: system calls' tracepoints are the host's. */
static struct bpf_link *tracepoint_attach(const struct bpf_program *program, long id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attr,
		.config = (__u64)id,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link = fd < 0 ? NULL : bpf_program__attach_perf_event(program, fd);
	int err = errno;

	if (!link && fd >= 0)
		close(fd);
	errno = err;
	return link;
}

/* Not every machine and kernel has all of the calls; without any there is nothing to trace. */
static int calls_attach(struct capture *c, const struct bpf_program *program, int tracefs,
			const struct traced_calls *traced)
{
	size_t before = c->n_links;
	char name[64];

	for (size_t i = 0; i < CALLS_EACH && traced->calls[i]; i++) {
		snprintf(name, sizeof name, "%s_%s", traced->event, traced->calls[i]);
		long id = call_number(traced->calls[i]) == ~0u ? -ENOENT : tracefs_call_id(tracefs, name);
		if (id == -ENOENT)
			continue;
		struct bpf_link *link = id < 0 ? NULL : tracepoint_attach(program, id);
		int err = id < 0 ? (int)id : link ? link_keep(c, link) : -errno;
		if (err)
			return err;
	}
	return c->n_links > before ? 0 : -ENOENT;
}

static int traced_calls_attach(struct capture *c, const struct bpf_program *program,
			       const struct traced_calls *traced)
{
	char where[64];
	int tracefs = tracefs_open(where, sizeof where);
	int err = tracefs < 0 ? tracefs : calls_attach(c, program, tracefs, traced);

	if (tracefs >= 0)
		close(tracefs);
	return err;
}

/* Samplers attach per thread or CPU, what user space runs does not attach. */
static bool attaches_at_start(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	return bpf_program__autoload(program) && strncmp(section, "iter", 4) &&
	       strncmp(section, "perf_event", 10) && strcmp(section, "raw_tp") != 0;
}

/*
 * It costs every read of the host, and few loops need it. Only of the typed kind: the other is attached by a call that is refused once all is
 * attached (src/cli/rights.c).
 */
static bool is_attached_late(const char *name)
{
	return !strcmp(name, "lst_btf_read");
}

static int program_attach(struct capture *c, const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);
	const struct traced_calls *traced = traced_calls_of(name);

	if (traced)
		return traced_calls_attach(c, program, traced);
	struct bpf_link *link = bpf_program__attach(program);
	int err = -errno;
	if (!link)
		return refusal_note(c, name) ? 0 : err;
	return link_keep(c, link);
}

static int programs_attach(struct capture *c, bool of_rung, struct diag *d)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, c->bpf->obj)
	{
		const char *name = bpf_program__name(program);
		if (!attaches_at_start(program) || is_attached_late(name) || plan_is_of_rung(name) != of_rung)
			continue;
		int err = program_attach(c, program);
		if (err)
			return diag_fail(d, err, "program %s cannot be attached: %s", name, strerror(-err));
	}
	return 0;
}

int capture_watch_reads(struct capture *c)
{
	struct bpf_program *program = c->bpf->progs.lst_btf_read;

	if (!bpf_program__autoload(program))
		return 0;
	struct bpf_link *link = bpf_program__attach(program);
	return link ? link_keep(c, link) : -errno;
}

/* Runs an iterator over all tasks to its end. */
static int iterator_run(struct bpf_program *program)
{
	if (!bpf_program__autoload(program))
		return -ENOTSUP;
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	if (!link)
		return -errno;
	char buffer[256];
	ssize_t n = -1;
	int fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0)
		while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EAGAIN))
			;
	int err = fd < 0 || n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

/* Without it the programs take what holds on kernels that cannot be asked. */
static void saved_regs_find(struct capture *c)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	if (bpf_program__autoload(c->bpf->progs.lst_where))
		bpf_prog_test_run_opts(bpf_program__fd(c->bpf->progs.lst_where), &run);
}

int capture_attach(struct capture *c, struct diag *d)
{
	if (c->options.scope == LST_SCOPE_CGROUP) {
		uint32_t zero = 0;
		if (bpf_map_update_elem(bpf_map__fd(c->bpf->maps.target_cgroup), &zero, &c->options.cgroup_fd,
					BPF_ANY))
			return diag_fail(d, -errno, "the cgroup is not one of version 2: %s",
					 strerror(errno));
	}
	saved_regs_find(c);
	/* Waits last: of a gap that begins with one, all that happens in it is seen. */
	int err = programs_attach(c, false, d);
	if (!err)
		err = programs_attach(c, true, d);
	if (err)
		return err;
	samplers_open(c);
	return 0;
}

void capture_seed(struct capture *c)
{
	/* Without the iterator a loop asleep now is only known from its next return; nothing false follows from that for one-thread loops. */
	iterator_run(c->bpf->progs.lst_seed);
}

int capture_look(struct capture *c)
{
	int err = iterator_run(c->bpf->progs.lst_look);
	if (!err && bpf_program__autoload(c->bpf->progs.lst_look_stack))
		err = iterator_run(c->bpf->progs.lst_look_stack);
	return err;
}

/* Its threads may be known as none of ours: in the epoch that ends here. */
static int member_add(struct capture *c, const struct bpf_map *map, uint32_t id)
{
	uint32_t yes = 1;
	int err = bpf_map_update_elem(bpf_map__fd(map), &id, &yes, BPF_ANY) ? -errno : 0;
	__atomic_fetch_add(&c->bpf->bss->scope_epoch, 1, __ATOMIC_SEQ_CST);
	return err;
}

int capture_follow(struct capture *c, uint32_t tgid)
{
	return member_add(c, c->bpf->maps.targets, tgid);
}

void capture_unfollow(struct capture *c, uint32_t tgid)
{
	bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.targets), &tgid);
}

int capture_follow_tid(struct capture *c, uint32_t tid)
{
	return member_add(c, c->bpf->maps.target_tids, tid);
}

int capture_want(struct capture *c, uint32_t tid, uint32_t fd, uint64_t since_ns)
{
	struct lst_wanted want = {.fd = fd, .slot = ~0u, .since_ns = since_ns};
	return bpf_map_update_elem(bpf_map__fd(c->bpf->maps.wanted), &tid, &want, BPF_ANY) ? -errno : 0;
}

void capture_unwant(struct capture *c, uint32_t tid)
{
	bpf_map_delete_elem(bpf_map__fd(c->bpf->maps.wanted), &tid);
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	samplers_close(c);
	for (size_t i = 0; i < c->n_links; i++)
		bpf_link__destroy(c->links[i]);
	free(c->links);
	ring_buffer__free(c->ring);
	if (c->loops)
		munmap(c->loops, c->loops_bytes);
	if (c->hists)
		munmap(c->hists, c->hists_bytes);
	if (c->threads)
		munmap(c->threads, c->threads_bytes);
	loopstall_bpf__destroy(c->bpf);
	free(c);
}
