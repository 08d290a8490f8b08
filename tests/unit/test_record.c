/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings on disk: written and read back, cut, damaged, foreign, merged, refused. */
#include "record/reader.h"
#include "record/writer.h"
#include "tests/unit/sample_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <cmocka.h>

static char directory[] = "/tmp/loopstall-test-XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	snprintf(path, PATH_MAX, "%s/%s", directory, name);
	return path;
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void read_file(const char *path, struct bytes *out)
{
	char chunk[4096];
	size_t n;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		bytes_put(out, chunk, n);
	fclose(file);
}

static void take(struct sink *sink, const struct fact *f)
{
	assert_int_equal(sink->take(sink, f), 0);
}

/* All samples, in a frame for each of their seconds. */
static void record_samples(const char *path)
{
	struct diag d = {0};
	struct recording_writer *w = recording_writer_open(path, &d);
	assert_string_equal(d.text, "");
	for (size_t i = 0; i < SAMPLES; i++)
		take(recording_writer_sink(w), &sample_facts[i]);
	assert_int_equal(recording_writer_counts(w).facts, SAMPLES);
	assert_int_equal(recording_writer_close(w, &d), 0);
}

/* What reading gives: the facts into c, the result, the text of an error. */
static int read_back(const char *path, struct collector *c, bool *cut, struct diag *d)
{
	collector_clear(c);
	*d = (struct diag){0};
	*cut = false;
	struct recording *r = recording_open(&path, 1, d);
	if (!r)
		return -1;
	int err = recording_read(r, &c->sink, d);
	*cut = recording_is_cut_short(r);
	recording_close(r);
	return err;
}

/* The facts in c are the first of the samples. */
static void assert_prefix(const struct collector *c)
{
	assert_true(c->n <= SAMPLES);
	for (size_t i = 0; i < c->n; i++)
		assert_true(collector_has(c, i, &sample_facts[i]));
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	const char *path = path_of("a.jsonl.zst");
	struct collector c = {0};
	struct diag d;
	bool cut;
	record_samples(path);
	assert_int_equal(read_back(path, &c, &cut, &d), 0);
	assert_false(cut);
	assert_int_equal(c.n, SAMPLES);
	assert_prefix(&c);
	collector_clear(&c);
}

static void lines_without_compression_are_read(void **state)
{
	(void)state;
	const char *packed = path_of("a.jsonl.zst"), *plain = path_of("plain.jsonl");
	char text[64 * 1024];
	struct bytes file = {0};
	struct collector c = {0};
	struct diag d;
	bool cut;
	size_t len = 0;
	record_samples(packed);
	read_file(packed, &file);
	for (size_t at = 0, n; at < file.len; at += n) { /* frame by frame */
		n = ZSTD_findFrameCompressedSize(file.data + at, file.len - at);
		assert_false(ZSTD_isError(n));
		size_t got = ZSTD_decompress(text + len, sizeof text - len, file.data + at, n);
		assert_false(ZSTD_isError(got));
		len += got;
		assert_int_equal(text[len - 1], '\n'); /* whole lines only */
	}
	write_file(plain, text, len);
	assert_int_equal(read_back(plain, &c, &cut, &d), 0);
	assert_int_equal(c.n, SAMPLES);
	assert_prefix(&c);
	assert_false(cut);
	write_file(plain, text, len - 5);
	assert_int_equal(read_back(plain, &c, &cut, &d), 0);
	assert_int_equal(c.n, SAMPLES - 1);
	assert_true(cut);
	bytes_free(&file);
	collector_clear(&c);
}

/* kill -9 at any moment: every whole frame is there, and the reader says that the end is missing. */
static void cut_anywhere_it_gives_a_prefix(void **state)
{
	(void)state;
	const char *path = path_of("a.jsonl.zst"), *part = path_of("part.jsonl.zst");
	struct bytes file = {0};
	struct collector c = {0};
	struct diag d;
	bool cut;
	size_t before = 0;
	record_samples(path);
	read_file(path, &file);
	size_t first = ZSTD_findFrameCompressedSize(file.data, file.len);
	for (size_t len = 0; len < file.len; len++) {
		write_file(part, file.data, len);
		int err = read_back(part, &c, &cut, &d);
		assert_int_equal(err, len < first ? -1 : 0);
		assert_int_equal(*d.text != 0, len < first);
		assert_true(cut || len < first);
		assert_true(c.n >= before && c.n < SAMPLES);
		assert_true(c.n > 0 || len < first);
		assert_prefix(&c);
		before = c.n;
	}
	bytes_free(&file);
	collector_clear(&c);
}

