/* SPDX-License-Identifier: Apache-2.0 */
#include "base/protobuf.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

void protobuf_put_varint(struct bytes *out, uint64_t value)
{
	while (value >= 0x80) {
		bytes_putc(out, (char)(value | 0x80));
		value >>= 7;
	}
	bytes_putc(out, (char)value);
}

static void put_tag(struct bytes *out, unsigned field, unsigned wire)
{
	protobuf_put_varint(out, field << 3 | wire);
}

void protobuf_put_uint(struct bytes *out, unsigned field, uint64_t value)
{
	if (!value)
		return;
	put_tag(out, field, WIRE_VARINT);
	protobuf_put_varint(out, value);
}

void protobuf_put_bytes(struct bytes *out, unsigned field, const void *data, size_t len)
{
	put_tag(out, field, WIRE_BYTES);
	protobuf_put_varint(out, len);
	bytes_put(out, data, len);
}

void protobuf_put_message(struct bytes *out, unsigned field, struct bytes *part)
{
	protobuf_put_bytes(out, field, bytes_text(part), part->len);
	out->failed |= !bytes_ok(part);
	bytes_clear(part);
}
