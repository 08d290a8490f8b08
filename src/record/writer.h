/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that writes a recording: JSON Lines in independent, checksummed zstd frames of whole lines, so
 * that whatever kills the program or the disk, all finished frames stay readable. It knows files and
 * compression, not what facts mean.
 */
#ifndef LOOPSTALL_RECORD_WRITER_H
#define LOOPSTALL_RECORD_WRITER_H

#include "base/diag.h"
#include "model/fact.h"

struct recording_writer;

struct writer_counts {
	uint64_t facts;	     /* taken */
	uint64_t line_bytes; /* before compression */
	uint64_t file_bytes; /* in finished frames */
};

/* Creates the file (record/output.h). NULL with the diag filled. */
struct recording_writer *recording_writer_open(const char *path, struct diag *d);

/*
 * Takes facts in order, the header first. A frame is written when 256 KB of lines or a second of capture time
 * have gathered, and at the end fact. On the first failure (disk full) it cuts the file back to its last
 * whole frame and returns the errno; from then on it takes nothing and returns the same again: detach it and
 * show recording_writer_error().
 */
struct sink *recording_writer_sink(struct recording_writer *w);

/* Call about every second of a quiet capture, with the capture time: writes what is older than a second. 0 or
 * the error. */
int recording_writer_flush(struct recording_writer *w, uint64_t now_ns);
/* What failed, on what, and what to do; empty text if nothing did. */
const struct diag *recording_writer_error(const struct recording_writer *w);
struct writer_counts recording_writer_counts(const struct recording_writer *w);
/* Writes the rest, syncs and closes; w is gone. 0, or the first error that happened in its life, explained in
 * the diag. */
int recording_writer_close(struct recording_writer *w, struct diag *d);

#endif
