/* SPDX-License-Identifier: Apache-2.0 */
/* `--json`: every fact as a line of its own on standard output, as it comes. */
#ifndef LOOPSTALL_CLI_JSON_STREAM_H
#define LOOPSTALL_CLI_JSON_STREAM_H

#include "model/dictionary.h"

struct json_stream;

/* Stalls below the threshold are left out; 0 keeps all. NULL without memory. */
struct json_stream *json_stream_new(const struct dictionary *d, uint64_t threshold_ns);
struct sink *json_stream_sink(struct json_stream *s);
void json_stream_free(struct json_stream *s);

#endif
