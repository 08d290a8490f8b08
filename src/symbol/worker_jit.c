/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_jit.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ASK_EVERY_NS 1000000000ull /* maps can also be written on demand: jcmd PID Compiler.perfmap */
#define PIECE_BYTES  65536

bool worker_jit_asks(struct worker_jit *j)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (j->fd_plus_1 || (j->asked_ns && now - j->asked_ns < ASK_EVERY_NS))
		return false;
	j->asked_ns = now;
	return true;
}

static void begin_anew(struct worker_jit *j)
{
	jit_map_clear(&j->map);
	j->offset = 0;
	j->n_tail = 0;
}

static void let_go(struct worker_jit *j)
{
	if (j->fd_plus_1)
		close(j->fd_plus_1 - 1);
	j->fd_plus_1 = 0;
	begin_anew(j);
}

void worker_jit_take(struct worker_jit *j, int fd)
{
	let_go(j);
	j->fd_plus_1 = fd + 1;
}

void worker_jit_free(struct worker_jit *j)
{
	let_go(j);
}

static void keep_tail(struct worker_jit *j, const char *text, size_t len)
{
	size_t skipped = len > WORKER_JIT_TAIL ? len - WORKER_JIT_TAIL : 0;

	j->n_tail = len - skipped;
	memcpy(j->tail, text + skipped, j->n_tail);
}

static bool is_the_same(const struct worker_jit *j, int fd)
{
	char now[WORKER_JIT_TAIL];
	ssize_t n = pread(fd, now, j->n_tail, j->offset - (off_t)j->n_tail);

	return n == (ssize_t)j->n_tail && !memcmp(now, j->tail, j->n_tail);
}

/* A line that is longer than a piece is nobody's name: it is passed over piece by piece. */
static void read_on(struct worker_jit *j, int fd)
{
	static char piece[PIECE_BYTES];
	ssize_t n;

	while (!j->map.full && (n = pread(fd, piece, sizeof piece, j->offset)) > 0) {
		size_t taken = jit_map_add(&j->map, piece, (size_t)n);
		if (!taken && n == PIECE_BYTES)
			taken = PIECE_BYTES;
		if (!taken)
			break;
		j->offset += (off_t)taken;
		keep_tail(j, piece, taken);
		if (j->offset > (off_t)WORKER_JIT_MAX_BYTES) {
			jit_map_clear(&j->map);
			j->map.full = true;
		}
	}
	jit_map_settle(&j->map);
}

bool worker_jit_read(struct worker_jit *j)
{
	int fd = j->fd_plus_1 - 1;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !st.st_nlink) { /* removed: there may be another one by now */
		let_go(j);
		return false;
	}
	if (st.st_size < j->offset || (st.st_size > j->offset && !is_the_same(j, fd)))
		begin_anew(j);
	if (st.st_size == j->offset || j->map.full)
		return false;
	read_on(j, fd);
	return j->map.full;
}
