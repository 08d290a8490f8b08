/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gzip.h"

#include <zlib.h>

#define GZIP_WINDOW   (15 + 16)	 /* the largest window, and 16 for gzip's header instead of zlib's */
#define ZLIB_MEMORY   8		 /* zlib's default */
#define INPUT_AT_ONCE (1u << 30) /* zlib counts in unsigned int */

static int deflate_some(z_stream *z, struct bytes *out, int flush)
{
	unsigned char piece[16384];
	int state = Z_OK;
	do {
		z->next_out = piece;
		z->avail_out = sizeof piece;
		state = deflate(z, flush);
		bytes_put(out, piece, sizeof piece - z->avail_out);
	} while (state == Z_OK && !z->avail_out && bytes_ok(out));
	return state;
}

bool gzip_put(struct bytes *out, const void *data, size_t len)
{
	z_stream z = {0};
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, ZLIB_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	const unsigned char *at = data;
	int state = Z_OK;
	while (state == Z_OK && bytes_ok(out)) {
		size_t now = len < INPUT_AT_ONCE ? len : INPUT_AT_ONCE;
		z.next_in = (unsigned char *)(uintptr_t)at; /* zlib reads it only */
		z.avail_in = (unsigned)now;
		at += now;
		len -= now;
		state = deflate_some(&z, out, len ? Z_NO_FLUSH : Z_FINISH);
	}
	deflateEnd(&z);
	return state == Z_STREAM_END && bytes_ok(out);
}
