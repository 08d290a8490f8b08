/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens what belongs to a traced process, with the monitor's rights and without looking inside: hands out
 * descriptors of regular files, opened so that neither a pipe nor a terminal nor a link in the target's file
 * tree can trap the monitor.
 */
#ifndef LOOPSTALL_SYMBOL_OPENER_H
#define LOOPSTALL_SYMBOL_OPENER_H

#include "symbol/maps.h"

#include <sys/stat.h>

/* The file of a mapping, also if deleted or in another mount namespace. A descriptor, or -errno. */
int opener_mapped_file(uint32_t pid, const struct maps_row *row, const char *path);
/* What stat() tells of it, without opening. 0 or -errno. */
int opener_stat(uint32_t pid, const struct maps_row *row, const char *path, struct stat *st);
/*
 * The separate debug file of a build id, in the target's file tree, else in ours. A descriptor, or -ENOENT.
 */
int opener_debug_file(uint32_t pid, const unsigned char *build_id, size_t bytes);
/* The memory of a process, to be read only. A descriptor, or -errno. */
int opener_memory(uint32_t pid);
/* All of /proc/PID/maps. 0 or -errno. */
int opener_read_maps(uint32_t pid, struct bytes *text);

#endif
