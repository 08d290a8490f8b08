/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU samples by the software cpu-clock: one event per followed thread, or per CPU for the whole host. A fixed period, so that a sample
 * stands for a known time.
 */
#include "capture/internal.h"
#include "loopstall.skel.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPU_KEY (1ull << 32) /* samplers of CPUs, beside those of threads */

struct sampler {
	int fd;
	struct bpf_link *link;
};

static int event_open(pid_t tid, int cpu, uint32_t hz)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof attr,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000000u / hz,
		.disabled = 0,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void sampler_close(struct sampler *s)
{
	bpf_link__destroy(s->link); /* closes the event too */
	free(s);
}

static int sampler_open(struct capture *c, uint64_t key, pid_t tid, int cpu)
{
	if (idmap_get(&c->samplers, key))
		return 0;
	int fd = event_open(tid, cpu, c->options.sample_hz);
	if (fd < 0)
		return fd;
	struct sampler *s = calloc(1, sizeof *s);
	struct bpf_link *link = s ? bpf_program__attach_perf_event(c->bpf->progs.lst_sample, fd) : NULL;
	if (!link) {
		int err = s ? -errno : -ENOMEM;
		close(fd);
		free(s);
		return err;
	}
	*s = (struct sampler){fd, link};
	if (idmap_put(&c->samplers, key, s))
		return 0;
	sampler_close(s);
	return -ENOMEM;
}

int samplers_open_cpus(struct capture *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int opened = 0, last = 0;
	for (int cpu = 0; cpu < cpus; cpu++) {
		last = sampler_open(c, CPU_KEY | (uint64_t)cpu, -1, cpu);
		opened += !last; /* a CPU may be offline */
	}
	return opened ? 0 : last;
}

int capture_sample_thread(struct capture *c, uint32_t tid)
{
	if (!c->options.sample_hz || c->options.per_cpu_samples)
		return 0;
	return sampler_open(c, tid, (pid_t)tid, -1);
}

void capture_unsample_thread(struct capture *c, uint32_t tid)
{
	struct sampler *s = idmap_take(&c->samplers, tid);
	if (s)
		sampler_close(s);
}

void samplers_close(struct capture *c)
{
	size_t at = 0;
	for (struct sampler *s; (s = idmap_next(&c->samplers, &at, NULL));)
		sampler_close(s);
	idmap_free(&c->samplers);
}
