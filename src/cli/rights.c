/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rights.h"

#include "base/array.h"
#include "base/confine.h"
#include "capture/capabilities.h"
#include "cli/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define READER_USER                                                                                          \
	0x70000000u /* as those of worker and opener: with the process number added nobody else's */

#if defined(__SANITIZE_ADDRESS__)
#define TRACES_ITSELF true /* the leak checker at the end of such a build */
#else
#define TRACES_ITSELF false
#endif

/* Of the terminal only its size and kind may be asked, not that it be fed keystrokes. */
static const struct confine_call reader_calls[] = {
	CONFINE_ALLOW(read),
	CONFINE_ALLOW(write),
	CONFINE_ALLOW(writev),
	CONFINE_ALLOW_IF(ioctl, 1, ~0u, TIOCGWINSZ),
	CONFINE_ALLOW_IF(ioctl, 1, ~0u, TCGETS),
};

/* Capabilities to load programs would serve for more than what is loaded; files are only made anew, never written over. */
static const struct confine_call watcher_calls[] = {
	CONFINE_KILL(clone),
	CONFINE_KILL(clone3),
	CONFINE_KILL(fork),
	CONFINE_KILL(vfork),
	CONFINE_KILL(socket),
	CONFINE_KILL(connect),
	CONFINE_KILL(bind),
	CONFINE_KILL(kill),
	CONFINE_KILL(unshare),
	CONFINE_KILL(chroot),
	CONFINE_REFUSE(pidfd_send_signal),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_PROG_LOAD),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_BTF_LOAD),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_PROG_ATTACH),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_RAW_TRACEPOINT_OPEN),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_PROG_GET_FD_BY_ID),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_MAP_GET_FD_BY_ID),
	CONFINE_REFUSE_IF(bpf, 0, ~0u, BPF_LINK_GET_FD_BY_ID),
	CONFINE_REFUSE(openat2),
	CONFINE_REFUSE_IF(openat, 2, O_ACCMODE, O_WRONLY),
	CONFINE_REFUSE_IF(openat, 2, O_ACCMODE | O_EXCL, O_RDWR),
	CONFINE_REFUSE_IF(openat, 2, O_CREAT | O_EXCL, O_CREAT),
	CONFINE_REFUSE_IF(openat, 2, O_TRUNC, O_TRUNC),
#ifdef __x86_64__
	CONFINE_REFUSE_IF(open, 1, O_ACCMODE, O_WRONLY),
	CONFINE_REFUSE_IF(open, 1, O_ACCMODE | O_EXCL, O_RDWR),
	CONFINE_REFUSE_IF(open, 1, O_CREAT | O_EXCL, O_CREAT),
	CONFINE_REFUSE_IF(open, 1, O_TRUNC, O_TRUNC),
	CONFINE_REFUSE(creat),
	CONFINE_REFUSE(chmod),
	CONFINE_REFUSE(chown),
	CONFINE_REFUSE(link),
	CONFINE_REFUSE(symlink),
#endif
	CONFINE_REFUSE(truncate),
	CONFINE_REFUSE(fchmodat),
	CONFINE_REFUSE(fchownat),
	CONFINE_REFUSE(linkat),
	CONFINE_REFUSE(symlinkat),
	CONFINE_REFUSE(setxattr),
	CONFINE_REFUSE(removexattr),
	CONFINE_REFUSE_IF(ioctl, 1, ~0u, TIOCSTI),
};

/* Nothing is created any more, so nothing has to be moved out of its way either. */
static const struct confine_call no_new_files[] = {
	CONFINE_REFUSE_IF(openat, 2, O_CREAT, O_CREAT),
#ifdef __x86_64__
	CONFINE_REFUSE_IF(open, 1, O_CREAT, O_CREAT),
	CONFINE_REFUSE(rename),
	CONFINE_REFUSE(unlink),
	CONFINE_REFUSE(rmdir),
	CONFINE_REFUSE(mkdir),
#endif
	CONFINE_REFUSE(renameat),
	CONFINE_REFUSE(renameat2),
	CONFINE_REFUSE(unlinkat),
	CONFINE_REFUSE(mkdirat),
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

int rights_check(struct diag *d)
{
	char path[160], text[512], line[192];

	if (capabilities_are_everybodys(path, sizeof path)) {
		diag_hint(d, "sudo chgrp GROUP %s && sudo chmod 0750 %s, then sudo setcap again", path, path);
		return diag_fail(
			d, -EPERM,
			"%s carries rights and everybody may execute it: any user could look into any "
			"process",
			path);
	}
	/* Without those to load it ends anyway, and says so then. */
	if (!capabilities_missing(CAPABILITIES_TO_LOAD, text, sizeof text) &&
	    capabilities_lost(text, sizeof text)) {
		capabilities_fix(line, sizeof line);
		fprintf(stderr, "loopstall: %s\n           %s\n", text, line);
	}
	return 0;
}

void rights_for_opening(void)
{
	if (geteuid() != 0)
		tell("capabilities", confine_capabilities(0));
}

void rights_for_reading(void)
{
	const struct confine_calls lists[] = {{confine_never, confine_n_never},
					      {confine_libc, confine_n_libc},
					      {reader_calls, ARRAY_LEN(reader_calls)}};

	load_time_zone();
	if (confine_has(CAP_SETUID) && confine_has(CAP_SETGID))
		tell("its user", confine_user(confine_nobody(), confine_nobody(), 0));
	tell("capabilities", confine_capabilities(0));
	if (TRACES_ITSELF)
		return;
	tell("privileges", confine_privileges());
	tell("system calls", confine_calls(CALL_REFUSE, lists, ARRAY_LEN(lists)));
}

/* CAP_SYS_ADMIN stands for what was split off from it, where that is all we were given. */
static uint64_t watcher_caps(void)
{
	uint64_t caps = CONFINE_CAP(CAP_BPF) | CONFINE_CAP(CAP_PERFMON) | CONFINE_CAP(CAP_SYS_PTRACE) |
			CONFINE_CAP(CAP_DAC_READ_SEARCH);
	bool split = confine_has(CAP_BPF) && confine_has(CAP_PERFMON);
	return split ? caps : caps | CONFINE_CAP(CAP_SYS_ADMIN);
}

/* The user behind sudo, to whom new recordings belong; else nobody, unless root may yet have to create one anywhere. */
static int become_watcher(uint64_t *caps, bool writes_later)
{
	struct user user;

	if (!confine_has(CAP_SETUID) || !confine_has(CAP_SETGID))
		return 0; /* then it was not root's to begin with */
	if (user_behind_sudo(&user))
		return confine_user(user.uid, user.gid, *caps);
	if (!writes_later)
		return confine_user(confine_nobody(), confine_nobody(), *caps);
	*caps |= CONFINE_CAP(CAP_DAC_OVERRIDE);
	return 0;
}

void rights_for_watching(bool writes_later)
{
	const struct confine_calls lists[] = {{confine_never, confine_n_never},
					      {watcher_calls, ARRAY_LEN(watcher_calls)},
					      {no_new_files, ARRAY_LEN(no_new_files)}};
	uint64_t caps = watcher_caps();

	load_time_zone();
	tell("its user", become_watcher(&caps, writes_later));
	tell("capabilities", confine_capabilities(caps));
	if (TRACES_ITSELF)
		return;
	tell("privileges", confine_privileges());
	tell("system calls", confine_calls(CALL_ALLOW, lists, ARRAY_LEN(lists) - writes_later));
}
