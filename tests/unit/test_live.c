/* SPDX-License-Identifier: Apache-2.0 */
/* What the live view says more than once: losses, and stalls that go on. */
#include "watch.h"

static void watch_first_second(struct watch *w)
{
	watch_begin(w);
	story_second(w->story);
}

/* How often the text is in what was printed. */
static unsigned times(const struct watch *w, const char *text)
{
	unsigned n = 0;
	for (const char *at = bytes_text(&w->out); (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void expect_times(const struct watch *w, const char *text, unsigned n)
{
	if (times(w, text) != n)
		fail_msg("not %u times \"%s\" in:\n%s", n, text, bytes_text(&w->out));
}

/* Five seconds with so many losses each. */
static void lose(struct watch *w, const char *reason, uint64_t each)
{
	for (int i = 0; i < 5; i++) {
		if (each)
			story_loss(w->story, reason, reason, each);
		story_second(w->story);
	}
}

static void a_loss_is_said_again_when_it_has_doubled(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	story_loss(w.story, "blocks", "blocks", 12);
	expect_times(&w, "lost: 12 blocks", 1);
	lose(&w, "blocks", 2);
	expect_times(&w, "lost", 1); /* 22 */
	lose(&w, "blocks", 1);
	expect_times(&w, "lost so far: 27 blocks", 1);
	lose(&w, "blocks", 0);
	lose(&w, "blocks", 5);
	expect_times(&w, "lost", 2); /* 52 */
	lose(&w, "blocks", 1);
	expect_times(&w, "lost so far: 57 blocks", 1);
	expect_times(&w, "lost", 3);
	watch_end(&w);
}

static void each_loss_grows_by_itself(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	story_loss(w.story, "blocks", "blocks", 1000);
	story_loss(w.story, "stacks", "stacks", 1);
	lose(&w, "stacks", 1);
	expect_times(&w, "lost so far: 6 stacks", 1);
	expect_times(&w, "blocks", 1);
	watch_end(&w);
}

static void report(struct watch *w, enum stall_state state, uint64_t start_ns)
{
	struct fact_stall s = {.loop = w->loop,
			       .state = state,
			       .start_ns = start_ns,
			       .gap_seq = 1,
			       .lag_ns = w->story->at_ns - start_ns,
			       .gap_ns = w->story->at_ns - start_ns,
			       .verdict = VERDICT_CPU};
	story_tell(w->story, (struct fact){.kind = FACT_STALL, .stall = &s});
}

/* The clock is read anew meanwhile, and is 4 ms ahead by then, and 8. */
static void a_stall_begins_at_one_time_however_often_it_is_told(void **state)
{
	struct watch w;
	(void)state;
	watch_first_second(&w);
	uint64_t start_ns = w.story->at_ns + 250 * MS;
	for (uint64_t i = 1; i <= 3; i++) {
		story_second(w.story);
		report(&w, i < 3 ? STALL_OPEN : STALL_ENDED, start_ns);
		story_tell(w.story,
			   (struct fact){.kind = FACT_CLOCK,
					 .clock = {STORY_WALL_US + w.story->at_ns / 1000 + i * 4000}});
	}
	expect_times(&w, "14:03:11.250  app", 3);
	report(&w, STALL_OPEN, w.story->at_ns - 300 * MS); /* another one goes by the clock as it is */
	expect_times(&w, "14:03:13.712  app", 1);
	watch_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_said_again_when_it_has_doubled),
		cmocka_unit_test(each_loss_grows_by_itself),
		cmocka_unit_test(a_stall_begins_at_one_time_however_often_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
