/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses of collectors: told by stacks, by who ended the wait, and by whether the collector's threads ran. */
#include "told_stall.h"

#include "model/collector.h"

#define BARRIER "syscall@libc.so.6 SafepointSynchronize::block@libjvm.so +1@[JIT]"

struct pause_case {
	const char *what, *runtime, *stack, *waker;
	unsigned collector_ms;
	enum target_kind kind;
	enum pause pause;
	bool paused; /* as the interpreter said */
};

static const struct pause_case cases[] = {
	{"the collector ran", "jvm", BARRIER, "VM Thread", 60, TARGET_FUTEX, PAUSE_COLLECTION},
	{"the collector ran, no names", "jvm", "+1@libjvm.so", "VM Thread", 60, TARGET_FUTEX,
	 PAUSE_COLLECTION},
	{"ended by the collector itself", "jvm", "+1@libjvm.so", "GC Thread#0", 0, TARGET_FUTEX,
	 PAUSE_COLLECTION},
	{"nobody collected", "jvm", BARRIER, "VM Thread", 0, TARGET_FUTEX, PAUSE_SAFEPOINT},
	{"hardly anybody did", "jvm", BARRIER, NULL, 5, TARGET_FUTEX, PAUSE_SAFEPOINT},
	{"a lock while it collected", "jvm", "+1@libjvm.so", "worker-3", 60, TARGET_FUTEX, PAUSE_NONE},
	{"a read while it collected", "jvm", BARRIER, "VM Thread", 60, TARGET_INET, PAUSE_NONE},
	{"a thread called so elsewhere", "", "+1@app", "VM Thread", 60, TARGET_FUTEX, PAUSE_NONE},
	{"V8's helpers", "node",
	 "pthread_cond_wait@libc.so.6 v8::internal::ScavengerCollector::CollectGarbage@node "
	 "s:handle@/srv/app.js",
	 "node", 0, TARGET_FUTEX, PAUSE_COLLECTION},
	{"V8's Atomics.wait()", "node",
	 "pthread_cond_wait@libc.so.6 v8::internal::FutexEmulation::WaitSync@node", "node", 0, TARGET_FUTEX,
	 PAUSE_NONE},
	{"Python's own word", "cpython 3.13t", "sem_wait@libc.so.6 p:load@/srv/app.py", "python3.13t", 0,
	 TARGET_FUTEX, PAUSE_COLLECTION, true},
	{"a lock of Python's", "cpython 3.13t", "sem_wait@libc.so.6 p:load@/srv/app.py", "python3.13t", 0,
	 TARGET_FUTEX, PAUSE_NONE, false},
};

static void pauses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct pause_case *c = &cases[i];
		struct story *t = story_new();
		uint32_t loop = story_loop(t, "service", 4121, c->runtime);
		struct fact_stall s = {.n_blocks = 1, .collector_ns = c->collector_ms * MS};
		struct block *b = &s.blocks[0];
		*b = (struct block){
			.call = "futex",
			.target = "",
			.kind = c->kind,
			.count = 1,
			.sum_ns = 200 * MS,
			.waker = {.tid = c->waker ? 7 : 0, .comm = c->waker ? c->waker : "", .why = ""},
			.stack = told_stack(t, c->stack),
			.paused = c->paused};
		const struct fact_loop *l = dictionary_loop(t->dictionary, loop);
		if (collector_pause(&s, b, l, t->dictionary) != c->pause)
			fail_msg("%s", c->what);
		collector_measure(&s, l, t->dictionary);
		assert_int_equal(s.paused_ns, c->pause == PAUSE_COLLECTION ? 200 * MS : 0);
		story_free(t);
	}
}

static void samples_in_the_collector_are_summed(void **state)
{
	(void)state;
	struct story *t = story_new();
	struct fact_stall s = {.n_samples = 2};

	s.samples[0] = (struct sample){
		30 * MS, told_stack(t, "x@node v8::internal::Heap::CollectGarbage@node " JS), 6};
	s.samples[1] = (struct sample){20 * MS, told_stack(t, "x@node v8::internal::JsonParser@node " JS), 4};
	collector_measure(&s, NULL, t->dictionary);
	assert_int_equal(s.collecting_ns, 30 * MS);
	s.collecting_ns = 40 * MS; /* as the interpreter itself said */
	collector_measure(&s, NULL, t->dictionary);
	assert_int_equal(s.collecting_ns, 40 * MS);
	story_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses),
		cmocka_unit_test(samples_in_the_collector_are_summed),
	};
	return told_run("collector", tests, ARRAY_LEN(tests));
}