/* The checksum sees every bit: no changed fact ever comes out, only a prefix, and the damage is named. */
static void any_byte_changed_gives_a_prefix(void **state)
{
	(void)state;
	const char *path = path_of("a.jsonl.zst"), *bad = path_of("bad.jsonl.zst");
	struct bytes file = {0};
	struct collector c = {0};
	struct diag d;
	bool cut;
	record_samples(path);
	read_file(path, &file);
	for (size_t at = 0; at < file.len; at++) {
		file.data[at] ^= (char)(1 << at % 8);
		write_file(bad, file.data, file.len);
		int err = read_back(bad, &c, &cut, &d);
		assert_true(err || cut || c.n == SAMPLES); /* some bits of a frame's head mean nothing */
		assert_true(!err || *d.text);
		assert_prefix(&c);
		file.data[at] ^= (char)(1 << at % 8);
	}
	bytes_free(&file);
	collector_clear(&c);
}

#define HEADER_LINE                                                                                          \
	"{\"type\":\"header\",\"at_ns\":0,\"format\":\"loopstall\",\"format_version\":1,\"wall_us\":"        \
	"1000000}\n"
#define TICK_LINE "{\"type\":\"tick\",\"at_ns\":1}\n"
#define END_LINE  "{\"type\":\"end\",\"at_ns\":2}\n"

static void foreign_files_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"", "empty"},
		{"\x7f"
		 "ELF",
		 "not a loopstall recording"},
		{"\x1f\x8b\x08", "not a loopstall recording"},
		{"{\"a\":1}\n", "type"},
		{TICK_LINE, "first line is no header"},
		{"{\"type\":\"header\"", "cut short"},
		{"{\"type\":\"header\",\"at_ns\":0,\"format\":\"loopstall\",\"format_version\":2}\n",
		 "newer"},
	};
	const char *path = path_of("foreign");
	struct collector c = {0};
	struct diag d;
	bool cut;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file(path, cases[i].text, strlen(cases[i].text));
		assert_int_equal(read_back(path, &c, &cut, &d), -1);
		assert_non_null(strstr(d.text, cases[i].said));
		assert_non_null(strstr(d.text, path));
	}
	assert_int_equal(read_back(path_of("missing"), &c, &cut, &d), -1);
	assert_non_null(strstr(d.text, "No such file"));
	assert_int_equal(read_back(directory, &c, &cut, &d), -1);
	assert_non_null(strstr(d.text, "directory"));
}

static void damage_is_named_by_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said;
		size_t facts;
	} cases[] = {
		{HEADER_LINE TICK_LINE "{\"type\":\"tick\"}\n" TICK_LINE END_LINE, "line 3: \"at_ns\"", 2},
		{HEADER_LINE TICK_LINE "\n", "line 3: not JSON", 2},
		{HEADER_LINE HEADER_LINE, "line 2: it has a second header", 1},
		{HEADER_LINE END_LINE TICK_LINE, "line 3: it goes on after its end", 2},
		{HEADER_LINE "{\"type\":\"frame\",\"at_ns\":1,\"frame\":2}\n",
		 "line 2: its frame is numbered out of order", 1},
		{HEADER_LINE "{\"type\":\"later\"}\n" TICK_LINE "x\n", "line 4", 2},
	};
	const char *path = path_of("damaged.jsonl");
	struct collector c = {0};
	struct diag d;
	bool cut;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file(path, cases[i].text, strlen(cases[i].text));
		assert_true(read_back(path, &c, &cut, &d) < 0);
		assert_non_null(strstr(d.text, cases[i].said));
		assert_int_equal(c.n, cases[i].facts);
	}
	collector_clear(&c);
}

