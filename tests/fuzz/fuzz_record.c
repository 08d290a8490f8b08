/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a recording: read alone, what comes out is written and must read back as the same bytes; merged with itself
 * and kept in a ring, numbers must stay in order.
 */
#include "model/dictionary.h"
#include "model/fact_json.h"
#include "record/reader.h"
#include "record/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes what it takes as lines again, and holds it to the promises of fact.h. */
struct witness {
	struct sink sink;
	struct dictionary *defined;
	struct fact_json style;
	struct bytes lines;
	struct sink *then;
};

static int witness_take(struct sink *self, const struct fact *f)
{
	struct witness *w = (struct witness *)self;
	if (dictionary_take(w->defined, f))
		abort();
	if (f->kind == FACT_STALL && !dictionary_loop(w->defined, f->stall->loop))
		abort();
	if (f->kind == FACT_STALL && f->stall->culprit_frame > dictionary_frames(w->defined))
		abort();
	fact_json_line(&w->style, f, &w->lines);
	return w->then ? w->then->take(w->then, f) : 0;
}

static struct witness witness_new(struct sink *then)
{
	struct witness w = {.sink = {witness_take}, .defined = dictionary_new(), .then = then};
	if (!w.defined)
		abort();
	return w;
}

static void witness_free(struct witness *w)
{
	dictionary_free(w->defined);
	bytes_free(&w->lines);
}

/* Writes the ring out while the source of its texts is still there. */
static void write_ring(struct ring *ring)
{
	struct witness kept = witness_new(NULL);
	if (ring_write(ring, &kept.sink, "fuzz"))
		abort();
	witness_free(&kept);
}

/* Reads n copies of the bytes as one recording, into a ring too if there is one. False if it is none. */
static bool read_copies(const void *data, size_t size, unsigned n, struct ring *ring, struct witness *w)
{
	char path[32];
	const char *const paths[] = {path, path};
	int fd = memfd_create("recording", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct diag d = {0};
	struct recording *r = recording_open(paths, n, &d);
	if (r)
		recording_read(r, &w->sink, &d);
	if (r && ring)
		write_ring(ring);
	recording_close(r);
	close(fd);
	return r != NULL;
}

static void read_again(const struct bytes *lines)
{
	struct witness w = witness_new(NULL);
	if (!read_copies(lines->data, lines->len, 1, NULL, &w) || w.lines.len != lines->len ||
	    memcmp(w.lines.data, lines->data, lines->len) != 0)
		abort();
	witness_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring *ring = ring_new(1000000000, 4096);
	struct witness one = witness_new(ring_sink(ring)), merged = witness_new(NULL);
	if (read_copies(data, size, 1, ring, &one)) {
		read_again(&one.lines);
		read_copies(data, size, 2, NULL, &merged);
	}
	witness_free(&one);
	witness_free(&merged);
	ring_free(ring);
	return 0;
}
