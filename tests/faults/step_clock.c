/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock as one process sees it, set an hour ahead $STEP_AFTER_MS after it began (LD_PRELOAD): the host's own is never touched. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STEP_S 3600

static int64_t began_ms, after_ms;

static int64_t monotonic_ms(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

__attribute__((constructor)) static void begin(void)
{
	const char *after = getenv("STEP_AFTER_MS");

	began_ms = monotonic_ms();
	after_ms = after ? atoll(after) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = syscall(SYS_clock_gettime, clock, t);

	if (!result && clock == CLOCK_REALTIME && monotonic_ms() - began_ms >= after_ms)
		t->tv_sec += STEP_S;
	return result;
}
