/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source that reads recordings back. One file gives the facts of the live run, equal and in the same order. Several are
 * merged: aligned on the wall clock and in time order, loops numbered anew, equal frames and stacks made one, one header before
 * and (if every file has one) one end after all.
 *
 * A damaged file gives everything up to the damage, and then the error; the other files go on. A file without its end fact
 * is cut short: no error, a flag.
 */
#ifndef LOOPSTALL_RECORD_READER_H
#define LOOPSTALL_RECORD_READER_H

#include "base/diag.h"
#include "model/fact.h"

#define RECORDING_MAX_FILES 1024

struct recording;

/* Opens the files and looks at no more than their first four bytes. NULL with the diag filled. */
struct recording *recording_open_files(const char *const *paths, unsigned n, struct diag *d);
/* Reads their headers, once. 0, or negative with the diag filled if one is cut short, foreign or too new. */
int recording_begin(struct recording *r, struct diag *d);
/* Both at once; NULL if either fails. */
struct recording *recording_open(const char *const *paths, unsigned n, struct diag *d);
/*
 * 1 and the next fact, 0 when all is read, -ENOMEM. The fact is valid until the next call, its texts until
 * recording_close().
 */
int recording_next(struct recording *r, const struct fact **f);
/* Drives one sink to the end. 0, what the sink refused with, or the damage met (after everything else was given). */
int recording_read(struct recording *r, struct sink *to, struct diag *d);
/* After the last fact: the first damage met, 0 if none. */
int recording_damage(const struct recording *r, struct diag *d);
/* After the last fact: a file had no end (killed while recording, truncated, or damaged). */
bool recording_is_cut_short(const struct recording *r);
void recording_close(struct recording *r);

#endif
