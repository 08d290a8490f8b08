/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as lines, read by another parser, and back as facts. Needs no file. */
#include "model/fact_json.h"

#include "record/decode.h"
#include "tests/unit/sample_facts.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void times_are_calendar_times(void **state)
{
	(void)state;
	static const struct {
		uint64_t wall_us;
		const char *text;
	} cases[] = {{0, "1970-01-01T00:00:00.000000Z"},
		     {951782399999999, "2000-02-28T23:59:59.999999Z"},
		     {951782400000000, "2000-02-29T00:00:00.000000Z"},
		     {951868800000000, "2000-03-01T00:00:00.000000Z"},
		     {4107542400000000, "2100-03-01T00:00:00.000000Z"}, /* 2100 has no 29 February */
		     {1795183402118493, "2026-11-20T14:03:22.118493Z"},
		     {1767225599000001, "2025-12-31T23:59:59.000001Z"}};
	char text[FACT_TIME_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(fact_time_text(cases[i].wall_us, text), cases[i].text);
	assert_true(strlen(fact_time_text(UINT64_MAX, text)) < FACT_TIME_BYTES);
}

/* The line of a fact of the samples, with all that came before it said. */
static json_t *line_of(enum fact_style style, size_t index, struct dictionary *dictionary)
{
	struct fact_json how = {.style = style, .dictionary = dictionary};
	struct bytes out = {0};
	fact_json_line(&how, &sample_facts[0], &out);
	for (size_t i = 0; i < index; i++)
		assert_int_equal(dictionary_take(dictionary, &sample_facts[i]), 0);
	bytes_clear(&out);
	fact_json_line(&how, &sample_facts[index], &out);
	json_t *line = NULL;
	if (out.len) {
		assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
		line = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(line);
	}
	bytes_free(&out);
	return line;
}

static size_t index_of(enum fact_kind kind)
{
	size_t i = 0;
	while (sample_facts[i].kind != kind)
		i++;
	return i;
}

/* Follows keys and, where a step is a digit, array places: "blocks.0.waker.stack". */
static const json_t *at(const json_t *value, const char *path)
{
	char step[64];
	for (int n; value && sscanf(path, "%63[^.]%n", step, &n) == 1; path += n + (path[n] == '.'))
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(step))
					     : json_object_get(value, step);
	return value;
}

static void assert_text_at(const json_t *line, const char *path, const char *want)
{
	const char *text = json_string_value(at(line, path));
	assert_non_null(text);
	assert_string_equal(text, want);
}

static void assert_number_at(const json_t *line, const char *path, long long want)
{
	assert_true(json_is_integer(at(line, path)));
	assert_int_equal(json_integer_value(at(line, path)), want);
}

static void a_stream_stall_stands_alone(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	json_t *line = line_of(FACT_STREAM, index_of(FACT_STALL), d);
	assert_text_at(line, "type", "stall");
	assert_text_at(line, "time", "2026-11-20T20:42:19.900123Z");
	assert_text_at(line, "start", "2026-11-20T20:42:19.200123Z");
	assert_text_at(line, "loop", "epoll:1");
	assert_text_at(line, "runtime", "cpython 3.11");
	assert_text_at(line, "verdict", "BLOCKED");
	assert_text_at(line, "harm", "late");
	assert_number_at(line, "lag_us", 643132);
	assert_number_at(line, "ready_fds", 14);
	assert_number_at(line, "late_us", 5000);
	assert_number_at(line, "ledger.blocked_us", 640200);
	assert_number_at(line, "blocks.0.us", 640200);
	assert_number_at(line, "blocks.1.count", 300);
	assert_null(at(line, "blocks.1.waker"));
	assert_text_at(line, "blocks.0.waker.comm", "nvidia-smi");
	assert_text_at(line, "blocks.0.waker.stack.1.file", "app/gpu.py");
	assert_text_at(line, "blocks.0.stack_state", "truncated");
	assert_text_at(line, "blocks.0.stack.0.function", "do_poll");
	assert_text_at(line, "blocks.0.stack.1.offset", "0xfffffffffffffff0");
	assert_text_at(line, "samples.0.stack.0.function", "a<b>(\"c\\\")");
	assert_null(at(line, "samples.1.stack"));
	assert_text_at(line, "task", "gpu-tick");
	assert_text_at(line, "coroutine", "tick");
	assert_text_at(line, "awaited_by.0.task", "sensors");
	assert_text_at(line, "awaited_by.1.coroutine", "Service.run");
	assert_number_at(line, "awaited_by.1.others", 2);
	assert_null(at(line, "awaited_by.1.task"));
	assert_true(json_is_true(at(line, "awaited_by_cut")));
	assert_text_at(line, "culprit.function", "poll_vram");
	assert_number_at(line, "culprit.line", 41);
	assert_true(json_is_false(at(line, "open")));
	assert_float_equal(json_real_value(at(line, "covered")), 0.996, 1e-9);
	assert_null(at(line, "ns"));
	assert_null(at(line, "at_ns"));
	json_decref(line);
	dictionary_free(d);
}

