/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of its runtime a process runs, found without running it or asking it: in the names of its files and in its memory. */
#ifndef LOOPSTALL_CLI_RUNTIME_VERSION_H
#define LOOPSTALL_CLI_RUNTIME_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#define RUNTIME_VERSION_BYTES 24

/* "20.20.2" of a "node", "17" of a "jvm"; false if it is not found out. May read a hundred megabytes: for listings. Opens none of its files. */
bool runtime_version(uint32_t pid, const char *runtime, char version[RUNTIME_VERSION_BYTES]);

#endif
