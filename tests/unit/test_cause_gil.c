/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a thread helps against a computation: by what the samples saw of the interpreter's lock, and only else by the library. */
#include "told_stall.h"

#include "model/cause.h"

#define EVAL   "_PyEval_EvalFrameDefault@python3.11"
#define HASH   "SHA256_Final@libcrypto.so.3 +1@_hashlib.cpython-311-x86_64-linux-gnu.so " EVAL
#define DRIVER "crunch@driver.so " EVAL " a:load@/srv/app.py"

#define ONE "read@libc.so.6 a:copy@/srv/app.py p:_run_once@" LIB "asyncio/base_events.py"

static void check_in(const char *runtime, const char *stack, const char *cause, uint32_t held,
		     uint32_t released, const char *remedy)
{
	const struct told told = {"computing",
				  runtime,
				  {{0}},
				  stack,
				  {.cpu_ns = 180 * MS},
				  .chain = {.gaps = !strcmp(cause, "hot_loop")}};
	struct story *t = story_new();
	struct fact_stall s;

	told_tell(t, &told, &s);
	s.samples[0].gil_held = held;
	s.samples[0].gil_released = released;
	cause_decide(&s, dictionary_loop(t->dictionary, s.loop), t->dictionary);
	assert_string_equal(s.cause, cause);
	if (!strstr(s.remedy, remedy))
		fail_msg("\"%s\" lacks \"%s\"", s.remedy, remedy);
	story_free(t);
}

static void check(const char *stack, const char *cause, uint32_t held, uint32_t released, const char *remedy)
{
	check_in("cpython 3.11", stack, cause, held, released, remedy);
}

static void test_unknown_lock(void **unused)
{
	(void)unused;
	check(HASH, "cpu", 0, 0, "to_thread()");
	check(DRIVER, "cpu", 0, 0, "ProcessPoolExecutor");
}

static void test_released(void **unused)
{
	(void)unused;
	check(DRIVER, "cpu", 3, 30, "it releases the GIL: await asyncio.to_thread() is enough");
	check(ONE, "hot_loop", 3, 30, "it releases the GIL: await asyncio.to_thread() is enough");
}

/* Its asynchronous form is what fits, though a thread would do. */
static void test_a_client_that_lets_go(void **unused)
{
	(void)unused;
	check("recv@libc.so.6 p:get@" SITE "redis/client.py " APP, "cpu", 3, 30, "redis.asyncio yields");
}

/* Short messages are hashed without letting go. */
static void test_held(void **unused)
{
	(void)unused;
	check(HASH, "cpu", 30, 3, "ProcessPoolExecutor");
	check(ONE, "hot_loop", 30, 3, "it never yields: a ProcessPoolExecutor");
}

/* Where it has been switched on (by an extension, by an option), the samples say so. */
static void test_free_threaded(void **unused)
{
	const char *unlocked = "this Python has no GIL: await asyncio.to_thread() is enough";

	(void)unused;
	check_in("cpython 3.13t", DRIVER, "cpu", 0, 0, unlocked);
	check_in("cpython 3.13t", HASH, "cpu", 0, 0, unlocked);
	check_in("cpython 3.13t", DRIVER, "cpu", 30, 3, "ProcessPoolExecutor");
	check_in("cpython 3.13t", DRIVER, "cpu", 3, 30, "it releases the GIL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_lock),	      cmocka_unit_test(test_released),
		cmocka_unit_test(test_a_client_that_lets_go), cmocka_unit_test(test_held),
		cmocka_unit_test(test_free_threaded),
	};
	return told_run("causes by the GIL", tests, ARRAY_LEN(tests));
}
