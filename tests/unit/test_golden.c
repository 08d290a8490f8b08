/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes told as facts; what the live view and the summary make of them, byte by byte, against tests/golden/.
 * With LOOPSTALL_GOLDEN_UPDATE=1 the files are written instead: read the difference before committing it.
 */
#include "story.h"
#include "well_formed.h"

#include "base/bytes.h"
#include "model/cause.h"
#include "model/culprit.h"
#include "model/summary.h"
#include "model/tally.h"
#include "model/verdict.h"
#include "report/pen.h"
#include "report/live.h"
#include "report/report.h"

#include <stdio.h>

/* --- scenes -------------------------------------------------------------------------------------- */

static void judged(struct story *t, struct fact_stall *s)
{
	verdict_decide(s, 50 * MS);
	culprit_choose(s, t->dictionary);
	cause_decide(s, dictionary_loop(t->dictionary, s->loop), t->dictionary);
	for (uint32_t i = 0; i < s->n_blocks; i++)
		s->covered_ns += s->blocks[i].stack ? s->blocks[i].sum_ns : 0;
	for (uint32_t i = 0; i < s->n_samples; i++)
		s->covered_ns += s->samples[i].stack ? s->samples[i].ns : 0;
	story_stall(t, s);
}

/* A Python service that runs a program synchronously, and once in a while parses something big. */
static void scene_uvicorn(struct story *t)
{
	story_header(t, "uvicorn", 50 * MS);
	uint32_t loop = story_loop(t, "uvicorn", 4121, "cpython 3.11");
	uint32_t poll = story_library(t, "__poll", "libc.so.6"),
		 eval = story_library(t, "_PyEval_EvalFrameDefault", "python3.11");
	uint32_t run = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
							       .function = "run",
							       .file = "/usr/lib/python3.11/subprocess.py",
							       .line = 548});
	uint32_t vram = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
								.function = "poll_vram",
								.file = "app/gpu.py",
								.line = 41,
								.application = true});
	uint32_t tick = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
								.function = "tick",
								.file = "app/pulse.py",
								.line = 88,
								.application = true});
	uint32_t parse = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
								 .function = "load_catalogue",
								 .file = "app/catalogue.py",
								 .line = 212,
								 .application = true});
	uint32_t blocked = story_stack(t, poll, run, vram, tick, 0),
		 burning = story_stack(t, eval, parse, tick, 0);
	story_seconds(t, 12, loop, 800, 200000);
	for (uint64_t i = 0; i < 6; i++) {
		t->at_ns += 761 * MS;
		struct fact_stall s = story_stall_of(
			t, loop, 100 + i,
			(struct ledger){2100000, 640200000, 400000, .unaccounted_ns = 312000}, 120000);
		s.harm = HARM_QUEUED;
		s.ready_fds = 14 + (uint32_t)i;
		s.task = (struct fact_task){
			"gpu-tick", "tick", 2, {{"sensors", "watch", 0}, {"Task-1", "Service.run", 2}}};
		s.n_blocks = 1;
		s.blocks[0] = (struct block){"poll",
					     "2 pipes of pid 4180 nvidia-smi",
					     TARGET_PIPE,
					     .count = 1,
					     .sum_ns = 640200000,
					     .max_ns = 640200000,
					     .stack = blocked};
		judged(t, &s);
		story_seconds(t, 3, loop, 900, 300000);
	}
	t->at_ns += 300 * MS;
	struct fact_stall s = story_stall_of(t, loop, 200, (struct ledger){181000000, 0, 12000000}, 0);
	s.harm = HARM_LATE;
	s.late_ns = 188 * MS;
	s.n_samples = 1;
	s.samples[0] = (struct sample){175000000, burning, 35};
	judged(t, &s);
	story_second(t);
	story_end(t, "ctrl-c");
}

static void scene_quiet(struct story *t)
{
	story_header(t, "redis-server", 50 * MS);
	uint32_t loop = story_loop(t, "redis-server", 812, "");
	for (int i = 0; i < 11; i++) {
		story_iterations(t, loop, 1000, 28000);
		story_iterations(t, loop, 1, 2100000);
		story_second(t);
	}
	story_end(t, "duration");
}

