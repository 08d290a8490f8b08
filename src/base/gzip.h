/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOPSTALL_BASE_GZIP_H
#define LOOPSTALL_BASE_GZIP_H

#include "base/bytes.h"

/* Appends the bytes as one gzip member, without a name or time in it, so that equal input gives equal output. False without memory. */
bool gzip_put(struct bytes *out, const void *data, size_t len);

#endif
