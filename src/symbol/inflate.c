/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/inflate.h"

#include "base/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define CHDR_TYPE_ZSTD 2 /* ELFCOMPRESS_ZSTD is younger than the elf.h of Debian 12 */

static size_t inflate_to(unsigned char *to, size_t cap, uint32_t type, const struct cursor *packed)
{
	if (type == ELFCOMPRESS_ZLIB) {
		uLongf n = cap;
		return uncompress(to, &n, packed->at, cursor_left(packed)) == Z_OK ? n : 0;
	}
	if (type == CHDR_TYPE_ZSTD) {
		size_t n = ZSTD_decompress(to, cap, packed->at, cursor_left(packed));
		return ZSTD_isError(n) ? 0 : n;
	}
	return 0;
}

int section_inflate(struct elf_range *range, unsigned char **owned)
{
	struct cursor c = cursor_over(range->data, range->bytes);
	uint32_t type = cursor_u32(&c);
	cursor_u32(&c);
	uint64_t bytes = cursor_u64(&c);
	cursor_u64(&c);
	if (c.failed || !bytes || bytes > INFLATE_MAX_BYTES)
		return -EINVAL;
	unsigned char *plain = malloc(bytes);
	if (!plain)
		return -ENOMEM;
	if (inflate_to(plain, bytes, type, &c) != bytes) {
		free(plain);
		return -EINVAL;
	}
	*owned = plain;
	*range = (struct elf_range){.data = plain, .bytes = bytes, .address = range->address};
	return 0;
}
