/* SPDX-License-Identifier: Apache-2.0 */
/* Writing protocol buffers: fields appended to a buffer, a message within a message being a buffer of its own that is put as bytes. */
#ifndef LOOPSTALL_BASE_PROTOBUF_H
#define LOOPSTALL_BASE_PROTOBUF_H

#include "base/bytes.h"

/* One number without a field, as packed ones are. */
void protobuf_put_varint(struct bytes *out, uint64_t value);
/* Left out when 0, which is what a reader takes an absent field for. */
void protobuf_put_uint(struct bytes *out, unsigned field, uint64_t value);
/* Text, bytes, packed numbers or a message; an empty one is put, too. */
void protobuf_put_bytes(struct bytes *out, unsigned field, const void *data, size_t len);
/* Puts what is in part, and empties it for the next. */
void protobuf_put_message(struct bytes *out, unsigned field, struct bytes *part);

#endif
