/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation that fails: loaded before libc (LD_PRELOAD), the call number $FAIL_ALLOC of malloc, calloc, realloc and
 * their like returns NULL, all others succeed. When a process ends, the number of its calls goes to the file $FAIL_ALLOC_COUNT, if there is one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static atomic_long calls;
static long failing;
static pid_t owner;
static int count_fd = -1; /* opened at the start: at the end the program may have given up the right to */

static int fails(void)
{
	if (!failing || atomic_fetch_add(&calls, 1) + 1 != failing)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t bytes)
{
	return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __libc_realloc(old, bytes);
}

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("FAIL_ALLOC"), *path = getenv("FAIL_ALLOC_COUNT");

	if (path)
		count_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	owner = getpid();
	failing = number ? atol(number) : 0;
}

__attribute__((destructor)) static void end(void)
{
	if (count_fd >= 0 && getpid() == owner)
		dprintf(count_fd, "%ld\n", (long)calls);
}
