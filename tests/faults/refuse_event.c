/* SPDX-License-Identifier: Apache-2.0 */
/* As if the kernel had no raw tracepoint of the name $REFUSE_EVENT (LD_PRELOAD). */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_refused(long number, const long arguments[6])
{
	const union bpf_attr *attr = (const void *)(uintptr_t)arguments[1];
	const char *event = getenv("REFUSE_EVENT");

	if (!event || number != SYS_bpf || arguments[0] != BPF_RAW_TRACEPOINT_OPEN ||
	    !attr->raw_tracepoint.name)
		return 0;
	return !strcmp((const char *)(uintptr_t)attr->raw_tracepoint.name, event);
}

long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long a[6];
	va_list given;

	va_start(given, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(given, long);
	va_end(given);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	if (is_refused(number, a)) {
		errno = ENOENT;
		return -1;
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
