/* SPDX-License-Identifier: Apache-2.0 */
#include "record/lines.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define INPUT_BYTES (64 * 1024)

struct lines {
	char *path;
	int fd;
	ZSTD_DCtx *zstd; /* NULL: plain text */
	char input[INPUT_BYTES];
	ZSTD_inBuffer in; /* over input */
	bool more_out;	  /* the decompressor may hold output that needs no input */
	bool in_frame, at_end;
	struct bytes text;    /* decompressed, not yet handed out */
	size_t at, whole;     /* in text: next line, end of what is checked */
	size_t frame_bytes;   /* of the open frame, so far */
	uint64_t total_bytes; /* decompressed */
	uint64_t number;
};

static int read_input(struct lines *l, struct diag *d)
{
	ssize_t n;
	do
		n = read(l->fd, l->input, sizeof l->input);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return diag_fail(d, -errno, "cannot read %s: %s", l->path, strerror(errno));
	l->in = (ZSTD_inBuffer){.src = l->input, .size = (size_t)n};
	l->at_end = !n;
	return 0;
}

static int start_zstd(struct lines *l, struct diag *d)
{
	l->zstd = ZSTD_createDCtx();
	if (!l->zstd)
		return diag_fail(d, -ENOMEM, "no memory to read %s", l->path);
	ZSTD_DCtx_setParameter(l->zstd, ZSTD_d_windowLogMax, LINES_MAX_WINDOW_LOG);
	return 0;
}

/* Ours begin with a zstd frame or, unpacked, with the header's brace. */
static int tell_format(struct lines *l, struct diag *d)
{
	static const char magic[] = {0x28, (char)0xb5, 0x2f, (char)0xfd};
	int err = read_input(l, d);
	if (err)
		return err;
	if (!l->in.size)
		return diag_fail(d, -ENODATA, "%s is empty: the recording ended before anything was written",
				 l->path);
	size_t n = l->in.size < sizeof magic ? l->in.size : sizeof magic;
	if (!memcmp(l->input, magic, n))
		return start_zstd(l, d);
	if (l->input[0] == '{')
		return 0;
	diag_hint(d, "recordings are written by loopstall record -o FILE.jsonl.zst");
	return diag_fail(d, -EINVAL, "%s is not a loopstall recording", l->path);
}

struct lines *lines_open(const char *path, struct diag *d)
{
	struct lines *l = calloc(1, sizeof *l);
	if (!l || !(l->path = strdup(path))) {
		free(l);
		diag_fail(d, -ENOMEM, "no memory to read %s", path);
		return NULL;
	}
	l->fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC)
				       : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (l->fd < 0) {
		diag_fail(d, -errno, "cannot open %s: %s", path, strerror(errno));
		goto out;
	}
	if (!tell_format(l, d))
		return l;
out:
	lines_close(l);
	return NULL;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	ZSTD_freeDCtx(l->zstd);
	bytes_free(&l->text);
	free(l->path);
	free(l);
}

static void take_plain(struct lines *l)
{
	bytes_put(&l->text, l->in.src, l->in.size);
	l->total_bytes += l->in.size;
	l->in.pos = l->in.size;
	l->whole = l->text.len;
}

static int damaged(const struct lines *l, struct diag *d, const char *why)
{
	return diag_fail(d, -EBADMSG, "%s is damaged after line %llu: %s", l->path,
			 (unsigned long long)l->number, why);
}

static int take_frame(struct lines *l, struct diag *d)
{
	char chunk[32 * 1024];
	ZSTD_outBuffer out = {.dst = chunk, .size = sizeof chunk};
	size_t left = ZSTD_decompressStream(l->zstd, &out, &l->in);
	if (ZSTD_isError(left))
		return damaged(l, d, ZSTD_getErrorName(left));
	bytes_put(&l->text, chunk, out.pos);
	l->total_bytes += out.pos;
	l->frame_bytes += out.pos;
	l->in_frame = left != 0;
	l->more_out = out.pos == out.size;
	if (!l->in_frame || l->frame_bytes > LINES_MAX_FRAME_BYTES)
		l->whole = l->text.len;
	if (!l->in_frame)
		l->frame_bytes = 0;
	return 0;
}

static int take_more(struct lines *l, struct diag *d)
{
	if (l->in.pos == l->in.size && !l->more_out) {
		int err = read_input(l, d);
		if (err || l->at_end)
			return err;
	}
	if (l->zstd) {
		int err = take_frame(l, d);
		if (err)
			return err;
	} else {
		take_plain(l);
	}
	if (!bytes_ok(&l->text))
		return diag_fail(d, -ENOMEM, "no memory to read %s", l->path);
	if (l->total_bytes > LINES_MAX_FILE_BYTES)
		return damaged(l, d, "it unpacks to more than 64 GiB");
	return 0;
}

/* Moves what is left to the front, so that the buffer stays as small as a frame and a line. */
static void drop_used(struct lines *l)
{
	if (!l->at)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a place in the text is not 0 without a text */
	memmove(l->text.data, l->text.data + l->at, l->text.len - l->at);
	l->text.len -= l->at;
	l->whole -= l->at;
	l->at = 0;
}

int lines_next(struct lines *l, const char **line, size_t *len, struct diag *d)
{
	for (;;) {
		const char *from = l->text.data ? l->text.data + l->at : "";
		const char *end = l->whole > l->at ? memchr(from, '\n', l->whole - l->at) : NULL;
		size_t n = end ? (size_t)(end - from) : l->whole - l->at;
		if (n > LINES_MAX_BYTES)
			return damaged(l, d, "a line is longer than 1 MiB");
		if (end) {
			*line = from;
			*len = n;
			l->at += n + 1;
			l->number++;
			return 1;
		}
		if (l->at_end)
			return 0;
		drop_used(l);
		int err = take_more(l, d);
		if (err)
			return err;
	}
}

bool lines_are_cut(const struct lines *l)
{
	return l->at_end && (l->in_frame || l->at < l->text.len);
}

uint64_t lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_path(const struct lines *l)
{
	return l->path;
}
