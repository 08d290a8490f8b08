/* SPDX-License-Identifier: Apache-2.0 */
/* What other programs are given: read here by zlib, jansson and a reader of the wire format that shares nothing with the writer. */
#include "story_tally.h"

#include "base/cursor.h"
#include "model/places.h"
#include "report/report.h"
#include "report/trace.h"

#include <jansson.h>
#include <zlib.h>

#define MOST 256

struct desk {
	struct bench bench; /* first member: bench_tear_down() frees it */
	struct places *places;
	struct trace *trace;
	struct bytes out;
};

static int append(void *context, const char *text, size_t bytes)
{
	bytes_put(context, text, bytes);
	return 0;
}

static int set_up(void **state)
{
	struct desk *k = calloc(1, sizeof *k);
	assert_non_null(k);
	struct story *t = k->bench.t = story_new();
	const struct trace_options how = {.dictionary = t->dictionary, .flush = append, .context = &k->out};
	k->places = places_new(t->dictionary, 0);
	k->trace = trace_new(&how);
	assert_non_null(k->places);
	assert_non_null(k->trace);
	t->sinks[t->n_sinks++] = places_sink(k->places);
	t->sinks[t->n_sinks++] = trace_sink(k->trace);
	k->bench.tally = story_tally(t, 50 * MS);
	*state = k;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *k = *state;
	places_free(k->places);
	trace_free(k->trace);
	bytes_free(&k->out);
	return bench_tear_down(state);
}

/* A stall of 120 ms that computes and one of 300 ms that sleeps, of which 20 ms were a delay. */
static void tell(struct desk *k)
{
	struct story *t = k->bench.t;
	uint32_t loop = story_of_one_stall(t);
	uint32_t stack = story_stack(t, story_library(t, "clock_nanosleep", "libc.so.6"),
				     story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
									     .function = "Shop.rest<T; 4>",
									     .file = "app/shop.py",
									     .line = 41,
									     .application = true}),
				     0);
	t->at_ns = 7 * S;
	struct fact_stall s = story_stall_of(
		t, loop, 8, (struct ledger){.cpu_ns = 10 * MS, .blocked_ns = 270 * MS}, 20 * MS);
	s.n_blocks = 1;
	s.blocks[0] =
		(struct block){"clock_nanosleep",	"",   TARGET_SLEEP, 270 * MS, 1, 270 * MS, 270 * MS,
			       {.comm = "", .why = ""}, stack};
	s.cause = "sleep";
	s.remedy = "do not";
	verdict_decide(&s, 10 * MS);
	culprit_choose(&s, t->dictionary);
	story_stall(t, &s);
	story_loss(t, "ring_full", "records dropped", 3);
	story_second(t);
	story_end(t, "ctrl-c");
	assert_int_equal(trace_end(k->trace), 0);
	k->bench.s = summary_new(k->bench.tally);
	assert_non_null(k->bench.s);
	assert_int_equal(places_close(k->places, k->bench.s), 0);
}

static struct bytes written_as(struct desk *k, const char *format)
{
	const struct report_style style = {.width = 80};
	struct bytes out = {0};
	assert_int_equal(report_format_find(format)->write(k->bench.s, &style, &out), 0);
	return out;
}

static void test_folded(void **state)
{
	struct desk *k = *state;
	tell(k);
	struct bytes out = written_as(k, "folded");
	assert_string_equal(bytes_text(&out), "app;Shop.rest<T: 4> (app/shop.py:41);clock_nanosleep;"
					      "[blocked: clock_nanosleep() of 270 ms] 270000\n"
					      "app;main;parse_everything 120000\n"
					      "app;[waiting for a CPU] 20000\n"
					      "app;[on CPU, no stack] 10000\n");
	bytes_free(&out);
}

/* Places that a line does not tell apart are one line. */
static void test_folded_lines_are_different(void **state)
{
	struct desk *k = *state;
	uint32_t loop = story_loop(k->bench.t, "app", 10, "");
	for (unsigned i = 0; i < 2; i++) {
		struct fact_stall s =
			story_stall_of(k->bench.t, loop, i, (struct ledger){.runnable_ns = 60 * MS}, 0);
		s.verdict = i ? VERDICT_STARVED : VERDICT_NONE;
		story_stall(k->bench.t, &s);
	}
	k->bench.s = summary_new(k->bench.tally);
	assert_int_equal(places_close(k->places, k->bench.s), 0);
	assert_int_equal(places_count(k->places), 2);
	struct bytes out = written_as(k, "folded");
	assert_string_equal(bytes_text(&out), "app;[waiting for a CPU] 120000\n");
	bytes_free(&out);
}

