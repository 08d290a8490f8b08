/* SPDX-License-Identifier: Apache-2.0 */
/* Stalls told as blocks and stacks in few words, and the cause that must come out. */
#ifndef LOOPSTALL_TESTS_TOLD_STALL_H
#define LOOPSTALL_TESTS_TOLD_STALL_H

#include "story.h"

#include "base/array.h"
#include "base/intern.h"
#include "model/cause.h"
#include "model/culprit.h"
#include "model/verdict.h"

#include <stdio.h>

static struct intern *told_texts; /* strings of frames live as long as the tests */

/* --- stalls in short ----------------------------------------------------------------------------- */

/*
 * A stack as text, innermost first, frames apart by blanks: "poll@libc.so.6" a native one, "p:run@/usr/lib/…" one of
 * Python, "a:tick@/srv/app.py" one of the application, "j:on@node:events" of JavaScript, "s:on@/srv/app.js" of a script of the
 * application. The line of a frame with a file is 7.
 */
static inline uint32_t told_stack(struct story *t, const char *text)
{
	uint32_t frames[16], n = 0;
	char copy[512], *save = NULL;
	if (!text || !*text)
		return 0;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		bool tagged = word[0] && word[1] == ':' && word[2] != ':';
		char tag = tagged ? word[0] : 'n', *function = tagged ? word + 2 : word;
		char *place = strchr(function, '@');
		assert_non_null(place);
		*place++ = 0;
		const char *f = intern_text(told_texts, function), *at = intern_text(told_texts, place);
		bool is_python = tag == 'p' || tag == 'a', is_js = tag == 'j' || tag == 's';
		bool has_file = is_python || is_js;
		frames[n++] = story_frame_full(
			t, (struct fact_frame){.kind = is_python ? FRAME_PYTHON
						       : is_js	 ? FRAME_JS
								 : FRAME_NATIVE,
					       .function = f,
					       .object = has_file ? "" : at,
					       .file = has_file ? at : "",
					       .line = has_file ? 7 : 0,
					       .application = tag == 'a' || tag == 'c' || tag == 's'});
	}
	story_tell(t,
		   (struct fact){.kind = FACT_STACK, .stack = {.id = ++t->stacks, .n = n, .frames = frames}});
	return t->stacks;
}

#define APP  "a:tick@/srv/app.py"
#define EVAL "_PyEval_EvalFrameDefault@python3.11"
#define JS   "Builtins_InterpreterEntryTrampoline@node +0@[JIT]"
#define SITE "/usr/lib/python3/dist-packages/"
#define LIB  "/usr/lib/python3.11/"

struct told_block {
	const char *call, *target;
	enum target_kind kind;
	unsigned ms;	/* sum */
	unsigned count; /* 0: 1 */
	const char *stack;
	const char *ended_by; /* waker's reason */
	uint64_t object;
};

struct told {
	const char *what, *runtime;
	struct told_block blocks[4];
	const char *sampled;  /* stack of all CPU time */
	struct ledger ledger; /* blocked_ns: added from the blocks */
	uint64_t delay_ns;
	const char *cause, *evidence, *remedy; /* parts of them; NULL not looked at */
	uint32_t connects;
	struct chain chain;
	struct runner ran[FACT_MAX_RUNNERS];
	struct limit limit;
	struct stopper stopper;
	unsigned task_ms; /* of its samples, in the task that has most of them; 0: no tasks */
};

static inline void told_tell(struct story *t, const struct told *told, struct fact_stall *s)
{
	uint32_t loop = story_loop(t, "service", 4121, told->runtime);
	struct ledger l = told->ledger;
	*s = (struct fact_stall){0};
	for (size_t i = 0; i < 4 && told->blocks[i].call; i++) {
		const struct told_block *b = &told->blocks[i];
		unsigned count = b->count ? b->count : 1;
		uint64_t ns = b->ms * MS;
		s->blocks[s->n_blocks++] = (struct block){b->call,
							  b->target ? b->target : "",
							  b->kind,
							  b->object,
							  count,
							  ns,
							  ns / count,
							  {.comm = "", .why = ""},
							  told_stack(t, b->stack)};
		if (b->ended_by)
			s->blocks[i].waker = (struct waker){9001, 9002, "helper", b->ended_by, 0};
		l.blocked_ns += ns;
	}
	if (told->sampled)
		s->samples[s->n_samples++] = (struct sample){l.cpu_ns, told_stack(t, told->sampled),
							     (uint32_t)(l.cpu_ns / (5 * MS))};
	struct fact_stall whole = story_stall_of(t, loop, 1, l, told->delay_ns);
	memcpy(whole.blocks, s->blocks, sizeof whole.blocks);
	memcpy(whole.samples, s->samples, sizeof whole.samples);
	whole.n_blocks = s->n_blocks;
	whole.n_samples = s->n_samples;
	*s = whole;
	s->connects = told->connects;
	s->limit = told->limit;
	s->stopper = told->stopper;
	for (; s->n_runners < FACT_MAX_RUNNERS && told->ran[s->n_runners].pid; s->n_runners++)
		s->runners[s->n_runners] = told->ran[s->n_runners];
	s->chain = told->chain;
	s->task.name = told->task_ms ? "Task-7" : "";
	s->task_ns = told->task_ms * MS;
	verdict_decide(s, 50 * MS);
	culprit_choose(s, t->dictionary);
	cause_decide(s, dictionary_loop(t->dictionary, loop), t->dictionary);
}

static inline void told_check(const struct told *told)
{
	struct story *t = story_new();
	struct fact_stall s;
	told_tell(t, told, &s);
	if (strcmp(s.cause, told->cause) != 0)
		fail_msg("%s: cause \"%s\", not \"%s\" (%s)", told->what, s.cause, told->cause, s.evidence);
	if (told->evidence && !strstr(s.evidence, told->evidence))
		fail_msg("%s: evidence \"%s\" lacks \"%s\"", told->what, s.evidence, told->evidence);
	if (told->remedy && !strstr(s.remedy, told->remedy))
		fail_msg("%s: remedy \"%s\" lacks \"%s\"", told->what, s.remedy, told->remedy);
	assert_int_equal(!s.cause[0], !s.evidence[0]);
	assert_int_equal(!s.cause[0], !s.remedy[0]);
	story_free(t);
}

static inline void told_check_all(const struct told *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		told_check(&cases[i]);
}

static inline int told_run(const char *group, const struct CMUnitTest *tests, size_t n)
{
	told_texts = intern_new();
	assert_non_null(told_texts);
	int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	intern_free(told_texts);
	return failed;
}

#endif