static void a_recorded_stall_refers_by_number(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	json_t *line = line_of(FACT_RECORDING, index_of(FACT_STALL), d);
	assert_number_at(line, "at_ns", 1900000003);
	assert_number_at(line, "start_ns", 1200000007);
	assert_number_at(line, "lag_us", 643132);
	assert_number_at(line, "ns.lag_us", 482);
	assert_number_at(line, "blocks.0.stack", 1);
	assert_number_at(line, "samples.0.stack", 2);
	assert_number_at(line, "culprit.frame", 3);
	json_decref(line);
	dictionary_free(d);
}

static void a_stream_leaves_out_what_only_defines(void **state)
{
	(void)state;
	static const struct {
		enum fact_kind kind;
		bool said;
	} cases[] = {{FACT_HEADER, true}, {FACT_CLOCK, false},	  {FACT_LOOP, true},   {FACT_FRAME, false},
		     {FACT_STACK, false}, {FACT_SATURATED, true}, {FACT_COUNTS, true}, {FACT_LOSS, true},
		     {FACT_TICK, false},  {FACT_END, true}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dictionary *d = dictionary_new();
		json_t *line = line_of(FACT_STREAM, index_of(cases[i].kind), d);
		assert_int_equal(line != NULL, cases[i].said);
		if (line)
			assert_text_at(line, "type", fact_kind_word(cases[i].kind));
		json_decref(line);
		dictionary_free(d);
	}
}

static void the_header_names_the_format(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	json_t *line = line_of(FACT_STREAM, 0, d);
	assert_text_at(line, "format", "loopstall");
	assert_number_at(line, "format_version", FACT_FORMAT_VERSION);
	assert_number_at(line, "wall_us", 1795207338000123);
	json_decref(line);
	dictionary_free(d);
}

static void the_end_carries_the_losses(void **state)
{
	(void)state;
	const struct loss_total losses[] = {{"ring_full", 7}, {"odd\"name\n", 1}};
	struct fact_json how = {.style = FACT_RECORDING, .losses = losses, .n_losses = 2};
	struct bytes out = {0};
	fact_json_line(&how, &sample_facts[SAMPLES - 1], &out);
	json_t *line = json_loadb(out.data, out.len, 0, NULL);
	assert_number_at(line, "losses.0.count", 7);
	assert_text_at(line, "losses.1.reason", "odd\"name\n");
	json_decref(line);
	bytes_free(&out);
}

/* --- back again ---------------------------------------------------------------------------------------------------- */

static void assert_comes_back(struct decoder *decoder, const struct fact *f)
{
	struct fact_json how = {.style = FACT_RECORDING};
	struct bytes line = {0}, want = {0}, got = {0};
	struct diag diag = {0};
	struct fact *back;
	fact_json_line(&how, f, &line);
	int result = decoder_line(decoder, line.data, line.len - 1, &back, &diag);
	assert_string_equal(diag.text, "");
	assert_int_equal(result, 1);
	fact_image(&want, f);
	fact_image(&got, back);
	assert_int_equal(want.len, got.len);
	assert_memory_equal(want.data, got.data, want.len);
	bytes_free(&line);
	bytes_free(&want);
	bytes_free(&got);
}

static void every_fact_comes_back_equal(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	struct decoder *decoder = decoder_new(d);
	for (size_t i = 0; i < SAMPLES; i++) {
		assert_comes_back(decoder, &sample_facts[i]);
		assert_int_equal(dictionary_take(d, &sample_facts[i]), 0);
	}
	decoder_free(decoder);
	dictionary_free(d);
}

static uint64_t any_number(void)
{
	uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
	return (bits & INT64_MAX) >> rand() % 63;
}

