/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/calls.h"

#include "base/array.h"
#include "capture/capture.h"

#include <string.h>

struct call {
	uint32_t nr;
	const char *name;
};

static const struct call calls[] = {
#define CALL(nr, name) {nr, name},
#include "capture/calls.inc"
#undef CALL
};

/* Calls that may block, by how they name what they wait for. The rest only gets its name. */
static const struct {
	const char *name;
	uint8_t shape;
} shapes_by_name[] = {
	{"read", LST_SHAPE_FD},
	{"write", LST_SHAPE_FD},
	{"readv", LST_SHAPE_FD},
	{"writev", LST_SHAPE_FD},
	{"pread64", LST_SHAPE_FD},
	{"pwrite64", LST_SHAPE_FD},
	{"preadv", LST_SHAPE_FD},
	{"pwritev", LST_SHAPE_FD},
	{"preadv2", LST_SHAPE_FD},
	{"pwritev2", LST_SHAPE_FD},
	{"recvfrom", LST_SHAPE_FD},
	{"recvmsg", LST_SHAPE_FD},
	{"recvmmsg", LST_SHAPE_FD},
	{"sendto", LST_SHAPE_FD},
	{"sendmsg", LST_SHAPE_FD},
	{"sendmmsg", LST_SHAPE_FD},
	{"sendfile", LST_SHAPE_FD},
	{"splice", LST_SHAPE_FD},
	{"tee", LST_SHAPE_FD},
	{"copy_file_range", LST_SHAPE_FD},
	{"accept", LST_SHAPE_FD},
	{"accept4", LST_SHAPE_FD},
	{"connect", LST_SHAPE_FD},
	{"shutdown", LST_SHAPE_FD},
	{"close", LST_SHAPE_FD},
	{"ioctl", LST_SHAPE_FD},
	{"fcntl", LST_SHAPE_FD},
	{"flock", LST_SHAPE_FD},
	{"fsync", LST_SHAPE_FD},
	{"fdatasync", LST_SHAPE_FD},
	{"sync_file_range", LST_SHAPE_FD},
	{"syncfs", LST_SHAPE_FD},
	{"fallocate", LST_SHAPE_FD},
	{"ftruncate", LST_SHAPE_FD},
	{"fstat", LST_SHAPE_FD},
	{"lseek", LST_SHAPE_FD},
	{"getdents64", LST_SHAPE_FD},
	{"io_uring_enter", LST_SHAPE_FD},
	{"poll", LST_SHAPE_POLL},
	{"ppoll", LST_SHAPE_PPOLL},
	{"select", LST_SHAPE_SELECT},
	{"pselect6", LST_SHAPE_PSELECT},
	{"futex", LST_SHAPE_FUTEX},
	{"futex_wait", LST_SHAPE_FUTEX},
	{"nanosleep", LST_SHAPE_SLEEP},
	{"clock_nanosleep", LST_SHAPE_SLEEP2},
	{"wait4", LST_SHAPE_WAITPID},
	{"waitid", LST_SHAPE_WAITID},
	{"open", LST_SHAPE_PATH},
	{"creat", LST_SHAPE_PATH},
	{"stat", LST_SHAPE_PATH},
	{"lstat", LST_SHAPE_PATH},
	{"access", LST_SHAPE_PATH},
	{"unlink", LST_SHAPE_PATH},
	{"rename", LST_SHAPE_PATH},
	{"mkdir", LST_SHAPE_PATH},
	{"rmdir", LST_SHAPE_PATH},
	{"truncate", LST_SHAPE_PATH},
	{"readlink", LST_SHAPE_PATH},
	{"chdir", LST_SHAPE_PATH},
	{"execve", LST_SHAPE_PATH},
	{"statfs", LST_SHAPE_PATH},
	{"openat", LST_SHAPE_PATHAT},
	{"openat2", LST_SHAPE_PATHAT},
	{"newfstatat", LST_SHAPE_PATHAT},
	{"statx", LST_SHAPE_PATHAT},
	{"faccessat", LST_SHAPE_PATHAT},
	{"faccessat2", LST_SHAPE_PATHAT},
	{"unlinkat", LST_SHAPE_PATHAT},
	{"renameat", LST_SHAPE_PATHAT},
	{"renameat2", LST_SHAPE_PATHAT},
	{"mkdirat", LST_SHAPE_PATHAT},
	{"readlinkat", LST_SHAPE_PATHAT},
	{"fork", LST_SHAPE_FORK},
	{"vfork", LST_SHAPE_FORK},
	{"clone", LST_SHAPE_FORK},
	{"clone3", LST_SHAPE_FORK},
	{"epoll_wait", LST_SHAPE_EPOLL},
	{"epoll_pwait", LST_SHAPE_EPOLL},
	{"epoll_pwait2", LST_SHAPE_EPOLL},
};

uint32_t call_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].nr;
	return ~0u;
}

const char *call_name(uint32_t nr)
{
	if (nr == LST_CALL_FAULT)
		return "page fault";
	if (nr == LST_CALL_REST)
		return "other calls";
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].nr == nr)
			return calls[i].name;
	return NULL;
}

void calls_fill_shapes(uint8_t shapes[LST_CALLS])
{
	memset(shapes, LST_SHAPE_NONE, LST_CALLS);
	for (size_t i = 0; i < ARRAY_LEN(shapes_by_name); i++) {
		uint32_t nr = call_number(shapes_by_name[i].name);
		if (nr < LST_CALLS)
			shapes[nr] = shapes_by_name[i].shape;
	}
}

static const struct {
	const char *text, *meaning;
} loss_words[LST_LOSS_KINDS] = {
#define X(name, text, meaning) {text, meaning},
	LST_LOSSES(X)
#undef X
};

const char *loss_text(enum lst_loss reason)
{
	return loss_words[reason].text;
}

const char *loss_meaning(enum lst_loss reason)
{
	return loss_words[reason].meaning;
}
