/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a server that does not count its own iterations: counts the waits it begins in the file that LOOPSTALL_BENCH_COUNT
 * names, bare and traced alike (two nanoseconds a wait). One thread waits in each of the servers.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int wait_call(int, struct epoll_event *, int, int);
typedef int pwait_call(int, struct epoll_event *, int, int, const sigset_t *);

static uint64_t nowhere, *waits = &nowhere;
static wait_call *real_wait;
static pwait_call *real_pwait;

static __attribute__((constructor)) void open_count(void)
{
	const char *path = getenv("LOOPSTALL_BENCH_COUNT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*waits), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page != MAP_FAILED)
		waits = page;
	if (fd >= 0)
		close(fd);
	real_wait = (wait_call *)dlsym(RTLD_NEXT, "epoll_wait");
	real_pwait = (pwait_call *)dlsym(RTLD_NEXT, "epoll_pwait");
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	__atomic_fetch_add(waits, 1, __ATOMIC_RELAXED);
	return real_wait(epoll, events, max, timeout);
}

int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
	__atomic_fetch_add(waits, 1, __ATOMIC_RELAXED);
	return real_pwait(epoll, events, max, timeout, mask);
}
