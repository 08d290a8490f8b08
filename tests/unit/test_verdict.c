/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts from ledgers; culprits from stacks. */
#include "story.h"

#include "model/culprit.h"
#include "model/verdict.h"

static const struct {
	const char *what;
	struct ledger ledger;
	uint64_t delay_ns;
	enum target_kind block; /* of all blocked time */
	enum verdict verdict;
} cases[] = {
	{"busy", {.cpu_ns = 90 * MS}, 0, TARGET_NONE, VERDICT_CPU},
	{"read", {.cpu_ns = 2 * MS, .blocked_ns = 640 * MS}, 0, TARGET_INET, VERDICT_BLOCKED},
	{"lock", {.cpu_ns = 2 * MS, .blocked_ns = 640 * MS}, 0, TARGET_FUTEX, VERDICT_LOCK},
	{"interpreter's lock", {.cpu_ns = 2 * MS, .blocked_ns = 640 * MS}, 0, TARGET_GIL, VERDICT_GIL},
	{"page faults", {.cpu_ns = 2 * MS, .blocked_ns = 90 * MS}, 0, TARGET_FAULT, VERDICT_FAULT},
	{"reclaim", {.cpu_ns = 100 * MS, .reclaim_ns = 70 * MS}, 0, TARGET_NONE, VERDICT_FAULT},
	{"starved in the gap", {.cpu_ns = 10 * MS, .runnable_ns = 70 * MS}, 0, TARGET_NONE, VERDICT_STARVED},
	{"starved before it", {.cpu_ns = 10 * MS}, 70 * MS, TARGET_NONE, VERDICT_STARVED},
	{"throttled before it",
	 {.cpu_ns = 10 * MS, .throttled_ns = 60 * MS},
	 70 * MS,
	 TARGET_NONE,
	 VERDICT_THROTTLED},
	{"stopped", {.cpu_ns = 10 * MS, .stopped_ns = 2 * S}, 0, TARGET_NONE, VERDICT_STOPPED},
	{"stopped wins",
	 {.runnable_ns = 40 * MS, .stopped_ns = 50 * MS, .throttled_ns = 40 * MS},
	 0,
	 TARGET_NONE,
	 VERDICT_STOPPED},
	{"nobody knows", {.cpu_ns = 10 * MS, .unaccounted_ns = 70 * MS}, 0, TARGET_NONE, VERDICT_NONE},
	/* a flood on a busy host: two thirds runnable, and still a stall by its own CPU alone */
	{"flood", {.cpu_ns = 60 * MS, .runnable_ns = 120 * MS}, 0, TARGET_NONE, VERDICT_CPU},
	{"just below", {.cpu_ns = 49 * MS, .runnable_ns = 120 * MS}, 0, TARGET_NONE, VERDICT_STARVED},
	/* crossing the threshold within ten seconds of throttling is not what made it long */
	{"a tenth",
	 {.cpu_ns = 60 * MS, .runnable_ns = 10 * S, .throttled_ns = 10 * S},
	 0,
	 TARGET_NONE,
	 VERDICT_THROTTLED},
};

static void test_verdicts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct ledger *l = &cases[i].ledger;
		struct fact_stall s = {.ledger = *l, .delay_ns = cases[i].delay_ns};
		s.gap_ns = l->cpu_ns + l->blocked_ns + l->runnable_ns + l->stopped_ns + l->unaccounted_ns;
		s.lag_ns = s.gap_ns + s.delay_ns;
		if (cases[i].block != TARGET_NONE) {
			s.n_blocks = 1;
			s.blocks[0] = (struct block){.kind = cases[i].block, .sum_ns = l->blocked_ns};
		}
		verdict_decide(&s, 50 * MS);
		if (s.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].what, verdict_word(s.verdict));
	}
}

/* Half of the samples is enough; collecting hardly at all is the code's own CPU time. */
static void test_collection_by_its_samples(void **unused)
{
	(void)unused;
	struct fact_stall s = {
		.lag_ns = 90 * MS, .gap_ns = 90 * MS, .ledger.cpu_ns = 90 * MS, .n_samples = 1};
	s.samples[0] = (struct sample){.ns = 80 * MS, .n = 16};
	s.collecting_ns = 60 * MS;
	verdict_decide(&s, 50 * MS);
	assert_int_equal(s.verdict, VERDICT_GC);
	s.collecting_ns = 20 * MS;
	verdict_decide(&s, 50 * MS);
	assert_int_equal(s.verdict, VERDICT_CPU);
}

