/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording with any of its bytes wrong or cut off anywhere, all the way to the printed report. What test_record holds of compressed files
 * (the checksum sees every bit) is not so for plain lines: what they say may change, but nothing crashes, and what is refused is explained.
 */
#include "cli/fanout.h"
#include "model/fact_json.h"
#include "model/places.h"
#include "model/tally.h"
#include "record/reader.h"
#include "report/report.h"
#include "report/trace.h"
#include "tests/unit/sample_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static void put_samples(struct bytes *lines)
{
	struct fact_json style = {0};
	for (size_t i = 0; i < SAMPLES; i++)
		fact_json_line(&style, &sample_facts[i], lines);
}

static int drop(void *context, const char *text, size_t bytes)
{
	(void)context, (void)text, (void)bytes;
	return 0;
}

static void write_all(const struct tally *tally, struct places *places)
{
	const struct report_style style = {.width = 80};
	struct summary *summary = summary_new(tally);
	assert_non_null(summary);
	assert_int_equal(places_close(places, summary), 0);
	for (const struct report_format *f = report_formats; f->name; f++) {
		struct bytes out = {0};
		if (f->write) /* the trace is no summary */
			assert_int_equal(f->write(summary, &style, &out), 0);
		bytes_free(&out);
	}
	summary_free(summary);
}

/* As `report` and `export` do it, in every format. The error of reading, 0 if it was read. */
static int report(const char *path, struct diag *d)
{
	struct fanout facts = {0};
	struct recording *r = recording_open(&path, 1, d);
	if (!r)
		return -1;
	assert_int_equal(fanout_init(&facts), 0);
	struct tally *tally = tally_new(facts.dictionary, 0);
	struct places *places = places_new(facts.dictionary, 0);
	struct trace *trace =
		trace_new(&(struct trace_options){.dictionary = facts.dictionary, .flush = drop});
	fanout_add(&facts, tally_sink(tally));
	fanout_add(&facts, places_sink(places));
	fanout_add(&facts, trace_sink(trace));
	int err = recording_read(r, &facts.sink, d);
	assert_int_equal(facts.error, 0);
	write_all(tally, places);
	assert_int_equal(trace_end(trace), 0);
	trace_free(trace);
	places_free(places);
	tally_free(tally);
	fanout_free(&facts);
	recording_close(r);
	return err;
}

/* Whether what there is of the bytes could be read; if not, a text says so. */
static bool can_be_reported(const char *data, size_t len)
{
	char path[32];
	struct diag d = {0};
	int fd = memfd_create("recording", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int err = report(path, &d);
	close(fd);
	assert_true(!err || strstr(d.text, path));
	return !err;
}

static void any_byte_changed(void **state)
{
	(void)state;
	static const unsigned char changes[] = {0xff, 0x01};
	struct bytes lines = {0};
	size_t refused = 0;
	put_samples(&lines);
	assert_true(can_be_reported(lines.data, lines.len));
	for (size_t at = 0; at < lines.len; at++)
		for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
			lines.data[at] ^= (char)changes[i];
			refused += !can_be_reported(lines.data, lines.len);
			lines.data[at] ^= (char)changes[i];
		}
	assert_true(refused > lines.len); /* a byte above 0x7f is not even UTF-8 */
	bytes_free(&lines);
}

static void cut_off_anywhere(void **state)
{
	(void)state;
	struct bytes lines = {0};
	put_samples(&lines);
	for (size_t len = 0; len < lines.len; len++)
		can_be_reported(lines.data, len);
	bytes_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_byte_changed),
		cmocka_unit_test(cut_off_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
