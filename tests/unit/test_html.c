/* SPDX-License-Identifier: Apache-2.0 */
/* The page for an incident review: what no golden file shows, such as names that would like to be markup, and more than has a place. */
#include "story_tally.h"
#include "well_formed.h"

#include "model/cause.h"
#include "report/page.h"
#include "report/report.h"

#include <errno.h>

static int32_t one_hour_east(int64_t unix_s)
{
	(void)unix_s;
	return 3600;
}

/* The page, which is well-formed and asks for nothing from elsewhere. */
static void write_page(const struct summary *s, struct bytes *out)
{
	static const struct report_style style = {.width = 80, .color = true, .utc_offset_s = one_hour_east};
	static const char *const foreign[] = {"<script", "<img", "<link",   "<iframe", "<a ", "src=",
					      "href=",	 "url(", "@import", "//",      "\033"};
	assert_int_equal(report_html(s, &style, out), 0);
	assert_well_formed(bytes_text(out));
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		const char *found = strstr(bytes_text(out), foreign[i]);
		if (found)
			fail_msg("the page has %.80s", found);
	}
}

static void assert_tells(const struct bytes *page, const char *text)
{
	if (!strstr(bytes_text(page), text))
		fail_msg("the page does not tell: %s", text);
}

static const char *place_of(const struct bytes *page, const char *text)
{
	assert_tells(page, text);
	return strstr(bytes_text(page), text);
}

static const struct summary *summarise(struct bench *b)
{
	b->s = summary_new(b->tally);
	assert_non_null(b->s);
	return b->s;
}

/* --- names --------------------------------------------------------------------------------------- */

static void tell_stall(struct bench *b, uint32_t loop, uint32_t stack, const char *name)
{
	struct fact_stall s = story_stall_of(b->t, loop, 7,
					     (struct ledger){.cpu_ns = 20 * MS,
							     .blocked_ns = 300 * MS,
							     .runnable_ns = 200 * MS,
							     .throttled_ns = 90 * MS},
					     0);
	s.n_blocks = 1;
	s.blocks[0] = (struct block){
		name, name, TARGET_INET, 0, 1, 300 * MS, 300 * MS, {7, 7, name, "socket", 0}, stack};
	s.n_samples = 1;
	s.samples[0] = (struct sample){20 * MS, stack, 4};
	s.limit = (struct limit){name, 50 * MS, 100 * MS};
	s.n_runners = 1;
	s.runners[0] = (struct runner){3120, false, name, 110 * MS};
	verdict_decide(&s, 50 * MS);
	culprit_choose(&s, b->t->dictionary);
	cause_decide(&s, dictionary_loop(b->t->dictionary, loop), b->t->dictionary);
	story_stall(b->t, &s);
	story_second(b->t);
}

/* Everything that has a name has this one. */
static void write_page_of(struct bench *b, const char *name, struct bytes *out)
{
	uint32_t loop = story_loop(b->t, name, 10, name);
	struct fact_frame f = {
		.kind = FRAME_PYTHON, .function = name, .object = name, .file = name, .line = 7};
	uint32_t outer = story_frame_full(b->t, f);
	f.application = true;
	uint32_t stack =
		story_stack(b->t, story_library(b->t, name, name), story_frame_full(b->t, f), outer, 0);
	story_loss(b->t, "ring_full", name, 3);
	story_seconds(b->t, 2, loop, 100, MS);
	tell_stall(b, loop, stack, name);
	story_end(b->t, name);
	write_page(summarise(b), out);
}

static void test_names_that_would_be_markup(void **state)
{
	static const char *const names[] = {"</style><script>alert(1)</script>",
					    "\" onload='alert(1)' x=\"",
					    "--><img/>",
					    "&lt;&#60;script&#62;",
					    "]]><b>",
					    "%s%n%s"};
	struct bench *b = *state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct bytes page = {0}, escaped = {0};
		write_page_of(b, names[i], &page);
		markup_put(&escaped, "<code>%s</code>", names[i]);
		assert_tells(&page, bytes_text(&escaped));
		bytes_free(&page);
		bytes_free(&escaped);
		bench_tear_down(state);
		bench_set_up(state);
		b = *state;
	}
}

static void test_bytes_that_are_no_text(void **state)
{
	struct bytes page = {0};
	write_page_of(*state, "a\xff\033]0;b\x07\xc0\xbc\xef\xbf\xbf", &page);
	assert_tells(&page, "<code>a\uFFFD\uFFFD]0;b\uFFFD\uFFFD\uFFFD\uFFFD</code>");
	bytes_free(&page);
}

static void test_long_names_are_cut(void **state)
{
	struct bytes page = {0};
	static char name[4096];
	memset(name, '<', sizeof name - 1);
	write_page_of(*state, name, &page);
	assert_tells(&page, "…");
	assert_true(page.len < 60000);
	bytes_free(&page);
}