static void a_line_without_end_is_not_waited_for(void **state)
{
	(void)state;
	const char *path = path_of("long.jsonl.zst");
	struct bytes text = {0}, packed = {0};
	struct collector c = {0};
	struct diag d;
	bool cut;
	bytes_puts(&text, HEADER_LINE);
	bytes_fill(&text, ' ', 64 << 20);
	bytes_fill(&packed, 0, ZSTD_compressBound(text.len));
	size_t len = ZSTD_compress(packed.data, packed.len, text.data, text.len, 1);
	write_file(path, packed.data, len);
	assert_true(read_back(path, &c, &cut, &d) < 0);
	assert_non_null(strstr(d.text, "longer than 1 MiB"));
	assert_int_equal(c.n, 1);
	bytes_free(&text);
	bytes_free(&packed);
	collector_clear(&c);
}

static void a_large_window_is_refused(void **state)
{
	(void)state;
	/* A frame head that asks for a window of 1 GiB. */
	static const char frame[] = {0x28, (char)0xb5, 0x2f, (char)0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00};
	const char *path = path_of("window.zst");
	struct collector c = {0};
	struct diag d;
	bool cut;
	write_file(path, frame, sizeof frame);
	assert_int_equal(read_back(path, &c, &cut, &d), -1);
	assert_non_null(strstr(d.text, "memory"));
}

/* --- the file itself ---------------------------------------------------------------------------------------------- */

static void the_file_is_private_and_the_old_one_kept(void **state)
{
	(void)state;
	const char *path = path_of("own.jsonl.zst"), *old = path_of("own.jsonl.zst.old");
	struct bytes kept = {0};
	struct stat st;
	mode_t mask = umask(0);
	write_file(path, "precious", 8);
	record_samples(path);
	umask(mask);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	read_file(old, &kept);
	assert_string_equal(bytes_text(&kept), "precious");
	bytes_free(&kept);
}

static void assert_refused(const char *path, const char *said)
{
	struct diag d = {0};
	assert_null(recording_writer_open(path, &d));
	assert_non_null(strstr(d.text, said));
}