/* Any nanoseconds, to the last one, and any words. */
static void random_stalls_come_back_equal(void **state)
{
	(void)state;
	struct dictionary *d = dictionary_new();
	struct decoder *decoder = decoder_new(d);
	static struct fact_stall stall;
	for (size_t i = 0; i < index_of(FACT_STALL); i++)
		assert_int_equal(dictionary_take(d, &sample_facts[i]), 0);
	srand(3);
	for (int round = 0; round < 300; round++) {
		memset(&stall, 0, sizeof stall);
		stall.loop = 1 + (unsigned)rand() % 2;
		stall.comm = "c";
		stall.state = (enum stall_state)(rand() % STALL_STATES);
		stall.harm = (enum harm)(rand() % HARMS);
		stall.verdict = (enum verdict)(rand() % VERDICTS);
		uint64_t *times[] = {&stall.start_ns, &stall.gap_seq, &stall.lag_ns,	&stall.gap_ns,
				     &stall.delay_ns, &stall.late_ns, &stall.covered_ns};
		for (size_t i = 0; i < ARRAY_LEN(times); i++)
			*times[i] = any_number();
		for (size_t i = 0; i < sizeof stall.ledger / sizeof(uint64_t); i++)
			((uint64_t *)&stall.ledger)[i] = any_number();
		stall.n_blocks = (unsigned)rand() % (FACT_MAX_BLOCKS + 1);
		stall.n_samples = (unsigned)rand() % (FACT_MAX_SAMPLES + 1);
		for (uint32_t i = 0; i < FACT_MAX_BLOCKS; i++) {
			stall.blocks[i] =
				(struct block){.call = "", .target = "", .waker = {.comm = "", .why = ""}};
			if (i >= stall.n_blocks)
				memset(&stall.blocks[i], 0, sizeof stall.blocks[i]);
			else
				stall.blocks[i].sum_ns = any_number();
		}
		for (uint32_t i = 0; i < stall.n_samples; i++)
			stall.samples[i] =
				(struct sample){any_number(), (unsigned)rand() % 3, (uint32_t)rand()};
		assert_comes_back(decoder, &(struct fact){FACT_STALL, any_number(), .stall = &stall});
	}
	decoder_free(decoder);
	dictionary_free(d);
}

/* --- lines that are not ours --------------------------------------------------------------------------------------- */