static void test_a_long_path_keeps_its_end(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0}, path = {0};
	uint32_t loop = story_loop(b->t, "app", 10, "");
	for (int i = 0; i < 60; i++)
		bytes_puts(&path, "/packages");
	bytes_puts(&path, "/gpu.py");
	uint32_t frame = story_frame_full(b->t, (struct fact_frame){.kind = FRAME_PYTHON,
								    .function = "poll_vram",
								    .file = bytes_text(&path),
								    .line = 41,
								    .application = true});
	tell_stall(b, loop, story_stack(b->t, frame, 0), "read");
	write_page(summarise(b), &page);
	assert_tells(&page, "/packages/gpu.py:41</code>");
	assert_tells(&page, "/packages/gpu.py:41</i>");
	assert_tells(&page, "<code class=\"place\">…/packages/");
	bytes_free(&page);
	bytes_free(&path);
}

/* Of a recursion one frame is the culprit, on whatever line. */
static void test_the_culprit_is_marked_in_its_stack(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	uint32_t loop = story_loop(b->t, "app", 10, "");
	struct fact_frame f = {
		.kind = FRAME_PYTHON, .function = "walk", .file = "tree.py", .application = true};
	uint32_t lines[3];
	for (uint32_t i = 0; i < 3; i++) {
		f.line = 10 + i;
		lines[i] = story_frame_full(b->t, f);
	}
	tell_stall(b, loop, story_stack(b->t, lines[1], lines[2], lines[0], 0), "read");
	write_page(summarise(b), &page);
	assert_tells(&page, "<li class=\"it\">walk <i>tree.py:11</i> <i>← culprit</i></li>\n"
			    "<li class=\"own\">walk <i>tree.py:12</i></li>\n"
			    "<li class=\"own\">walk <i>tree.py:10</i></li>\n");
	bytes_free(&page);
}

/* A stack as deep as there are, of names as long as there are. */
static void test_deep_stacks_are_cut(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	static char name[4096];
	uint32_t frames[FACT_MAX_FRAMES];
	uint32_t loop = story_loop(b->t, "app", 10, "");
	memset(name, '"', sizeof name - 1);
	for (size_t i = 0; i < FACT_MAX_FRAMES; i++)
		frames[i] = story_own(b->t, name);
	story_tell(b->t,
		   (struct fact){.kind = FACT_STACK,
				 .stack = {.id = ++b->t->stacks, .n = FACT_MAX_FRAMES, .frames = frames}});
	tell_stall(b, loop, b->t->stacks, "read");
	write_page(summarise(b), &page);
	assert_tells(&page, "<li>… 448 more</li>");
	assert_true(page.len < 200000);
	bytes_free(&page);
}

/* --- how much ------------------------------------------------------------------------------------ */

#define MANY 3000

/* As many of everything as a hostile recording could have. */
static struct summary many_of(struct bench *b, struct summary_loop *loops, struct summary_cause *causes,
			      struct tally_block *blocks)
{
	struct summary s = *summarise(b);
	struct summary_cause cause = s.causes[0];
	cause.share = 0.01;
	for (size_t i = 0; i < MANY; i++) {
		loops[i] = s.loops[0];
		causes[i] = cause;
		blocks[i] = (struct tally_block){.call = "read", .target = "", .count = 1, .sum_ns = MS};
	}
	s.loops = loops;
	s.causes = causes;
	s.blocks = blocks;
	s.n_loops = s.n_causes = s.n_blocks = MANY;
	return s;
}

static void test_more_than_has_a_place_is_counted(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	struct summary_loop *loops = calloc(MANY, sizeof *loops);
	struct summary_cause *causes = calloc(MANY, sizeof *causes);
	struct tally_block *blocks = calloc(MANY, sizeof *blocks);
	story_of_one_stall(b->t);
	struct summary s = many_of(b, loops, causes, blocks);
	write_page(&s, &page);
	assert_tells(&page, "+ 2960 more loops, harmed less");
	assert_tells(&page, "+ 2,980 smaller");
	assert_tells(&page, "+ 2,980 more");
	assert_true(page.len < 300000);
	bytes_free(&page);
	free(loops);
	free(causes);
	free(blocks);
}

/* --- the parts ----------------------------------------------------------------------------------- */

static void test_losses_come_first(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	story_of_one_stall(b->t);
	story_loss(b->t, "ring_full", "records dropped because the ring buffer was full", 1204);
	write_page(summarise(b), &page);
	const char *head = place_of(&page, "<h1>");
	assert_true(place_of(&page, "LOST 1,204") < head);
	assert_true(place_of(&page, "CUT SHORT") < head); /* it has no end */
	bytes_free(&page);
}

