/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rights.h"

#include "base/array.h"
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define READER_USER                                                                                          \
	0x70000000u /* as those of worker and opener: with the process number added nobody else's */

#if defined(__SANITIZE_ADDRESS__)
#define TRACES_ITSELF true /* the leak checker at the end of such a build */
#else
#define TRACES_ITSELF false
#endif

#define ALLOW(name)                                                                                          \
	{                                                                                                    \
		SCMP_SYS(name), CALL_ALLOW                                                                   \
	}
#define ALLOW_IF(name, argument, mask, value)                                                                \
	{                                                                                                    \
		SCMP_SYS(name), CALL_ALLOW, argument, mask, value                                            \
	}

/* Of the terminal only its size and kind may be asked, not that it be fed keystrokes. */
static const struct confine_call reader_calls[] = {
	ALLOW(read),
	ALLOW(write),
	ALLOW(writev),
	ALLOW(close),
	ALLOW(lseek),
	ALLOW(fstat),
	ALLOW_IF(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH),
	ALLOW_IF(ioctl, 1, ~0u, TIOCGWINSZ),
	ALLOW_IF(ioctl, 1, ~0u, TCGETS),
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW_IF(mmap, 2, PROT_EXEC, 0),
	ALLOW_IF(mprotect, 2, PROT_EXEC, 0),
	ALLOW(futex),
	ALLOW(getrandom),
	ALLOW(sysinfo),
	ALLOW(clock_gettime),
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(restart_syscall),
	ALLOW(exit),
	ALLOW(exit_group),
};

static void tell(const char *what, int err)
{
	if (err)
		fprintf(stderr, "loopstall: goes on with more rights than it needs: %s: %s\n", what,
			strerror(-err));
}

/* The time zone comes from a file, which is read at the first use. */
static void load_time_zone(void)
{
	struct tm local;
	const time_t now = time(NULL);
	localtime_r(&now, &local);
}

void rights_for_reading(void)
{
	const struct confine_calls lists[] = {{confine_never, confine_n_never},
					      {reader_calls, ARRAY_LEN(reader_calls)}};

	load_time_zone();
	if (confine_has(CAP_SETUID) && confine_has(CAP_SETGID))
		tell("its user", confine_user(READER_USER + (uid_t)getpid(), 0));
	tell("capabilities", confine_capabilities(0));
	if (TRACES_ITSELF)
		return;
	tell("privileges", confine_privileges());
	tell("system calls", confine_calls(CALL_REFUSE, lists, ARRAY_LEN(lists)));
}
