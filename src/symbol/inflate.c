/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/inflate.h"

#include "base/bytes.h"
#include "base/cursor.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define CHDR_TYPE_ZSTD	2	    /* ELFCOMPRESS_ZSTD is younger than the elf.h of Debian 12 */
#define XZ_MEMORY_BYTES (96u << 20) /* xz -9 asks for 65 MB, as is usual for 9 */

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

static lzma_ret unpack_all(lzma_stream *s, struct bytes *plain)
{
	uint8_t piece[16384];
	lzma_ret state;

	do {
		s->next_out = piece;
		s->avail_out = sizeof piece;
		state = lzma_code(s, LZMA_FINISH);
		bytes_put(plain, piece, sizeof piece - s->avail_out);
	} while (state == LZMA_OK && bytes_ok(plain) && plain->len <= INFLATE_MAX_BYTES);
	return bytes_ok(plain) ? state : LZMA_MEM_ERROR;
}

int xz_inflate(struct elf_range *range, unsigned char **owned)
{
	lzma_stream s = LZMA_STREAM_INIT;
	struct bytes plain = {0};
	lzma_ret state = lzma_stream_decoder(&s, XZ_MEMORY_BYTES, 0);

	s.next_in = range->data;
	s.avail_in = range->bytes;
	if (state == LZMA_OK)
		state = unpack_all(&s, &plain);
	lzma_end(&s);
	if (state != LZMA_STREAM_END || !plain.len) {
		bytes_free(&plain);
		return state == LZMA_MEM_ERROR ? -ENOMEM : -EINVAL;
	}
	*owned = (unsigned char *)plain.data;
	*range = (struct elf_range){.data = *owned, .bytes = plain.len, .address = range->address};
	return 0;
}
