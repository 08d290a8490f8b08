/* SPDX-License-Identifier: Apache-2.0 */
/* A callback touches a page that somebody else has to bring, and who is late: userfaultfd instead of a slow disk. */
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 3

static int server;

static void *serve_late(void *unused)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	struct uffd_msg fault;

	while (read(server, &fault, sizeof(fault)) == sizeof(fault)) {
		struct uffdio_copy copy = {.dst = fault.arg.pagefault.address & ~(PAGE - 1ull),
					   .src = (uintptr_t)page,
					   .len = PAGE};

		sleep_ms(120);
		must(ioctl(server, UFFDIO_COPY, &copy), "UFFDIO_COPY");
	}
	return unused;
}

static volatile char *slow_memory(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	void *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register area = {.range = {(uintptr_t)memory, PAGES * PAGE},
				       .mode = UFFDIO_REGISTER_MODE_MISSING};

	if (memory == MAP_FAILED)
		exit(1);
	server = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (server < 0 && errno == EINVAL) /* before 5.11 */
		server = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(server, "userfaultfd");
	must(ioctl(server, UFFDIO_API, &api), "UFFDIO_API");
	must(ioctl(server, UFFDIO_REGISTER, &area), "UFFDIO_REGISTER");
	start_thread(serve_late, NULL);
	return memory;
}

static STALLS char stall_touch(volatile char *page)
{
	return *page;
}

int main(int argc, char **argv)
{
	volatile char *memory = slow_memory();
	struct loop loop;

	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < PAGES; i++) {
		loop_serve(&loop, 100);
		stall_touch(memory + i * PAGE);
		loop_expect(&loop, &(struct truth){.kind = "fault",
						   .verdict = "FAULT",
						   .call = "page fault",
						   .function = "stall_touch",
						   .count = 1});
	}
	loop_finish(&loop);
}
