/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of a stall say, and what they leave out. */
#include "story.h"

#include "report/report.h"
#include "report/stall_lines.h"

#include "model/summary.h"
#include "model/tally.h"

static uint32_t jit(struct story *t, uint64_t address)
{
	return story_frame_full(t, (struct fact_frame){.object = "[JIT]", .offset = address});
}

static void lines_of(struct story *t, const struct fact_stall *s, struct bytes *out)
{
	struct report_style style = {.width = 80};
	struct pen p = pen_on(out, &style);
	stall_lines(&p, s, t->dictionary, STORY_WALL_US, false);
}

static void expect(const struct bytes *out, const char *text, bool there)
{
	if (!strstr(bytes_text(out), text) == there)
		fail_msg("%s\"%s\" in:\n%s", there ? "no " : "", text, bytes_text(out));
}

/* One address of code without a name tells as little as the next. */
static void test_unnamed_code_is_one_word(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	uint32_t leaf = story_library(t, "clock_gettime", "libc.so.6");
	struct fact_stall s = {.loop = story_loop(t, "app", 10, "jvm"),
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .covered_ns = 100 * MS,
			       .ledger.cpu_ns = 100 * MS,
			       .n_samples = 1};
	s.culprit_stack = story_stack(t, leaf, jit(t, 0x10), jit(t, 0x20), jit(t, 0x20), 0);
	s.samples[0] = (struct sample){100 * MS, s.culprit_stack, 20};
	lines_of(t, &s, &out);
	expect(&out, "clock_gettime < [JIT] ×3\n", true);
	bytes_free(&out);
	story_free(t);
}

static void test_a_stall_that_ended_in_exec_says_so(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	struct fact_stall s = {.loop = story_loop(t, "app", 10, ""),
			       .state = STALL_EXEC,
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .ledger = {.cpu_ns = 100 * MS}};
	lines_of(t, &s, &out);
	expect(&out, "stalled 100 ms (ended in exec)  CPU", true);
	bytes_free(&out);
	story_free(t);
}

static void expect_ready(enum verdict verdict, uint64_t ready_ns, bool there)
{
	struct story *t = story_new();
	struct bytes out = {0};
	struct fact_stall s = {.loop = story_loop(t, "app", 10, ""),
			       .state = STALL_OPEN,
			       .verdict = verdict,
			       .lag_ns = 1000 * MS,
			       .gap_ns = 1000 * MS,
			       .ledger = {.blocked_ns = 1000 * MS - ready_ns, .runnable_ns = ready_ns},
			       .ready_ns = ready_ns,
			       .n_blocks = 1};
	s.blocks[0] = (struct block){.call = "read", .target = "", .count = 1};
	lines_of(t, &s, &out);
	expect(&out, "now ready for 400 ms and without a CPU", there);
	expect(&out, "now ready", there);
	bytes_free(&out);
	story_free(t);
}

/* It has left the call that most of its time went to. A turn of the scheduler's is no news, and STARVED says it by itself. */
static void test_one_that_waits_for_a_cpu_says_so(void **unused)
{
	(void)unused;
	expect_ready(VERDICT_BLOCKED, 400 * MS, true);
	expect_ready(VERDICT_CPU, 400 * MS, true);
	expect_ready(VERDICT_BLOCKED, 4 * MS, false);
	expect_ready(VERDICT_STARVED, 400 * MS, false);
}

/* Who ended a wait is shown of a stall that was spent on it, not beside a computation. */
static void test_the_waker_of_a_short_wait(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	struct fact_stall s = {.loop = story_loop(t, "app", 10, "node"),
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .ledger = {.cpu_ns = 97 * MS, .blocked_ns = 3 * MS},
			       .n_blocks = 1};
	s.blocks[0] = (struct block){.call = "futex", .target = "", .count = 1, .kind = TARGET_FUTEX};
	s.blocks[0].sum_ns = s.blocks[0].max_ns = 3 * MS;
	s.blocks[0].waker = (struct waker){.pid = 10, .tid = 12, .comm = "helper"};
	s.blocks[0].waker.stack = story_stack(t, story_own(t, "done"), 0);
	lines_of(t, &s, &out);
	expect(&out, "was at", false);
	bytes_clear(&out);
	s.verdict = VERDICT_LOCK;
	lines_of(t, &s, &out);
	expect(&out, "helper[12] was at: done\n", true);
	bytes_free(&out);
	story_free(t);
}