/* --- pprof ----------------------------------------------------------------------------------------- */

static struct bytes unzipped(const struct bytes *packed)
{
	struct bytes plain = {0};
	unsigned char piece[4096];
	z_stream z = {.next_in = (unsigned char *)packed->data, .avail_in = (unsigned)packed->len};
	int state;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	do {
		z.next_out = piece;
		z.avail_out = sizeof piece;
		state = inflate(&z, Z_NO_FLUSH);
		bytes_put(&plain, piece, sizeof piece - z.avail_out);
	} while (state == Z_OK);
	assert_int_equal(state, Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return plain;
}

static uint64_t varint(struct cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	assert_false(c->failed);
	return value;
}

/* A field of a message: its number, and the number or the bytes that it is. */
struct wire {
	unsigned field;
	uint64_t value;
	struct cursor part;
};

static bool next_field(struct cursor *message, struct wire *w)
{
	if (!cursor_left(message))
		return false;
	uint64_t tag = varint(message), len = varint(message);
	*w = (struct wire){.field = (unsigned)(tag >> 3), .value = len};
	if ((tag & 7) == 0)
		return true;
	assert_int_equal(tag & 7, 2);
	const void *data = cursor_take(message, len);
	assert_non_null(data);
	w->part = cursor_over(data, len);
	return true;
}

struct read_profile {
	char strings[MOST][128];
	size_t n_strings;
	uint64_t function_name[MOST], location_function[MOST], location_line[MOST]; /* by id */
	struct cursor samples[MOST];
	size_t n_samples;
	uint64_t types[8], n_types, comments[8], n_comments, default_type;
};

/* id is field 1 of both. */
static void read_function(struct read_profile *p, struct cursor message)
{
	struct wire w;
	uint64_t id = 0;
	while (next_field(&message, &w)) {
		if (w.field == 1)
			id = w.value;
		else if (w.field == 2)
			p->function_name[id % MOST] = w.value;
	}
}

static void read_location(struct read_profile *p, struct cursor message)
{
	struct wire w, line;
	uint64_t id = 0;
	while (next_field(&message, &w)) {
		if (w.field == 1)
			id = w.value;
		while (w.field == 4 && next_field(&w.part, &line))
			*(line.field == 1 ? &p->location_function[id % MOST] : &p->location_line[id % MOST]) =
				line.value;
	}
}

static void read_string(struct read_profile *p, struct cursor text)
{
	size_t len = cursor_left(&text);
	assert_true(p->n_strings < MOST && len < sizeof p->strings[0]);
	if (len)
		memcpy(p->strings[p->n_strings], cursor_take(&text, len), len);
	p->n_strings++;
}

static void read_profile(struct read_profile *p, const struct bytes *plain)
{
	struct cursor all = cursor_over(plain->data, plain->len);
	struct wire w, type;
	while (next_field(&all, &w)) {
		switch (w.field) {
		case 1:
			assert_true(next_field(&w.part, &type) && type.field == 1);
			p->types[p->n_types++] = type.value;
			break;
		case 2: p->samples[p->n_samples++] = w.part; break;
		case 4: read_location(p, w.part); break;
		case 5: read_function(p, w.part); break;
		case 6: read_string(p, w.part); break;
		case 13: p->comments[p->n_comments++] = w.value; break;
		case 14: p->default_type = w.value; break;
		default: break;
		}
	}
}

struct read_sample {
	char stack[512]; /* "innermost:line<outer:0<" */
	uint64_t values[4];
	char labels[512]; /* "key=text " */
};

static void read_label(const struct read_profile *p, struct cursor label, struct bytes *labels)
{
	struct wire w;
	while (next_field(&label, &w)) {
		if (w.field == 1)
			bytes_printf(labels, "%s=", p->strings[w.value]);
		else if (w.field == 2)
			bytes_printf(labels, "%s ", p->strings[w.value]);
		else
			bytes_printf(labels, "%u ", (unsigned)w.value);
	}
}

static void read_stack(const struct read_profile *p, struct cursor packed, struct bytes *stack)
{
	while (cursor_left(&packed)) {
		uint64_t location = varint(&packed);
		assert_true(location && location < MOST && p->location_function[location]);
		bytes_printf(stack, "%s:%u<", p->strings[p->function_name[p->location_function[location]]],
			     (unsigned)p->location_line[location]);
	}
}

static struct read_sample read_sample(const struct read_profile *p, struct cursor sample)
{
	struct read_sample s = {0};
	struct bytes stack = {0}, labels = {0};
	struct wire w;
	while (next_field(&sample, &w)) {
		if (w.field == 1)
			read_stack(p, w.part, &stack);
		else if (w.field == 2)
			for (size_t i = 0; i < 4; i++)
				s.values[i] = varint(&w.part);
		else
			read_label(p, w.part, &labels);
	}
	strncpy(s.stack, bytes_text(&stack), sizeof s.stack - 1);
	strncpy(s.labels, bytes_text(&labels), sizeof s.labels - 1);
	bytes_free(&stack);
	bytes_free(&labels);
	return s;
}

static void test_pprof(void **state)
{
	struct desk *k = *state;
	static struct read_profile p;
	static const struct read_sample wanted[] = {
		{"[blocked: clock_nanosleep() of 270 ms]:0<clock_nanosleep:0<Shop.rest<T; 4>:41<",
		 {1, 270 * MS, 0, 270 * MS},
		 "process=app pid=10 verdict=BLOCKED cause=sleep call=clock_nanosleep "},
		{"parse_everything:0<main:0<", {1, 120 * MS, 120 * MS, 0}, "process=app pid=10 verdict=CPU "},
		{"[waiting for a CPU]:0<",
		 {0, 20 * MS, 0, 20 * MS},
		 "process=app pid=10 verdict=BLOCKED cause=sleep "},
		{"[on CPU, no stack]:0<",
		 {0, 10 * MS, 10 * MS, 0},
		 "process=app pid=10 verdict=BLOCKED cause=sleep "}};
	p = (struct read_profile){.n_strings = 0};
	tell(k);
	struct bytes out = written_as(k, "pprof"), plain = unzipped(&out);
	read_profile(&p, &plain);
	assert_string_equal(p.strings[0], "");
	static const char *const types[] = {"stalls", "stall", "oncpu", "offcpu"};
	assert_int_equal(p.n_types, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(p.strings[p.types[i]], types[i]);
	assert_string_equal(p.strings[p.default_type], "stall");
	assert_int_equal(p.n_samples, sizeof wanted / sizeof *wanted);
	for (size_t i = 0; i < p.n_samples; i++) {
		struct read_sample s = read_sample(&p, p.samples[i]);
		assert_string_equal(s.stack, wanted[i].stack);
		assert_string_equal(s.labels, wanted[i].labels);
		assert_memory_equal(s.values, wanted[i].values, sizeof s.values);
	}
	assert_int_equal(p.n_comments, 2);
	assert_string_equal(p.strings[p.comments[1]], "lost: 3 records dropped");
	bytes_free(&out);
	bytes_free(&plain);
}

/* --- trace ----------------------------------------------------------------------------------------- */

static json_t *find_event(json_t *events, const char *phase, const char *name)
{
	size_t i;
	json_t *e;
	json_array_foreach(events, i, e)
	{
		if (!strcmp(json_string_value(json_object_get(e, "ph")), phase) &&
		    !strncmp(json_string_value(json_object_get(e, "name")), name, strlen(name)))
			return e;
	}
	fail_msg("no event %s %s", phase, name);
	return NULL;
}

static void assert_lies(const json_t *e, double begin_us, double us)
{
	assert_true(json_number_value(json_object_get(e, "ts")) == begin_us);
	assert_true(json_number_value(json_object_get(e, "dur")) == us);
}

static const char *text_of(const json_t *e, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(e, "args"), key));
	return text ? text : "";
}

