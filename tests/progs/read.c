/* SPDX-License-Identifier: Apache-2.0 */
/* A callback reads from a pipe whose writer, a thread of the same process, is late. */
#include "truth.h"

#include <unistd.h>

static int request[2], reply[2];

static void *answer_late(void *unused)
{
	char byte;

	while (read(request[0], &byte, 1) == 1) {
		sleep_ms(120);
		must(write(reply[1], &byte, 1), "write");
	}
	return unused;
}

static STALLS void stall_read(void)
{
	char byte = 'x';

	must(write(request[1], &byte, 1), "write");
	must(read(reply[0], &byte, 1), "read");
}

int main(int argc, char **argv)
{
	struct loop loop;

	must(pipe(request), "pipe");
	must(pipe(reply), "pipe");
	start_thread(answer_late, NULL);
	loop_open(&loop, argc, argv);
	loop_wait_for_go(&loop);
	for (int i = 0; i < 3; i++) {
		loop_serve(&loop, 100);
		stall_read();
		loop_expect(&loop, &(struct truth){.kind = "read",
						   .woken_by = "pipe",
						   .verdict = "BLOCKED",
						   .call = "read",
						   .target = "pipe",
						   .function = "stall_read",
						   .count = 1});
	}
	loop_finish(&loop);
}