/* The file and the line are what is looked for: a long name makes room for them. */
static void test_a_long_name_keeps_its_place(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	uint32_t frame = story_frame_full(
		t, (struct fact_frame){
			   .function = "Session::go()::{lambda(boost::system::error_code, unsigned long)#1}",
			   .object = "app",
			   .file = "src/session.cpp",
			   .line = 78,
			   .application = true});
	struct fact_stall s = {.loop = story_loop(t, "app", 10, ""),
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .ledger.cpu_ns = 100 * MS,
			       .culprit_frame = frame};
	lines_of(t, &s, &out);
	expect(&out, "src/session.cpp:78\n", true);
	bytes_free(&out);
	story_free(t);
}

/* Frames of a library without names take as many lines as those with names: two. */
static void test_addresses_do_not_fill_the_screen(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	uint32_t f[8];
	for (uint64_t i = 0; i < 8; i++)
		f[i] = story_frame_full(t, (struct fact_frame){.object = "binding.linux-x64-gnu.node",
							       .offset = 0x10000 + i});
	struct fact_stall s = {.loop = story_loop(t, "app", 10, "node"),
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .ledger.cpu_ns = 100 * MS};
	s.culprit_stack = story_stack(t, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], 0);
	lines_of(t, &s, &out);
	expect(&out, "node+0x10001", true);
	expect(&out, "< …", true);
	expect(&out, "node+0x10004", false);
	bytes_free(&out);
	story_free(t);
}

/* Also where it is a package's, and only the program's beginning is the application's. */
static void test_the_culprit_is_in_its_stack(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	uint32_t leaf = story_library(t, "read", "libc.so.6");
	uint32_t model = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
								 .function = "Manager.model",
								 .file = "/srv/lib/site-packages/books.py",
								 .line = 341});
	uint32_t script = story_frame_full(t, (struct fact_frame){.kind = FRAME_PYTHON,
								  .function = "<module>",
								  .file = "/usr/bin/books",
								  .line = 3,
								  .application = true});
	struct fact_stall s = {.loop = story_loop(t, "books", 10, "cpython 3.11"),
			       .verdict = VERDICT_CPU,
			       .lag_ns = 100 * MS,
			       .gap_ns = 100 * MS,
			       .ledger.cpu_ns = 100 * MS,
			       .culprit_frame = model};
	s.culprit_stack = story_stack(t, leaf, story_library(t, "f", "x.so"), model, script, 0);
	lines_of(t, &s, &out);
	expect(&out, "< Manager.model", true);
	expect(&out, "x.so", false);
	bytes_free(&out);
	story_free(t);
}

static void report_of(struct story *t, const struct fact_stall *stalls, size_t n, struct bytes *out)
{
	struct report_style style = {.width = 80};
	struct tally *tally = tally_new(t->dictionary, 50 * MS);
	assert_non_null(tally);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			tally_sink(tally)->take(tally_sink(tally),
						&(struct fact){.kind = FACT_STALL, .stall = &stalls[i]}),
			0);
	struct summary *s = summary_new(tally);
	assert_int_equal(report_text(s, &style, out), 0);
	summary_free(s);
	tally_free(tally);
}

/* One stall in code without a name is no reason to start the program anew. */
static void test_when_javascript_lacks_names(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	struct bytes out = {0};
	uint32_t loop = story_loop(t, "server.js", 10, "node");
	uint32_t unnamed = story_frame_full(t, (struct fact_frame){.kind = FRAME_JS, .object = "[JIT]"});
	uint32_t named = story_frame_full(t, (struct fact_frame){.kind = FRAME_JS,
								 .function = "get",
								 .file = "/srv/server.js",
								 .line = 7,
								 .application = true});
	struct fact_stall s[2] = {{.loop = loop, .verdict = VERDICT_CPU, .lag_ns = 100 * MS, .n_samples = 1}};
	s[0].ledger.cpu_ns = 100 * MS;
	s[1] = s[0];
	s[0].samples[0] = (struct sample){100 * MS, story_stack(t, unnamed, 0), 20};
	s[1].samples[0] = (struct sample){100 * MS, story_stack(t, named, 0), 20};
	report_of(t, s, 1, &out);
	expect(&out, "JavaScript functions have no names", true);
	bytes_clear(&out);
	report_of(t, s, 2, &out);
	expect(&out, "JavaScript functions have no names", false);
	bytes_free(&out);
	story_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unnamed_code_is_one_word),
		cmocka_unit_test(test_a_stall_that_ended_in_exec_says_so),
		cmocka_unit_test(test_one_that_waits_for_a_cpu_says_so),
		cmocka_unit_test(test_the_waker_of_a_short_wait),
		cmocka_unit_test(test_a_long_name_keeps_its_place),
		cmocka_unit_test(test_addresses_do_not_fill_the_screen),
		cmocka_unit_test(test_the_culprit_is_in_its_stack),
		cmocka_unit_test(test_when_javascript_lacks_names),
	};
	return cmocka_run_group_tests_name("lines of a stall", tests, NULL, NULL);
}