static json_t *events_of(struct desk *k, json_t **document)
{
	json_error_t error;
	*document = json_loadb(k->out.data, k->out.len, 0, &error);
	if (!*document)
		fail_msg("%s in %s", error.text, bytes_text(&k->out));
	return json_object_get(*document, "traceEvents");
}

static void test_trace(void **state)
{
	struct desk *k = *state;
	json_t *document;
	tell(k);
	json_t *events = events_of(k, &document);
	assert_string_equal(text_of(find_event(events, "M", "process_name"), "name"), "app");
	json_t *slept = find_event(events, "X", "BLOCKED Shop.rest");
	assert_lies(slept, 6700000, 300000);
	assert_string_equal(text_of(slept, "remedy"), "do not");
	assert_string_equal(text_of(slept, "verdict"), "BLOCKED");
	assert_int_equal(json_array_size(json_object_get(json_object_get(slept, "args"), "stack")), 2);
	assert_lies(find_event(events, "X", "due, and"), 6700000, 20000);
	assert_lies(find_event(events, "X", "in the gap"), 6720000, 280000);
	find_event(events, "X", "CPU parse_everything");
	find_event(events, "C", "busy % of epoll:1");
	find_event(events, "i", "lost: 3");
	json_decref(document);
}

static size_t count_slices(json_t *events, const char *kind)
{
	size_t i, n = 0;
	json_t *e;
	json_array_foreach(events, i, e)
	{
		const char *of = json_string_value(json_object_get(e, "cat"));
		n += of && !strcmp(of, kind);
	}
	return n;
}

