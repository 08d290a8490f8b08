/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of a file that may be hostile: zstd frames or plain text, told apart by the first bytes. A line is handed out only
 * once its frame's checksum was right, unless the frame is too large to wait for. Knows nothing of JSON.
 */
#ifndef LOOPSTALL_RECORD_LINES_H
#define LOOPSTALL_RECORD_LINES_H

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_MAX_BYTES	      (1u << 20) /* of one line */
#define LINES_MAX_WINDOW_LOG  23	 /* zstd window, 8 MiB: what a reader is made to allocate */
#define LINES_MAX_FRAME_BYTES (4u << 20) /* frames up to this size are checked before use; ours hold 256 KB */
#define LINES_MAX_FILE_BYTES                                                                                 \
	(1ull << 36) /* decompressed; 64 GiB is a day of a hundred thousand lines a minute */

struct lines;

/* "-" is standard input. NULL with the diag filled, also for an empty or foreign file. */
struct lines *lines_open(const char *path, struct diag *d);
/*
 * 1 and a line without its newline (valid until the next call), 0 at the end, or a negative errno with the diag filled: the
 * file is damaged here, and every line before the damage has been handed out.
 */
int lines_next(struct lines *l, const char **line, size_t *len, struct diag *d);
/* The end came inside a frame or a line. */
bool lines_are_cut(const struct lines *l);
/* Of the last line handed out, from 1. */
uint64_t lines_number(const struct lines *l);
const char *lines_path(const struct lines *l);
void lines_close(struct lines *l);

#endif