static void bad_lines_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"{", "JSON"},
		{"[]", "object"},
		{"{}", "type"},
		{"{\"type\":3}", "type"},
		{"{\"type\":\"tick\"}", "at_ns"},
		{"{\"type\":\"tick\",\"at_ns\":-1}", "at_ns"},
		{"{\"type\":\"tick\",\"at_ns\":1.5}", "at_ns"},
		{"{\"type\":\"tick\",\"at_ns\":99999999999999999999}", "JSON"},
		{"{\"type\":\"header\",\"at_ns\":0}", "format"},
		{"{\"type\":\"header\",\"at_ns\":0,\"format\":\"loopstall\",\"format_version\":999}",
		 "newer"},
		{"{\"type\":\"header\",\"at_ns\":0,\"format\":\"loopstall\",\"format_version\":1,\"host\":7}",
		 "host"},
		{"{\"type\":\"loop\",\"at_ns\":0,\"loop\":3}", "loop"},
		{"{\"type\":\"loop\",\"at_ns\":0,\"loop\":\"epoll:1x\"}", "loop"},
		{"{\"type\":\"loop\",\"at_ns\":0,\"loop\":\"epoll:1\",\"pid\":4294967296}", "pid"},
		{"{\"type\":\"loop\",\"at_ns\":0,\"loop\":\"epoll:1\",\"class\":\"odd\"}", "class"},
		{"{\"type\":\"loop\",\"at_ns\":0,\"loop\":\"epoll:1\",\"gone\":1}", "gone"},
		{"{\"type\":\"frame\",\"at_ns\":0,\"frame\":1,\"offset\":\"12\"}", "offset"},
		{"{\"type\":\"frame\",\"at_ns\":0,\"frame\":1,\"offset\":\"0x11112222333344445\"}", "offset"},
		{"{\"type\":\"stack\",\"at_ns\":0,\"stack\":1,\"frames\":[5]}", "frames"},
		{"{\"type\":\"stall\",\"at_ns\":0}", "loop"},
		{"{\"type\":\"stall\",\"at_ns\":0,\"loop\":\"epoll:9\"}", "loop"},
		{"{\"type\":\"stall\",\"at_ns\":0,\"loop\":\"epoll:1\",\"lag_us\":18446744073709552}",
		 "lag_us"},
		{"{\"type\":\"stall\",\"at_ns\":0,\"loop\":\"epoll:1\",\"lag_us\":1,\"ns\":{\"lag_us\":1000}"
		 "}",
		 "lag_us"},
		{"{\"type\":\"stall\",\"at_ns\":0,\"loop\":\"epoll:1\",\"samples\":[{\"stack\":9}]}",
		 "stack"},
		{"{\"type\":\"stall\",\"at_ns\":0,\"loop\":\"epoll:1\",\"blocks\":[1,2,3,4,5,6,7,8,9]}",
		 "blocks"},
		{"{\"type\":\"counts\",\"at_ns\":0,\"loop\":\"epoll:1\",\"lag\":{\"buckets\":[[218,1,1]]}}",
		 "bucket"},
		{"{\"type\":\"counts\",\"at_ns\":0,\"loop\":\"epoll:1\",\"lag\":{\"buckets\":[[1,1,1],[1,1,1]"
		 "]}}",
		 "buckets"},
		{"{\"type\":\"counts\",\"at_ns\":0,\"loop\":\"epoll:1\",\"lag\":{\"min_ns\":2,\"max_ns\":1}}",
		 "min_ns"},
	};
	struct dictionary *d = dictionary_new();
	assert_int_equal(dictionary_take(d, &sample_facts[index_of(FACT_LOOP)]), 0);
	struct decoder *decoder = decoder_new(d);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact *f;
		struct diag diag = {0};
		assert_true(decoder_line(decoder, cases[i].line, strlen(cases[i].line), &f, &diag) < 0);
		assert_non_null(strstr(diag.text, cases[i].said));
	}
	decoder_free(decoder);
	dictionary_free(d);
}

static void unknown_types_and_keys_are_passed_over(void **state)
{
	(void)state;
	static const char
		later[] = "{\"type\":\"weather\",\"at_ns\":\"soon\"}",
		more[] = "{\"type\":\"end\",\"at_ns\":1,\"stalls\":2,\"mood\":[{}],\"iterations\":3}";
	struct dictionary *d = dictionary_new();
	struct decoder *decoder = decoder_new(d);
	struct fact *f;
	assert_int_equal(decoder_line(decoder, later, sizeof later - 1, &f, NULL), 0);
	assert_int_equal(decoder_line(decoder, more, sizeof more - 1, &f, NULL), 1);
	assert_int_equal(f->end.stalls, 2);
	assert_string_equal(f->end.reason, "");
	decoder_free(decoder);
	dictionary_free(d);
}

static void names_are_cleaned_again(void **state)
{
	(void)state;
	static const char line[] = "{\"type\":\"end\",\"at_ns\":1,\"reason\":\"\\u001b[2J\\u202e\"}",
			  broken[] = "{\"type\":\"end\",\x1b[2J}";
	struct dictionary *d = dictionary_new();
	struct decoder *decoder = decoder_new(d);
	struct diag diag = {0};
	struct fact *f;
	assert_int_equal(decoder_line(decoder, line, sizeof line - 1, &f, &diag), 1);
	assert_string_equal(f->end.reason, "\\x1b[2J\\u202e");
	assert_true(decoder_line(decoder, broken, sizeof broken - 1, &f, &diag) < 0);
	assert_null(strchr(diag.text, '\x1b'));
	decoder_free(decoder);
	dictionary_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_calendar_times),
		cmocka_unit_test(a_stream_stall_stands_alone),
		cmocka_unit_test(a_recorded_stall_refers_by_number),
		cmocka_unit_test(a_stream_leaves_out_what_only_defines),
		cmocka_unit_test(the_header_names_the_format),
		cmocka_unit_test(the_end_carries_the_losses),
		cmocka_unit_test(every_fact_comes_back_equal),
		cmocka_unit_test(random_stalls_come_back_equal),
		cmocka_unit_test(bad_lines_are_refused_by_name),
		cmocka_unit_test(unknown_types_and_keys_are_passed_over),
		cmocka_unit_test(names_are_cleaned_again),
	};
	sample_facts_fill();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
