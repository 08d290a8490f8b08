/* SPDX-License-Identifier: Apache-2.0 */
/* The status line of a loop whose gap is longer than the time between two of them: what it says is of that time. */
#include "watch.h"

/* One status line has been printed. */
static void watch_first_second(struct watch *w)
{
	watch_begin(w);
	story_seconds(w->story, 1, w->loop, 100, MS);
}

/* Five seconds pass, of which `open_ns` at their ends is the age of an open gap; the last second's status line must have the text. */
static void five_seconds(struct watch *w, const uint64_t open_ns[5], const char *text)
{
	bytes_clear(&w->out);
	for (int i = 0; i < 5; i++) {
		w->story->counts[w->loop].open_ns = open_ns[i];
		story_second(w->story);
	}
	if (!strstr(bytes_text(&w->out), text))
		fail_msg("no \"%s\" in:\n%s", text, bytes_text(&w->out));
}

/* A gap of 8 s, which ends in the midst of the second interval. */
static void a_gap_is_told_where_its_time_passed(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	five_seconds(&w, (uint64_t[]){0, 0, 0, 1 * S, 2 * S}, "loop 40 % busy · lag p99 1.95 s");
	w.story->counts[w.loop].open_ns = 3 * S;
	story_second(w.story);
	story_iterations(w.story, w.loop, 1, 3500 * MS);
	bytes_clear(&w.out);
	for (int i = 0; i < 4; i++)
		story_second(w.story);
	if (!strstr(bytes_text(&w.out), "loop 30 % busy · lag p99 1.4"))
		fail_msg("not 1.5 s of 5 s in:\n%s", bytes_text(&w.out));
	five_seconds(&w, (uint64_t[5]){0}, "loop 0 % busy · lag p99 0");
	watch_end(&w);
}

static void a_loop_that_is_stuck_is_busy_all_the_time(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	five_seconds(&w, (uint64_t[]){0, 0, 0, 1 * S, 2 * S}, "40 % busy");
	five_seconds(&w, (uint64_t[]){3 * S, 4 * S, 5 * S, 6 * S, 7 * S}, "100 % busy");
	five_seconds(&w, (uint64_t[]){8 * S, 9 * S, 10 * S, 11 * S, 12 * S}, "100 % busy");
	story_iterations(w.story, w.loop, 1, 12500 * MS);
	five_seconds(&w, (uint64_t[5]){0}, "10 % busy");
	watch_end(&w);
}

/* It had been stuck for 30 s at the attach: of those nothing is busy time of ours. */
static void a_gap_from_before_the_attach_counts_from_there(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	uint32_t stuck = story_loop(w.story, "other", 11, "");
	w.story->counts[stuck].open_ns = 31 * S;
	w.story->counts[stuck].unobserved_ns = 30 * S;
	story_second(w.story);
	story_iterations(w.story, stuck, 1, 31500 * MS);
	bytes_clear(&w.out);
	for (int i = 0; i < 4; i++)
		story_second(w.story);
	if (!strstr(bytes_text(&w.out), "other[11] · loop 30 % busy · lag p99 1.4"))
		fail_msg("not 1.5 s of 5 s in:\n%s", bytes_text(&w.out));
	watch_end(&w);
}

/* As recordings have it in which counts do not tell of open gaps. */
static void an_open_stall_without_a_count_is_told_all_the_same(void **state)
{
	struct watch w;
	struct fact_stall s;
	(void)state;
	watch_first_second(&w);
	for (int i = 0; i < 4; i++)
		story_second(w.story);
	s = story_stall_of(w.story, w.loop, 1, (struct ledger){.blocked_ns = 1 * S}, 0);
	s.state = STALL_OPEN;
	story_stall(w.story, &s);
	bytes_clear(&w.out);
	story_second(w.story);
	if (!strstr(bytes_text(&w.out), "40 % busy"))
		fail_msg("not 2 s of 5 s in:\n%s", bytes_text(&w.out));
	five_seconds(&w, (uint64_t[5]){0}, "100 % busy");
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_is_told_where_its_time_passed),
		cmocka_unit_test(a_loop_that_is_stuck_is_busy_all_the_time),
		cmocka_unit_test(a_gap_from_before_the_attach_counts_from_there),
		cmocka_unit_test(an_open_stall_without_a_count_is_told_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