/* Found stuck at the attach: a block and no ledger. */
static void test_stuck_without_ledger(void **unused)
{
	(void)unused;
	struct fact_stall s = {.state = STALL_STUCK, .lag_ns = 38 * S, .gap_ns = 38 * S, .n_blocks = 1};
	s.blocks[0] = (struct block){.kind = TARGET_PIPE, .sum_ns = 38 * S};
	verdict_decide(&s, 50 * MS);
	assert_int_equal(s.verdict, VERDICT_BLOCKED);
}

static void test_samples_below_one_function_name_it(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t main_frame = story_own(t, "main"), dispatch = story_own(t, "dispatch");
	struct fact_stall s = {.lag_ns = 600 * MS};
	for (uint32_t i = 0; i < 40; i++) { /* one leaf each, called from another line of spin() each */
		uint32_t leaf = story_frame_full(
			t, (struct fact_frame){.object = "app", .offset = 0x1000 + i, .application = true});
		uint32_t spin = story_frame_full(
			t, (struct fact_frame){
				   .function = "spin", .object = "app", .offset = i, .application = true});
		s.samples[s.n_samples++] =
			(struct sample){10 * MS, story_stack(t, leaf, spin, dispatch, main_frame, 0), 2};
	}
	uint32_t other = story_stack(t, story_own(t, "other"), dispatch, main_frame, 0);
	s.samples[s.n_samples++] = (struct sample){200 * MS, other, 40};
	culprit_choose(&s, t->dictionary);
	assert_string_equal(dictionary_frame(t->dictionary, s.culprit_frame)->function, "spin");

	struct culprit parts[4];
	assert_int_equal(culprit_split(&s, t->dictionary, parts, 4), 2);
	assert_int_equal(parts[0].ns, 400 * MS);
	assert_int_equal(parts[1].stack, other);
	assert_int_equal(parts[1].ns, 200 * MS);
	story_free(t);
}

static uint32_t unnamed(struct story *t, uint32_t line, uint32_t begins)
{
	return story_frame_full(t, (struct fact_frame){.kind = FRAME_JS,
						       .function = "(anonymous)",
						       .file = "/srv/server.js",
						       .line = line,
						       .begins = begins,
						       .application = true});
}

/* A file has many functions without a name. */
static void test_functions_without_a_name_are_told_apart(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t parse = unnamed(t, 22, 900), get = unnamed(t, 22, 860), other = unnamed(t, 31, 1400);
	uint32_t timed = story_own(t, "timed"), leaf = story_library(t, "parse", "node");
	struct fact_stall s = {.lag_ns = 400 * MS, .n_samples = 2};
	s.samples[0] = (struct sample){390 * MS, story_stack(t, leaf, parse, timed, get, 0), 78};
	s.samples[1] = (struct sample){10 * MS, story_stack(t, timed, get, 0), 2};
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, parse);
	assert_true(culprit_key(dictionary_frame(t->dictionary, parse)) !=
		    culprit_key(dictionary_frame(t->dictionary, other)));
	assert_true(culprit_key(dictionary_frame(t->dictionary, parse)) ==
		    culprit_key(dictionary_frame(t->dictionary, unnamed(t, 24, 900))));
	story_free(t);
}

/* A wait is one stack, a computation is cut into many: together they weigh more. */
static void test_the_line_that_most_time_was_on(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t sleeps = story_frame_full(t, (struct fact_frame){.function = "handle",
								  .file = "app.py",
								  .line = 3,
								  .object = "",
								  .application = true});
	uint32_t hashes = story_frame_full(t, (struct fact_frame){.function = "handle",
								  .file = "app.py",
								  .line = 4,
								  .object = "",
								  .application = true});
	struct fact_stall s = {.lag_ns = 70 * MS, .n_blocks = 1, .n_samples = 2};
	s.blocks[0] = (struct block){
		.sum_ns = 30 * MS, .stack = story_stack(t, story_library(t, "nanosleep", "libc"), sleeps, 0)};
	s.samples[0] =
		(struct sample){20 * MS, story_stack(t, story_library(t, "sha1", "libcrypto"), hashes, 0), 4};
	s.samples[1] =
		(struct sample){20 * MS, story_stack(t, story_library(t, "malloc", "libc"), hashes, 0), 4};
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, hashes);
	assert_int_equal(s.culprit_stack, s.samples[0].stack);
	story_free(t);
}