/* A worker of a shared loop that reads while the others serve: told, and no stall. */
static void tell_worker(struct story *t, uint32_t loop)
{
	uint32_t stack = story_stack(t, story_library(t, "read", "libc.so.6"),
				     story_own(t, "app::load_report"), story_own(t, "main"), 0);
	struct fact_stall s = {.loop = loop,
			       .pid = 931,
			       .tid = 944,
			       .comm = "tokio-runtime-w",
			       .state = STALL_OPEN,
			       .task = {.name = "", .coroutine = ""},
			       .lag_ns = 210 * MS,
			       .gap_ns = 210 * MS,
			       .covered_ns = 210 * MS,
			       .ledger = {.blocked_ns = 210 * MS},
			       .n_blocks = 1};
	s.blocks[0] = (struct block){"read",   "/srv/data/report.csv",	TARGET_FILE, 0, 1, 210 * MS,
				     210 * MS, {.comm = "", .why = ""}, stack};
	verdict_decide(&s, 50 * MS);
	culprit_choose(&s, t->dictionary);
	cause_decide(&s, dictionary_loop(t->dictionary, loop), t->dictionary);
	story_tell(t, (struct fact){.kind = FACT_WORKER, .stall = &s});
}

/* Stuck before we came, growing; then another that is killed in its stall. The recording has no end. */
static void scene_stuck(struct story *t)
{
	story_header(t, "-p 930,931", 50 * MS);
	uint32_t stuck = story_loop(t, "node", 930, "node 18.19"), killed = story_loop(t, "worker", 931, "");
	uint32_t unnamed = story_frame_full(
		t, (struct fact_frame){.kind = FRAME_JS, .function = "", .object = "[JIT]", .file = ""});
	uint32_t stack = story_stack(t, story_library(t, "__futex_abstimed_wait_common", "libc.so.6"),
				     story_own(t, "node::SyncProcessRunner::Run(v8::Local<v8::Value>)"),
				     unnamed, story_own(t, "uv_run"), story_own(t, "main"), 0);
	tell_worker(t, killed);
	for (uint64_t age = 38; age <= 44; age += age < 40 ? 2 : 4) {
		t->at_ns = (age - 38) * S + 400 * MS;
		struct fact_stall s = {.loop = stuck,
				       .pid = 930,
				       .tid = 930,
				       .comm = "node",
				       .state = STALL_STUCK,
				       .gap_seq = 1,
				       .lag_ns = age * S,
				       .gap_ns = age * S,
				       .n_blocks = 1};
		s.blocks[0] = (struct block){"futex", "",      TARGET_FUTEX, 0x7f00,
					     1,	      age * S, age * S,	     {.comm = "", .why = ""},
					     stack};
		judged(t, &s);
		story_seconds(t, 1, killed, 100, 1000000);
	}
	t->at_ns += 100 * MS;
	struct fact_stall s =
		story_stall_of(t, killed, 9, (struct ledger){.cpu_ns = 30 * MS, .blocked_ns = 2070 * MS}, 0);
	s.state = STALL_DIED;
	s.signal = 9;
	s.n_blocks = 2;
	s.blocks[0] = (struct block){"recvfrom",   "tcp 10.0.3.9:5432", TARGET_INET,
				     .count = 300, .sum_ns = 1700 * MS, .max_ns = 90 * MS};
	s.blocks[1] = (struct block){
		"fsync",
		"/var/lib/worker/journal/0000000000000000000000000000000000000000000000000000000000017.log",
		TARGET_FILE,
		.count = 1,
		.sum_ns = 370 * MS,
		.max_ns = 370 * MS};
	judged(t, &s);
	story_second(t);
}

static uint32_t name_frame(struct story *t, const char *name)
{
	return story_own(t, name);
}