static void only_regular_files_are_replaced(void **state)
{
	(void)state;
	const char *target = path_of("target"), *link = path_of("link");
	struct stat st;
	write_file(target, "x", 1);
	assert_int_equal(symlink(target, link), 0);
	assert_refused(link, "symbolic link");
	assert_int_equal(unlink(target), 0);
	assert_refused(link, "symbolic link"); /* dangling */
	assert_int_equal(lstat(target, &st), -1);
	const char *fifo = path_of("fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused(fifo, "not a regular file");
	assert_refused("/dev/full", "not a regular file");
	assert_refused(directory, "not a regular file");
	assert_refused(path_of("none/x"), "No such file");
}

/* As root the file belongs to the user behind sudo; without root the variables mean nothing. */
static void the_file_belongs_to_the_user_behind_sudo(void **state)
{
	(void)state;
	const char *path = path_of("sudo/x.jsonl.zst");
	struct stat st;
	bool is_root = !geteuid();
	assert_int_equal(mkdir(path_of("sudo"), 0700), 0);
	assert_int_equal(setenv("SUDO_UID", "12345", 1), 0);
	assert_int_equal(setenv("SUDO_GID", "12346", 1), 0);
	if (is_root) {
		assert_refused(path, "Permission denied"); /* the directory is root's: that user may not */
		assert_int_equal(chown(path_of("sudo"), 12345, 12346) || chmod(directory, 0711), 0);
	}
	record_samples(path);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, is_root ? 12345 : geteuid());
	assert_int_equal(st.st_gid, is_root ? 12346 : getegid());
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	write_file(path_of("after"), "x", 1); /* our own rights are back */
	assert_int_equal(lstat(path_of("after"), &st), 0);
	assert_int_equal(st.st_uid, geteuid());
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Wherever the disk ends, the writer says so at once and the file reads as cut short, not as damaged. */
static void a_full_disk_leaves_whole_frames(void **state)
{
	(void)state;
	const char *path = path_of("full.jsonl.zst");
	struct collector c = {0};
	struct diag d;
	struct stat st;
	bool cut;
	record_samples(path);
	assert_int_equal(stat(path, &st), 0);
	size_t whole = (size_t)st.st_size, most = 0;
	signal(SIGXFSZ, SIG_IGN);
	for (size_t room = 1; room < whole; room += 7) {
		struct recording_writer *w = recording_writer_open(path, &d);
		struct sink *sink = recording_writer_sink(w);
		int err = 0;
		limit_file_size(room);
		for (size_t i = 0; i < SAMPLES && !err; i++)
			err = sink->take(sink, &sample_facts[i]);
		assert_int_equal(err, -EFBIG);
		assert_non_null(strstr(recording_writer_error(w)->text, "full.jsonl.zst"));
		assert_int_equal(sink->take(sink, &sample_facts[2]), -EFBIG);
		limit_file_size(RLIM_INFINITY);
		assert_int_equal(recording_writer_close(w, &d), -EFBIG);
		assert_non_null(strstr(d.text, "File too large"));
		if (!stat(path, &st) && st.st_size) {
			assert_int_equal(read_back(path, &c, &cut, &d), 0);
			assert_true(cut);
			assert_prefix(&c);
			most = c.n > most ? c.n : most;
		}
	}
	assert_int_equal(most, 10); /* those of the first frame */
	collector_clear(&c);
}

static void a_second_is_flushed(void **state)
{
	(void)state;
	const char *path = path_of("flush.jsonl.zst");
	struct collector c = {0};
	struct diag d;
	bool cut;
	struct recording_writer *w = recording_writer_open(path, &d);
	for (size_t i = 0; i < 5; i++)
		take(recording_writer_sink(w), &sample_facts[i]);
	assert_int_equal(recording_writer_flush(w, 900 * MS), 0);
	assert_int_equal(recording_writer_counts(w).file_bytes, 0);
	assert_int_equal(recording_writer_flush(w, 1000 * MS), 0);
	assert_true(recording_writer_counts(w).file_bytes > 0);
	assert_int_equal(read_back(path, &c, &cut, &d), 0); /* while it is being written */
	assert_int_equal(c.n, 5);
	assert_true(cut);
	assert_int_equal(recording_writer_close(w, NULL), 0);
	collector_clear(&c);
}

/* --- several files ------------------------------------------------------------------------------------------------ */

struct order {
	struct sink sink;
	struct fact last[128];
	uint32_t stall_loops[8], n, n_stalls, frames, stacks, loops, ticks, ends;
	char hosts[64];
	uint64_t stalls, end_ns;
};

static int order_take(struct sink *self, const struct fact *f)
{
	struct order *o = (struct order *)self;
	assert_true(!o->n || f->at_ns >= o->last[o->n - 1].at_ns);
	o->last[o->n++] = *f;
	o->frames += f->kind == FACT_FRAME;
	o->stacks += f->kind == FACT_STACK;
	o->loops += f->kind == FACT_LOOP;
	o->ticks += f->kind == FACT_TICK;
	if (f->kind == FACT_STALL)
		o->stall_loops[o->n_stalls++] = f->stall->loop;
	if (f->kind == FACT_HEADER)
		snprintf(o->hosts, sizeof o->hosts, "%s", f->header.host);
	if (f->kind == FACT_END) {
		o->ends++;
		o->stalls = f->end.stalls;
		o->end_ns = f->at_ns;
	}
	return 0;
}

/* The samples as another host would have recorded them later, with the first loop called by another number of events. */
static void record_later(const char *path, uint64_t later_us, const char *host, bool with_end)
{
	struct diag d = {0};
	struct recording_writer *w = recording_writer_open(path, &d);
	struct fact header = sample_facts[0];
	header.header.wall_us += later_us;
	header.header.host = host;
	take(recording_writer_sink(w), &header);
	for (size_t i = 1; i < SAMPLES - !with_end; i++)
		take(recording_writer_sink(w), &sample_facts[i]);
	assert_int_equal(recording_writer_close(w, &d), 0);
}

/* "db-1" is in "db-12", and another host all the same. */
static void hosts_are_named_once_each(void **state)
{
	(void)state;
	const char *paths[] = {path_of("a.jsonl.zst"), path_of("b.jsonl.zst"), path_of("c.jsonl.zst")};
	struct order o = {.sink = {order_take}};
	struct diag d = {0};
	record_later(paths[0], 0, "db-12", true);
	record_later(paths[1], 0, "db-1", true);
	record_later(paths[2], 0, "db-12", true);
	struct recording *r = recording_open(paths, 3, &d);
	assert_non_null(r);
	assert_int_equal(recording_read(r, &o.sink, &d), 0);
	assert_string_equal(o.hosts, "db-12, db-1");
	recording_close(r);
}

static void two_files_become_one(void **state)
{
	(void)state;
	const char *paths[] = {path_of("late.jsonl.zst"), path_of("early.jsonl.zst")};
	struct order o = {.sink = {order_take}};
	struct diag d = {0};
	record_later(paths[0], 500000, "db-8", true);
	record_later(paths[1], 0, "db-7", true);
	struct recording *r = recording_open(paths, 2, &d);
	assert_non_null(r);
	assert_int_equal(recording_read(r, &o.sink, &d), 0);
	assert_false(recording_is_cut_short(r));
	assert_string_equal(o.hosts, "db-8, db-7");
	assert_int_equal(o.last[0].header.wall_us, sample_facts[0].header.wall_us);
	assert_int_equal(o.frames, 4); /* equal ones are one */
	assert_int_equal(o.stacks, 2);
	assert_int_equal(o.loops, 4); /* loops are not */
	assert_int_equal(o.n_stalls, 4);
	uint32_t seen = 0;
	for (uint32_t i = 0; i < o.n_stalls; i++)
		seen |= 1u << o.stall_loops[i];
	assert_int_equal(seen, 0x1e); /* 1, 2, 3 and 4 */
	assert_int_equal(o.ends, 1);
	assert_int_equal(o.stalls, 2 * sample_facts[SAMPLES - 1].end.stalls);
	assert_int_equal(o.end_ns, sample_facts[SAMPLES - 1].at_ns + 500 * MS);
	assert_int_equal(o.last[o.n - 1].kind, FACT_END);
	recording_close(r);
}

static void a_merge_survives_one_bad_file(void **state)
{
	(void)state;
	const char *paths[] = {path_of("good.jsonl.zst"), path_of("bad.jsonl")};
	struct order o = {.sink = {order_take}};
	struct diag d = {0};
	record_later(paths[0], 0, "db-7", true);
	write_file(paths[1], HEADER_LINE TICK_LINE "damage\n", strlen(HEADER_LINE TICK_LINE "damage\n"));
	struct recording *r = recording_open(paths, 2, &d);
	assert_non_null(r);
	assert_true(recording_read(r, &o.sink, &d) < 0);
	assert_non_null(strstr(d.text, "bad.jsonl, line 3"));
	assert_true(recording_is_cut_short(r));
	assert_int_equal(o.n_stalls, 2);
	assert_int_equal(o.ends, 0);
	recording_close(r);
}

static int refuse(struct sink *self, const struct fact *f)
{
	(void)self;
	return f->kind == FACT_LOOP ? -EPIPE : 0;
}

static void a_sink_that_refuses_ends_the_reading(void **state)
{
	(void)state;
	const char *path = path_of("a.jsonl.zst");
	struct sink sink = {refuse};
	struct diag d = {0};
	record_samples(path);
	struct recording *r = recording_open(&path, 1, &d);
	assert_int_equal(recording_read(r, &sink, &d), -EPIPE);
	recording_close(r);
}

static int make_directory(void **state)
{
	(void)state;
	sample_facts_fill();
	return !mkdtemp(directory);
}

static int remove_directory(void **state)
{
	(void)state;
	char command[PATH_MAX];
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(lines_without_compression_are_read),
		cmocka_unit_test(cut_anywhere_it_gives_a_prefix),
		cmocka_unit_test(any_byte_changed_gives_a_prefix),
		cmocka_unit_test(foreign_files_are_named),
		cmocka_unit_test(damage_is_named_by_its_line),
		cmocka_unit_test(a_line_without_end_is_not_waited_for),
		cmocka_unit_test(a_large_window_is_refused),
		cmocka_unit_test(the_file_is_private_and_the_old_one_kept),
		cmocka_unit_test(only_regular_files_are_replaced),
		cmocka_unit_test(the_file_belongs_to_the_user_behind_sudo),
		cmocka_unit_test(a_full_disk_leaves_whole_frames),
		cmocka_unit_test(a_second_is_flushed),
		cmocka_unit_test(hosts_are_named_once_each),
		cmocka_unit_test(two_files_become_one),
		cmocka_unit_test(a_merge_survives_one_bad_file),
		cmocka_unit_test(a_sink_that_refuses_ends_the_reading),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
