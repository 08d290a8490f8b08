/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One recorded line back to its fact. The line may be hostile: every number is checked against its type, every word against its
 * table, every reference against what has been defined; names are cleaned again. Unknown types and keys are passed over.
 */
#ifndef LOOPSTALL_RECORD_DECODE_H
#define LOOPSTALL_RECORD_DECODE_H

#include "base/diag.h"
#include "model/dictionary.h"

#define DECODE_MAX_KEPT_BYTES (1ull << 30) /* names, frames and stacks of one recording */

struct decoder;

/* References are checked against the dictionary, which the caller feeds. NULL without memory. */
struct decoder *decoder_new(const struct dictionary *known);
void decoder_free(struct decoder *d);
/*
 * 1 and a fact, 0 for a type this version does not know, or a negative errno and what is wrong with the line. The fact is the
 * decoder's and may be changed by the caller, also behind its pointers, until the next call; its texts live as long as
 * the decoder.
 */
int decoder_line(struct decoder *d, const char *line, size_t len, struct fact **f, struct diag *diag);

#endif