/* Stalls of every kind on the loops of a busy host. */
static void host_stalls(struct story *t, uint32_t render)
{
	struct fact_stall s = story_stall_of(
		t, 7, 5, (struct ledger){.cpu_ns = 310 * MS, .runnable_ns = 200 * MS, .preempted = 9},
		12 * MS);
	t->at_ns += 700 * MS;
	s.start_ns = t->at_ns - s.lag_ns;
	s.harm = HARM_OWN;
	s.n_samples = 2;
	s.samples[0] = (struct sample){100 * MS, render, 20};
	s.samples[1] = (struct sample){10 * MS, 0, 2};
	judged(t, &s);
	s = story_stall_of(t, 2, 6,
			   (struct ledger){.cpu_ns = 4 * MS, .runnable_ns = 75 * MS, .throttled_ns = 80 * MS},
			   10 * MS);
	s.limit = (struct limit){"/system.slice/nginx.service", 50 * MS, 100 * MS};
	judged(t, &s);
	s = story_stall_of(t, 3, 7, (struct ledger){.cpu_ns = 14 * MS, .runnable_ns = 95 * MS}, 31 * MS);
	s.n_runners = 3;
	s.runners[0] = (struct runner){3120, false, "stress", 80 * MS};
	s.runners[1] = (struct runner){2011, true, "cache-loader", 22 * MS};
	s.runners[2] = (struct runner){456, false, "backup", 15 * MS};
	judged(t, &s);
	s = story_stall_of(t, 9, 8,
			   (struct ledger){.cpu_ns = 14 * MS,
					   .blocked_ns = 400 * MS,
					   .fault_ns = 390 * MS,
					   .reclaim_ns = 9 * MS},
			   0);
	s.n_blocks = 1;
	s.blocks[0] = (struct block){"page fault", "/var/lib/redis/dump.rdb", TARGET_FAULT,
				     .count = 212, .sum_ns = 390 * MS,	      .max_ns = 21 * MS};
	judged(t, &s);
	s = story_stall_of(t, 5, 9, (struct ledger){.stopped_ns = 2 * S, .cpu_ns = MS}, 0);
	judged(t, &s);
	uint32_t holder = story_stack(t, story_library(t, "fdatasync", "libc.so.6"),
				      story_own(t, "journal_commit"), story_own(t, "flusher_main"), 0);
	s = story_stall_of(t, 8, 10, (struct ledger){.cpu_ns = MS, .blocked_ns = 120 * MS}, 0);
	s.n_blocks = 1;
	s.blocks[0] = (struct block){"futex", "",	TARGET_FUTEX, 0x7f00,
				     1,	      120 * MS, 120 * MS,     {2007, 944, "flusher", "futex", holder},
				     render};
	judged(t, &s);
	s = story_stall_of(t, 11, 10, (struct ledger){.cpu_ns = 900 * MS}, 0);
	judged(t, &s);
}

/* One loop saturated for some seconds. */
static void host_saturation(struct story *t, uint32_t gzip)
{
	struct fact_saturated busy = {.loop = 1,
				      .since_ns = t->at_ns - 1600 * MS,
				      .busy_ns = 1552 * MS,
				      .iterations = 1300,
				      .n_samples = 1};
	busy.samples[0] = (struct sample){1400 * MS, gzip, 280};
	cause_of_saturation(&busy, 1600 * MS, t->dictionary);
	story_tell(t, (struct fact){.kind = FACT_SATURATED, .saturated = &busy});
	story_seconds(t, 7, 1, 820, 1180000);
	story_loss(t, "ring_full", "records dropped because the ring buffer was full", 3);
	busy.ended = true;
	busy.busy_ns = 8300 * MS;
	busy.iterations = 7000;
	busy.n_samples = 0;
	cause_of_saturation(&busy, t->at_ns - busy.since_ns, t->dictionary);
	story_tell(t, (struct fact){.kind = FACT_SATURATED, .saturated = &busy});
	story_seconds(t, 4, 1, 500, 300000);
}

/*
 * A busy host: many loops, one saturated, one without CPU, one throttled, one that faults; names that are not
 * ASCII; losses.
 */
static void scene_host(struct story *t)
{
	static const char *const names[] = {"nginx",
					    "nginx",
					    "nginx",
					    "nginx",
					    "haproxy",
					    "memcached",
					    "przeglądarka-日本語-сервер",
					    "envoy",
					    "redis-server",
					    "node",
					    "postgres",
					    "varnishd"};
	story_header(t, "-a", 50 * MS);
	for (uint32_t i = 0; i < 12; i++)
		story_loop(t, names[i], 2000 + i, "");
	story_loop_class(t, 11, LOOP_SINGLE_CLIENT);
	story_loss(t, "ring_full", "records dropped because the ring buffer was full", 1204);
	story_seconds(t, 1, 1, 500, 300000);
	uint32_t render = story_stack(
		t,
		name_frame(t,
			   "std::vector<std::pair<unsigned long, Widget>>::_M_realloc_insert(Widget const&)"),
		name_frame(t, "render_page"), name_frame(t, "render_page"), name_frame(t, "render_page"),
		name_frame(t, "on_request"), name_frame(t, "main"), 0);
	uint32_t gzip = story_stack(
		t, story_frame_full(t, (struct fact_frame){.object = "libz.so.1.2.13", .offset = 0x4f21}),
		name_frame(t, "ngx_http_gzip_body_filter"), name_frame(t, "ngx_process_events_and_timers"),
		0);
	host_stalls(t, render);
	host_saturation(t, gzip);
	story_end(t, "target exited");
}

