/* SPDX-License-Identifier: Apache-2.0 */
/* What a user is told to type for the names that a stack lacks: only what applies, and nothing for a stack that has them. */
#include "told_stall.h"

#include "report/naming.h"

#define PARK "park@libjvm.so"
#define MAIN "JavaMain@libjli.so"

static const struct {
	const char *what, *runtime, *stack;
	enum stack_state state;
	const char *told; /* NULL: nothing */
} cases[] = {
	{"no map", "jvm", PARK " @[JIT] @[JIT] " MAIN, STACK_COMPLETE,
	 "Java methods have no names here: jcmd 4121 Compiler.perfmap (JDK 17 and later) names those that "
	 "are "
	 "compiled"},
	{"no map and no frame pointers", "jvm", PARK " @[JIT]", STACK_BROKEN,
	 "names those that are compiled; -XX:+PreserveFramePointer makes stacks whole"},
	{"a map from before", "jvm", "@[JIT] app.Svc.turn@[JIT] " MAIN, STACK_COMPLETE,
	 "some Java methods have no names: jcmd 4121 Compiler.perfmap, again,"},
	{"interpreted", "jvm", PARK " Interpreter@[JIT] app.Svc.turn@[JIT] " MAIN, STACK_COMPLETE,
	 "jcmd 4121 Thread.print shows it"},
	{"interpreted further out", "jvm", PARK " app.Svc.turn@[JIT] Interpreter@[JIT] " MAIN, STACK_COMPLETE,
	 NULL},
	{"names, but no frame pointers", "jvm", PARK " app.Svc.turn@[JIT]", STACK_BROKEN,
	 "Java's stacks end early: -XX:+PreserveFramePointer makes stacks whole"},
	{"none of Java's", "jvm", PARK " " MAIN, STACK_BROKEN, NULL},
	{"JavaScript in node", "node", "j:@", STACK_COMPLETE,
	 "start node with --perf-basic-prof --interpreted-frames-native-stack"},
	{"JavaScript in deno", "deno", "j:@", STACK_COMPLETE,
	 "start deno with --v8-flags=--perf-basic-prof,"},
	{"a stripped program", "", "nanosleep@libc.so.6 c:@svc c:@svc main@libc.so.6", STACK_COMPLETE,
	 "svc has no symbols, so its functions have no names here: they are in its debug file"},
	{"a stripped library of a program that is not", "", "c:@libsvc.so.1 c:run@svc", STACK_COMPLETE, NULL},
	{"a stripped library of the system", "", "@libz.so.1", STACK_COMPLETE, NULL},
	{"not a JVM", "", "@[JIT]", STACK_COMPLETE, NULL},
};

static void what_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct story *t = story_new();
		struct bytes text = {0};
		const struct fact_loop *l =
			dictionary_loop(t->dictionary, story_loop(t, "service", 4121, cases[i].runtime));
		struct fact_stack stack = *dictionary_stack(t->dictionary, told_stack(t, cases[i].stack));

		stack.state = cases[i].state;
		naming_remedy(&text, t->dictionary, &stack, l);
		if (cases[i].told ? !strstr(bytes_text(&text), cases[i].told) : text.len != 0)
			fail_msg("%s: \"%s\"", cases[i].what, bytes_text(&text));
		bytes_free(&text);
		if (!strncmp(cases[i].runtime, "jvm", strlen("jvm"))) {
			naming_remedy(&text, t->dictionary, &stack, NULL);
			assert_int_equal(text.len, 0);
		}
		bytes_free(&text);
		story_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told),
	};
	return told_run("naming", tests, ARRAY_LEN(tests));
}