/* What is told again and again is one slice, of its last length; what began before the capture begins with it. */
static void test_trace_of_what_is_open(void **state)
{
	struct desk *k = *state;
	struct story *t = k->bench.t;
	json_t *document;
	uint32_t loop = story_loop(t, "app", 10, "");
	for (uint64_t i = 1; i < 4; i++) {
		t->at_ns = i * S;
		struct fact_stall s = story_stall_of(t, loop, 1, (struct ledger){.cpu_ns = 0}, 0);
		s.state = STALL_STUCK;
		s.start_ns = 0;
		s.lag_ns = s.gap_ns = 40 * S + i * S;
		story_stall(t, &s);
		struct fact_stall w =
			story_stall_of(t, loop, 0, (struct ledger){.blocked_ns = i * S - S / 2}, 0);
		w.tid = 12;
		w.state = STALL_OPEN;
		story_tell(t, (struct fact){.kind = FACT_WORKER, .stall = &w});
		struct fact_saturated busy = {.loop = loop, .since_ns = S / 2, .busy_ns = S / 4};
		story_tell(t, (struct fact){.kind = FACT_SATURATED, .saturated = &busy});
	}
	assert_int_equal(trace_end(k->trace), 0);
	json_t *events = events_of(k, &document);
	assert_int_equal(count_slices(events, "stall"), 1);
	assert_lies(find_event(events, "X", "stalled"), 0, 3000000);
	assert_int_equal(count_slices(events, "worker"), 1);
	assert_lies(find_event(events, "X", "worker"), 500000, 2500000);
	assert_int_equal(count_slices(events, "saturated"), 2);
	assert_true(json_number_value(json_object_get(find_event(events, "e", "saturated"), "ts")) ==
		    3000000);
	json_decref(document);
}

/* A worker that is blocked, serves, and is blocked again. */
static void test_trace_tells_two_blocks_apart(void **state)
{
	struct desk *k = *state;
	struct story *t = k->bench.t;
	json_t *document;
	uint32_t loop = story_loop(t, "app", 10, "");
	for (uint64_t i = 1; i < 3; i++) {
		t->at_ns = i * S;
		struct fact_stall w = story_stall_of(t, loop, 0, (struct ledger){.blocked_ns = 200 * MS}, 0);
		w.tid = 12;
		w.state = STALL_OPEN;
		story_tell(t, (struct fact){.kind = FACT_WORKER, .stall = &w});
	}
	assert_int_equal(trace_end(k->trace), 0);
	assert_int_equal(count_slices(events_of(k, &document), "worker"), 2);
	json_decref(document);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_folded),
		TEST(test_folded_lines_are_different),
		TEST(test_pprof),
		TEST(test_trace),
		TEST(test_trace_of_what_is_open),
		TEST(test_trace_tells_two_blocks_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