static const struct {
	const char *name;
	void (*tell)(struct story *t);
} scenes[] = {
	{"uvicorn", scene_uvicorn}, {"quiet", scene_quiet}, {"stuck", scene_stuck}, {"host", scene_host}};

/* --- what becomes of them ------------------------------------------------------------------------ */

static int32_t one_hour_east(int64_t unix_s)
{
	(void)unix_s;
	return 3600;
}

static int append(void *context, const char *text, size_t bytes)
{
	bytes_put(context, text, bytes);
	return 0;
}

static void play(void (*tell)(struct story *), const struct report_style *style,
		 int (*write)(const struct summary *, const struct report_style *, struct bytes *),
		 bool with_live, struct bytes *out)
{
	struct story *t = story_new();
	struct live_options options = {
		.style = *style, .dictionary = t->dictionary, .flush = append, .context = out};
	struct live *live = live_new(&options);
	struct tally *tally = tally_new(t->dictionary, 0);
	assert_non_null(live);
	assert_non_null(tally);
	t->sinks[t->n_sinks++] = tally_sink(tally);
	if (with_live)
		t->sinks[t->n_sinks++] = live_sink(live);
	tell(t);
	struct summary *s = summary_new(tally);
	assert_non_null(s);
	if (with_live)
		bytes_putc(out, '\n');
	assert_int_equal(write(s, style, out), 0);
	summary_free(s);
	tally_free(tally);
	live_free(live);
	story_free(t);
}

static void read_file(const char *path, struct bytes *out)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is missing: run with LOOPSTALL_GOLDEN_UPDATE=1", path);
	char chunk[4096];
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));)
		bytes_put(out, chunk, n);
	fclose(f);
}

static void write_file(const char *path, const struct bytes *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes_text(text), 1, text->len, f), text->len);
	assert_int_equal(fclose(f), 0);
}

static void compare(const char *path, const struct bytes *got)
{
	struct bytes want = {0};
	if (getenv("LOOPSTALL_GOLDEN_UPDATE")) {
		write_file(path, got);
		return;
	}
	read_file(path, &want);
	if (want.len != got->len || memcmp(bytes_text(&want), bytes_text(got), got->len))
		fail_msg("%s differs. Got:\n%s", path, bytes_text(got));
	bytes_free(&want);
}

static unsigned columns_of(const char *line, size_t len)
{
	unsigned n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)line[i] & 0xc0) != 0x80;
	return n;
}

static void assert_fits(const struct bytes *text, unsigned width)
{
	const char *line = bytes_text(text);
	for (const char *end; (end = strchr(line, '\n')); line = end + 1)
		if (columns_of(line, (size_t)(end - line)) > width)
			fail_msg("wider than %u: %.*s", width, (int)(end - line), line);
}

static void test_scenes(void **unused)
{
	(void)unused;
	static const unsigned widths[] = {80, 120};
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		for (int variant = 0; variant < 4; variant++) {
			struct report_style style = {.width = widths[variant % 2],
						     .color = variant > 1,
						     .utc_offset_s = one_hour_east};
			struct bytes out = {0};
			char path[128];
			snprintf(path, sizeof path, "tests/golden/%s.%u%s.golden", scenes[i].name,
				 style.width, style.color ? ".color" : "");
			play(scenes[i].tell, &style, report_text, true, &out);
			if (!style.color)
				assert_fits(&out, style.width);
			compare(path, &out);
			bytes_free(&out);
		}
	}
}

static void assert_holds(const struct bytes *text, const char *word, unsigned width)
{
	if (!strstr(bytes_text(text), word))
		fail_msg("%s is cut at a width of %u:\n%s", word, width, bytes_text(text));
}

