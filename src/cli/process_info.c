/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process_info.h"

#include "base/clean.h"
#include "cli/proc.h"
#include "cli/process_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *keep(struct intern *texts, const char *text)
{
	struct bytes clean = {0};
	clean_text(&clean, text, strlen(text));
	const char *kept = intern_text(texts, bytes_text(&clean));
	bytes_free(&clean);
	return kept;
}

/*
 * The note that Go's linker puts at the front of a program: type 4, by "Go". From memory, where the program runs and its front is: to
 * open its file may never return.
 */
static bool is_go(uint32_t pid, const char *maps)
{
	static const char note[] = "\4\0\0\0Go\0";
	char path[64], front[8192];
	unsigned long long start;

	if (sscanf(maps, "%llx-", &start) != 1)
		return false;
	snprintf(path, sizeof path, "/proc/%u/mem", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, front, sizeof front, (off_t)start);
	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(front, (size_t)n, note, sizeof note);
}

/* Runtimes that are part of the program show by the names of their threads, or in the program itself. */
static const char *linked_runtime(uint32_t pid, const char *comm, const char *maps)
{
	if (!strncmp(comm, "tokio-r", strlen("tokio-r")))
		return "tokio";
	return is_go(pid, maps) ? "go" : "";
}

void process_info_read(struct process_info *info, uint32_t pid, const char *comm, struct intern *texts)
{
	struct proc proc = {0};
	struct bytes file = {0};
	char text[PROCESS_RUNTIME_BYTES], id[PROCESS_CONTAINER_BYTES], unit[PROCESS_UNIT_BYTES];

	*info = (struct process_info){pid, keep(texts, comm), "", "", "", false};
	if (proc_read("/proc", pid, &proc))
		return;
	info->ns_pid = proc_ns_pid("/proc", pid);
	info->name = keep(texts, proc_name(&proc));
	info->single_client = process_text_single_client(proc.program);
	if (!proc_file(&file, "/proc/%u/maps", pid)) {
		const char *runtime = process_text_runtime(bytes_text(&file), text);
		info->runtime = keep(texts, runtime ? runtime : linked_runtime(pid, comm, bytes_text(&file)));
	}
	if (!proc_file(&file, "/proc/%u/cgroup", pid)) {
		process_text_container(bytes_text(&file), id);
		process_text_unit(bytes_text(&file), unit);
		info->container = keep(texts, id);
		info->unit = keep(texts, unit);
	}
	bytes_free(&file);
}