static void test_times_are_utc(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	story_of_one_stall(b->t);
	story_end(b->t, "duration");
	write_page(summarise(b), &page);
	assert_tells(&page, "from 2026-11-20 14:03:10 to 14:03:13 UTC");
	assert_tells(&page, ">14:03:10</text>");
	assert_null(strstr(bytes_text(&page), "15:03"));
	assert_null(strstr(bytes_text(&page), "CUT SHORT"));
	bytes_free(&page);
}

/* Where nothing was recorded but a beginning, or not even that. */
static void test_nothing_to_tell(void **state)
{
	struct bench *b = *state;
	struct bytes page = {0};
	write_page(summarise(b), &page);
	assert_tells(&page, "No loop has waited.");
	bytes_clear(&page);
	struct summary nothing = {.end_reason = "", .dictionary = b->t->dictionary};
	write_page(&nothing, &page);
	assert_tells(&page, "No loop has waited.");
	bytes_free(&page);
}

static void test_without_memory(void **state)
{
	struct bench *b = *state;
	struct report_style style = {.width = 80};
	struct bytes page = {.failed = true};
	story_of_one_stall(b->t);
	assert_int_equal(report_html(summarise(b), &style, &page), -ENOMEM);
}

static void test_shares_in_drawings(void **unused)
{
	(void)unused;
	char text[SHARE_BYTES];
	assert_string_equal(share_text(0, text), "0.00%");
	assert_string_equal(share_text(0.12345, text), "12.35%");
	assert_string_equal(share_text(1, text), "100.00%");
	assert_string_equal(share_text(7, text), "100.00%");
	assert_string_equal(share_text(-1, text), "0.00%");
	assert_string_equal(share_text(0.0 / 0.0, text), "0.00%");
}

/* --- the timeline -------------------------------------------------------------------------------- */

static void write_timeline(const struct tally_cell *cells, size_t n, uint64_t cell_ns, uint64_t wall_us,
			   struct bytes *out)
{
	struct summary s = {.cells = cells,
			    .n_cells = n,
			    .cell_ns = cell_ns,
			    .threshold_ns = 50 * MS,
			    .start_wall_us = wall_us};
	struct page p = {out, &s, false};
	bytes_puts(out, "<!DOCTYPE html>\n");
	page_timeline(&p);
	assert_well_formed(bytes_text(out));
}

static void test_a_stall_through_many_cells_is_one_bar(void **unused)
{
	(void)unused;
	struct tally_cell cells[10] = {{0}};
	struct bytes page = {0};
	for (size_t i = 2; i < 6; i++)
		cells[i].max_lag_ns = 400 * MS;
	write_timeline(cells, 10, S, STORY_WALL_US, &page);
	assert_tells(&page,
		     "x=\"20.00%\" width=\"39.40%\" y=\"0.0\" height=\"160.0\"><title>14:03:12 to 14:03:16: "
		     "a stall of 400 ms</title>");
	assert_tells(&page, "the scale is linear");
	bytes_free(&page);
}

static void test_short_stalls_beside_a_long_one(void **unused)
{
	(void)unused;
	struct tally_cell cells[3] = {{.max_lag_ns = 100 * MS}, {0}, {.max_lag_ns = 10 * S}};
	struct bytes page = {0};
	write_timeline(cells, 3, S, 0, &page);
	assert_tells(&page, "the scale is logarithmic");
	assert_tells(&page, "height=\"53.3\"><title>0 to 1.00 s: a stall of 100 ms"); /* a decade of three */
	assert_tells(&page, "height=\"160.0\"><title>2.00 s to 3.00 s: a stall of 10.0 s");
	bytes_free(&page);
}

/* Of a week, and of times that nobody can have measured. */
static void test_long_times(void **unused)
{
	(void)unused;
	static struct tally_cell cells[TALLY_SECONDS];
	struct bytes page = {0};
	cells[0].max_lag_ns = S;
	cells[TALLY_SECONDS - 1].max_lag_ns = UINT64_MAX;
	write_timeline(cells, TALLY_SECONDS, 130 * S, STORY_WALL_US, &page);
	assert_tells(&page, ">11-21</text>");
	assert_true(page.len < 8000);
	for (uint64_t wall_us = 0; wall_us <= 1; wall_us++) {
		bytes_clear(&page);
		write_timeline(cells, TALLY_SECONDS, 1ull << 53, wall_us * UINT64_MAX, &page);
		assert_true(page.len < 8000);
	}
	bytes_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_that_would_be_markup, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(test_bytes_that_are_no_text, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_long_names_are_cut, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_a_long_path_keeps_its_end, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(test_the_culprit_is_marked_in_its_stack, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(test_deep_stacks_are_cut, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_more_than_has_a_place_is_counted, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(test_losses_come_first, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_times_are_utc, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_tell, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(test_without_memory, bench_set_up, bench_tear_down),
		cmocka_unit_test(test_shares_in_drawings),
		cmocka_unit_test(test_a_stall_through_many_cells_is_one_bar),
		cmocka_unit_test(test_short_stalls_beside_a_long_one),
		cmocka_unit_test(test_long_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
