/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation that fails: loaded before libc (LD_PRELOAD), the call number $FAIL_ALLOC of malloc, calloc, realloc and
 * their like returns NULL, all others succeed. The file $FAIL_ALLOC_COUNT, if there is one, holds as a 64-bit number how many calls the
 * process that made most of them made: in memory, because a process may lock itself out of everything else.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static atomic_long calls;
static long failing;
static volatile int64_t *most_calls;

/* libseccomp 2.5 loads a filter that refuses everything when its memory runs out half way: no fault of its caller's. */
static int is_excused(void *caller)
{
	Dl_info where;

	return dladdr(caller, &where) && where.dli_fname && strstr(where.dli_fname, "libseccomp");
}

static int fails(void *caller)
{
	if (!failing)
		return 0;
	long call = atomic_fetch_add(&calls, 1) + 1;
	if (most_calls && *most_calls < call)
		*most_calls = call;
	if (call != failing || is_excused(caller))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}

static void open_count(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	void *at = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(*most_calls)))
		at = mmap(NULL, sizeof(*most_calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		most_calls = at;
	if (fd >= 0)
		close(fd);
}

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("FAIL_ALLOC"), *path = getenv("FAIL_ALLOC_COUNT");

	if (path)
		open_count(path);
	failing = number ? atol(number) : 0;
}