/* Whatever the terminal's width: no line is wider, and a culprit keeps its file and line. */
static void test_narrow_terminals(void **unused)
{
	(void)unused;
	for (unsigned width = 40; width < 80; width += 3)
		for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
			struct report_style style = {.width = width};
			struct bytes out = {0};
			play(scenes[i].tell, &style, report_text, true, &out);
			assert_fits(&out, width);
			if (scenes[i].tell == scene_uvicorn) {
				assert_holds(&out, "app/gpu.py:41", width);
				assert_holds(&out, "app/catalogue.py:212", width);
			}
			bytes_free(&out);
			play(scenes[i].tell, &style, report_hist, false, &out);
			assert_fits(&out, width);
			bytes_free(&out);
		}
}

static void test_narrow_ones(void **unused)
{
	(void)unused;
	static const unsigned widths[] = {40, 60};
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		struct report_style style = {.width = widths[i]};
		struct bytes out = {0};
		char path[128];
		snprintf(path, sizeof path, "tests/golden/uvicorn.%u.golden", style.width);
		play(scene_uvicorn, &style, report_text, true, &out);
		compare(path, &out);
		bytes_free(&out);
	}
}

/* What stands at the indent already begins there, and not on a line below a figure that is left alone. */
static void test_a_long_name_behind_a_figure(void **unused)
{
	(void)unused;
	struct report_style style = {.width = 40};
	struct bytes out = {0};
	struct pen p = pen_on(&out, &style);
	pen_cell(&p, INK_PLAIN, -9, "60 ms");
	pen_put(&p, INK_PLAIN, "  ");
	p.indent = 11;
	pen_flow(&p, INK_PLAIN, "", "without write app/adapters/FileAsync.js:58 too");
	pen_end(&p);
	assert_string_equal(bytes_text(&out), "    60 ms  without write\n"
					      "           app/adapters/FileAsync.js:58\n"
					      "           too\n");
	bytes_free(&out);
}

static void test_verbose_ascii(void **unused)
{
	(void)unused;
	struct report_style style = {.width = 100, .ascii = true, .verbose = true};
	struct bytes out = {0};
	play(scene_host, &style, report_text, true, &out);
	compare("tests/golden/host.100.ascii.golden", &out);
	bytes_free(&out);
}

static void test_other_formats(void **unused)
{
	(void)unused;
	struct report_style style = {.width = 80};
	struct bytes hist = {0}, json = {0};
	play(scene_uvicorn, &style, report_hist, false, &hist);
	compare("tests/golden/uvicorn.hist.golden", &hist);
	play(scene_uvicorn, &style, report_json, false, &json);
	compare("tests/golden/uvicorn.json.golden", &json);
	bytes_free(&hist);
	bytes_free(&json);
}

/* Its times are UTC whatever the style says. */
static void test_pages(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		struct report_style style = {.width = 80, .utc_offset_s = one_hour_east};
		struct bytes page = {0};
		char path[128];
		snprintf(path, sizeof path, "tests/golden/%s.html.golden", scenes[i].name);
		play(scenes[i].tell, &style, report_html, false, &page);
		assert_well_formed(bytes_text(&page));
		if (scenes[i].tell == scene_uvicorn || scenes[i].tell == scene_host)
			compare(path, &page);
		bytes_free(&page);
	}
}

/* Colour may add escape sequences and nothing else. */
static void test_colour_changes_no_text(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		struct report_style plain = {.width = 80}, colour = {.width = 80, .color = true};
		struct bytes a = {0}, b = {0}, stripped = {0};
		play(scenes[i].tell, &plain, report_text, true, &a);
		play(scenes[i].tell, &colour, report_text, true, &b);
		for (const char *p = bytes_text(&b); *p; p++) {
			if (*p == '\033')
				p = strchr(p, 'm');
			else
				bytes_putc(&stripped, *p);
		}
		assert_string_equal(bytes_text(&stripped), bytes_text(&a));
		assert_true(b.len > a.len);
		bytes_free(&a);
		bytes_free(&b);
		bytes_free(&stripped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),	      cmocka_unit_test(test_narrow_terminals),
		cmocka_unit_test(test_narrow_ones),   cmocka_unit_test(test_a_long_name_behind_a_figure),
		cmocka_unit_test(test_verbose_ascii), cmocka_unit_test(test_other_formats),
		cmocka_unit_test(test_pages),	      cmocka_unit_test(test_colour_changes_no_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
