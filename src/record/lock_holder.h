/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the flock() lock of a file, as /proc/locks tells it: of the processes that our namespace shows. */
#ifndef LOOPSTALL_RECORD_LOCK_HOLDER_H
#define LOOPSTALL_RECORD_LOCK_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

struct lock_holder {
	uint32_t pid;
	char comm[16]; /* "" if it has gone */
};

bool lock_holder_find(int fd, struct lock_holder *holder);

#endif
