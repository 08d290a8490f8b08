/* SPDX-License-Identifier: Apache-2.0 */
#include "record/writer.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/duration.h"
#include "base/intern.h"
#include "model/fact_json.h"
#include "record/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define FRAME_LINE_BYTES (256 * 1024)
#define FRAME_AGE_NS	 1000000000u /* what kill -9 may lose */
#define LEVEL		 3	     /* level 1 saves nothing here, 9 gains 5 % for ten times the work */

struct recording_writer {
	struct sink sink; /* first: take() gets its address */
	char *path;
	int fd;
	int err; /* sticky */
	struct diag diag;
	ZSTD_CCtx *zstd;
	struct fact_json style;
	struct bytes lines;	      /* of the frame to come */
	uint64_t lines_at_ns;	      /* capture time of its first */
	uint64_t last_ns, written_ns; /* of the last fact taken, and of the last in a whole frame */
	char *frame;
	size_t frame_cap;
	struct intern *loss_reasons;
	struct loss_total *losses; /* by id in loss_reasons */
	size_t losses_cap;
	struct writer_counts counts;
};

static void writer_free(struct recording_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	ZSTD_freeCCtx(w->zstd);
	intern_free(w->loss_reasons);
	bytes_free(&w->lines);
	free(w->losses);
	free(w->frame);
	free(w->path);
	free(w);
}

static int writer_take(struct sink *sink, const struct fact *f);

struct recording_writer *recording_writer_open(const char *path, struct diag *d)
{
	struct recording_writer *w = calloc(1, sizeof *w);
	if (!w) {
		diag_fail(d, -ENOMEM, "no memory to record to %s", path);
		return NULL;
	}
	w->sink.take = writer_take;
	w->style.style = FACT_RECORDING;
	w->fd = -1;
	w->path = strdup(path);
	w->loss_reasons = intern_new();
	w->zstd = ZSTD_createCCtx();
	if (!w->path || !w->loss_reasons || !w->zstd) {
		diag_fail(d, -ENOMEM, "no memory to record to %s", path);
		goto out;
	}
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
	w->fd = output_create(path, d);
	if (w->fd >= 0)
		return w;
out:
	writer_free(w);
	return NULL;
}

struct sink *recording_writer_sink(struct recording_writer *w)
{
	return &w->sink;
}

const struct diag *recording_writer_error(const struct recording_writer *w)
{
	return &w->diag;
}

struct writer_counts recording_writer_counts(const struct recording_writer *w)
{
	return w->counts;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file keeps its whole frames: it ends where the last one did, so that it reads as cut short and not as
 * damaged. */
static int writer_fail(struct recording_writer *w, int err)
{
	w->err = err;
	bool cut = !ftruncate(w->fd, (off_t)w->counts.file_bytes);
	diag_fail(&w->diag, err, "cannot write %s: %s", w->path, strerror(-err));
	char kept[DURATION_TEXT_BYTES];
	diag_hint(&w->diag, "recording has stopped; the first %s are in it (%llu bytes), %s",
		  duration_text(w->written_ns, kept), (unsigned long long)w->counts.file_bytes,
		  cut ? "whole and readable with loopstall report" : "readable");
	return err;
}

static int write_frame(struct recording_writer *w)
{
	size_t most = ZSTD_compressBound(w->lines.len);
	if (!bytes_ok(&w->lines) || !array_reserve(&w->frame, &w->frame_cap, most, 1))
		return writer_fail(w, -ENOMEM);
	size_t len = ZSTD_compress2(w->zstd, w->frame, w->frame_cap, w->lines.data, w->lines.len);
	if (ZSTD_isError(len))
		return writer_fail(w, -ENOMEM);
	int err = write_all(w->fd, w->frame, len);
	if (err)
		return writer_fail(w, err);
	w->written_ns = w->last_ns;
	w->counts.file_bytes += len;
	w->counts.line_bytes += w->lines.len;
	bytes_clear(&w->lines);
	return 0;
}

int recording_writer_flush(struct recording_writer *w, uint64_t now_ns)
{
	if (w->err || !w->lines.len || now_ns < w->lines_at_ns + FRAME_AGE_NS)
		return w->err;
	return write_frame(w);
}

/* The end line repeats all losses, so that one look at the tail of the file tells whether anything is
 * missing. */
static int count_loss(struct recording_writer *w, const struct fact_loss *loss)
{
	uint32_t id = intern_id(w->loss_reasons, loss->reason, strlen(loss->reason));
	if (id == INTERN_NONE || !array_reserve(&w->losses, &w->losses_cap, id + 1, sizeof *w->losses))
		return -ENOMEM;
	w->losses[id].reason = intern_key(w->loss_reasons, id, NULL);
	w->losses[id].count += loss->count;
	w->style.losses = w->losses;
	w->style.n_losses = intern_count(w->loss_reasons);
	return 0;
}

static int writer_take(struct sink *sink, const struct fact *f)
{
	struct recording_writer *w = (struct recording_writer *)sink;
	int err = recording_writer_flush(w, f->at_ns);
	if (err)
		return err;
	w->last_ns = f->at_ns > w->last_ns ? f->at_ns : w->last_ns;
	if (f->kind == FACT_LOSS && count_loss(w, &f->loss))
		return writer_fail(w, -ENOMEM);
	if (!w->lines.len)
		w->lines_at_ns = f->at_ns;
	fact_json_line(&w->style, f, &w->lines);
	if (!bytes_ok(&w->lines))
		return writer_fail(w, -ENOMEM);
	w->counts.facts++;
	if (w->lines.len >= FRAME_LINE_BYTES || f->kind == FACT_END)
		return write_frame(w);
	return 0;
}

int recording_writer_close(struct recording_writer *w, struct diag *d)
{
	if (!w)
		return 0;
	if (!w->err && w->lines.len)
		write_frame(w);
	if (!w->err && fsync(w->fd))
		writer_fail(w, -errno);
	int err = w->err;
	if (err && d)
		*d = w->diag;
	writer_free(w);
	return err;
}