static void test_a_computation_is_shown_by_a_sample(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t render = story_own(t, "render");
	struct fact_stall s = {.lag_ns = 70 * MS, .n_blocks = 1, .n_samples = 2, .verdict = VERDICT_CPU};
	s.blocks[0] =
		(struct block){.sum_ns = 12 * MS,
			       .stack = story_stack(t, story_library(t, "futex_wait", "libc"), render, 0)};
	for (unsigned i = 0; i < 2; i++)
		s.samples[i] = (struct sample){
			10 * MS, story_stack(t, story_library(t, "malloc", "libc"), render, 0), 2};
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, render);
	assert_int_equal(s.culprit_stack, s.samples[0].stack);
	s.verdict = VERDICT_LOCK;
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_stack, s.blocks[0].stack);
	story_free(t);
}

static void test_library_frames_are_passed_over(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t kernel =
		story_frame_full(t, (struct fact_frame){.kind = FRAME_IN_KERNEL, .function = "do_poll"});
	uint32_t poll = story_library(t, "poll", "libc.so.6"), handler = story_own(t, "handler");
	struct fact_stall s = {.lag_ns = 100 * MS, .n_blocks = 2};
	s.blocks[0] = (struct block){.sum_ns = 90 * MS, .stack = story_stack(t, kernel, poll, handler, 0)};
	s.blocks[1] = (struct block){.sum_ns = 10 * MS}; /* no stack */
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, handler);
	assert_int_equal(s.culprit_stack, s.blocks[0].stack);

	s.blocks[0].stack = story_stack(t, kernel, poll, 0); /* nothing of the application: where it stands */
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, poll);
	s.blocks[0].stack = story_stack(t, kernel, 0);
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, kernel);
	s.blocks[0].stack = 0;
	culprit_choose(&s, t->dictionary);
	assert_int_equal(s.culprit_frame, 0);
	story_free(t);
}

static void test_recursion_counts_once(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t fib = story_own(t, "fib"), a = story_own(t, "a"), root = story_own(t, "main");
	struct weighted_stack stacks[] = {{story_stack(t, fib, fib, fib, root, 0), 40},
					  {story_stack(t, a, root, 0), 60}};
	struct culprit c = culprit_of(stacks, 2, t->dictionary);
	assert_int_equal(c.frame, a); /* counted thrice, fib would have 120 of 100 */
	assert_int_equal(c.ns, 60);
	story_free(t);
}

/* One of 816 samples was cut behind its innermost frame, so that this function covered more than its caller. */
static void test_a_cut_stack_does_not_make_the_caller_deeper(void **unused)
{
	(void)unused;
	struct story *t = story_new();
	uint32_t leaf = story_own(t, "leaf"), caller = story_own(t, "caller"), root = story_own(t, "main");
	struct fact_stack cut = {
		.id = t->stacks + 1, .state = STACK_TRUNCATED, .n = 1, .frames = (uint32_t[]){leaf}};
	story_tell(t, (struct fact){.kind = FACT_STACK, .stack = cut});
	t->stacks++;
	struct weighted_stack stacks[] = {{story_stack(t, leaf, caller, root, 0), 815}, {cut.id, 1}};
	struct culprit c = culprit_of(stacks, 2, t->dictionary);
	assert_int_equal(c.frame, leaf);
	assert_int_equal(c.ns, 816);
	stacks[0].ns = 1; /* but it is all that there is where most are cut */
	stacks[1].ns = 815;
	assert_int_equal(culprit_of(stacks, 2, t->dictionary).stack, cut.id);
	story_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_collection_by_its_samples),
		cmocka_unit_test(test_stuck_without_ledger),
		cmocka_unit_test(test_samples_below_one_function_name_it),
		cmocka_unit_test(test_functions_without_a_name_are_told_apart),
		cmocka_unit_test(test_the_line_that_most_time_was_on),
		cmocka_unit_test(test_library_frames_are_passed_over),
		cmocka_unit_test(test_a_computation_is_shown_by_a_sample),
		cmocka_unit_test(test_recursion_counts_once),
		cmocka_unit_test(test_a_cut_stack_does_not_make_the_caller_deeper),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
