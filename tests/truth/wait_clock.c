/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program's own clock says around its own waits, for programs in any language: loaded before libc (LD_PRELOAD), it reads
 * CLOCK_MONOTONIC before and after each epoll wait and keeps every gap and every late timeout that is long enough to matter.
 *
 * Gaps are kept by descriptor and forgotten where a new epoll object gets its number; one thread waits on each. At exit, or when asked, they go
 * to the file $WAIT_CLOCK as JSON Lines: {"tid","fd","start_ns","end_ns","late_ns"} per gap, {"fd","iterations"} per descriptor.
 * Knows nothing of why a gap was long.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS 4096
#define GAPS	    65536
#define FLOOR_NS    4000000ull

void wait_clock_reset(void);

static struct descriptor {
	uint64_t returned_ns, late_ns, iterations;
} descriptors[DESCRIPTORS];

static struct gap {
	uint64_t start_ns, end_ns, late_ns;
	int tid, fd;
} gaps[GAPS];

static atomic_uint n_gaps;
static pid_t owner; /* a forked child writes nothing */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct descriptor *descriptor_at(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS ? &descriptors[fd] : NULL;
}

static uint64_t before(int fd)
{
	struct descriptor *d = descriptor_at(fd);
	uint64_t now_ns = clock_ns();

	if (!d || !d->returned_ns)
		return now_ns;
	d->iterations++;
	if (now_ns - d->returned_ns + d->late_ns < FLOOR_NS)
		return now_ns;
	unsigned at = atomic_fetch_add(&n_gaps, 1);
	if (at < GAPS)
		gaps[at] = (struct gap){d->returned_ns, now_ns, d->late_ns, syscall(SYS_gettid), fd};
	return now_ns;
}

static int after(int fd, int n, uint64_t entered_ns, int64_t timeout_ns)
{
	struct descriptor *d = descriptor_at(fd);
	uint64_t now_ns = clock_ns(), waited_ns = now_ns - entered_ns;

	if (d) {
		d->returned_ns = now_ns;
		d->late_ns = n == 0 && timeout_ns > 0 && waited_ns > (uint64_t)timeout_ns
				     ? waited_ns - timeout_ns
				     : 0;
	}
	return n;
}

static int created(int fd)
{
	struct descriptor *d = descriptor_at(fd);

	if (d)
		*d = (struct descriptor){0};
	return fd;
}

/* --- what is put in the place of libc's ------------------------------------------------------------------------------------- */

static void *next_of(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
	static int (*next)(int, struct epoll_event *, int, int);
	uint64_t entered_ns = before(fd);

	if (!next)
		next = next_of("epoll_wait");
	return after(fd, next(fd, events, max, timeout_ms), entered_ns, timeout_ms * 1000000ll);
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
	static int (*next)(int, struct epoll_event *, int, int, const sigset_t *);
	uint64_t entered_ns = before(fd);

	if (!next)
		next = next_of("epoll_pwait");
	return after(fd, next(fd, events, max, timeout_ms, mask), entered_ns, timeout_ms * 1000000ll);
}

int epoll_create(int size)
{
	static int (*next)(int);

	if (!next)
		next = next_of("epoll_create");
	return created(next(size));
}

int epoll_create1(int flags)
{
	static int (*next)(int);

	if (!next)
		next = next_of("epoll_create1");
	return created(next(flags));
}

/* --- the books -------------------------------------------------------------------------------------------------------------- */

/* From here on iterations are counted anew: called by programs that know this file, when a profiler is about to attach. */
void wait_clock_reset(void)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		descriptors[i].iterations = 0;
}

__attribute__((constructor)) static void begin(void)
{
	owner = getpid();
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("WAIT_CLOCK");
	unsigned n = n_gaps < GAPS ? n_gaps : GAPS;

	if (!path || getpid() != owner)
		return;
	FILE *books = fopen(path, "ae");
	if (!books)
		return;
	for (unsigned i = 0; i < n; i++)
		fprintf(books, "{\"tid\":%d,\"fd\":%d,\"start_ns\":%llu,\"end_ns\":%llu,\"late_ns\":%llu}\n",
			gaps[i].tid, gaps[i].fd, (unsigned long long)gaps[i].start_ns,
			(unsigned long long)gaps[i].end_ns, (unsigned long long)gaps[i].late_ns);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (descriptors[fd].returned_ns)
			fprintf(books, "{\"fd\":%d,\"iterations\":%llu}\n", fd,
				(unsigned long long)descriptors[fd].iterations);
	fclose(books);
}
