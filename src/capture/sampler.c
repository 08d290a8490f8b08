/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU samples by the software cpu-clock: one event per followed thread, or per CPU for the whole host and where a thread's event could not
 * be opened any more when it is found. A fixed period, so that a sample stands for a known time.
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
	struct bpf_link *link; /* NULL: refused, and not to be asked again */
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

static void sampler_refused(struct capture *c, uint64_t key)
{
	struct sampler *none = calloc(1, sizeof *none);
	if (!none || !idmap_put(&c->samplers, key, none))
		free(none);
	c->unsampled++;
}

static bool samplers_open_cpus(struct capture *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	bool opened = false;
	for (int cpu = 0; cpu < cpus; cpu++)
		opened |= !sampler_open(c, CPU_KEY | (uint64_t)cpu, -1, cpu); /* one may be offline */
	return opened;
}

void samplers_open(struct capture *c)
{
	if (!c->options.sample_hz || (!c->options.per_cpu_samples && !probe_events_are_admins()))
		return;
	c->options.per_cpu_samples = samplers_open_cpus(c);
}

int capture_sample_thread(struct capture *c, uint32_t tid)
{
	if (!c->options.sample_hz || c->options.per_cpu_samples)
		return 0;
	int err = sampler_open(c, tid, (pid_t)tid, -1);
	if (err && err != -ESRCH)
		sampler_refused(c, tid);
	return err;
}

uint64_t capture_unsampled(const struct capture *c)
{
	return c->unsampled;
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
