/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include "machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FD_LOOP	 3 /* and the next */
#define FD_PEER	 8
#define FD_OTHER 9
#define ADDRESS	 0x7000

enum where { GONE, IN_USER, IN_CALL, IN_WAIT };
enum how { ON_CPU, IS_BLOCKED, IS_RUNNABLE, IS_STOPPED };

struct actor {
	struct task_struct *task;
	enum where where;
	enum how how;
	bool is_woken;
	uint32_t loop;
	int timeout_ms;
};

struct stage {
	const struct story *story;
	struct log *log;
	struct actor actors[STORY_THREADS];
};

static void note(struct stage *s, uint32_t thread, struct log_event e)
{
	e.thread = thread;
	e.at_ns = machine_now();
	if (s->log->n < LOG_EVENTS)
		s->log->events[s->log->n++] = e;
}

/* --- actions: each returns without doing anything where it cannot happen */

static void act_wait(struct stage *s, const struct action *a)
{
	static const int timeouts[] = {-1, 0, 0, 5, 50, 1000};
	struct actor *x = &s->actors[a->thread];
	if (x->where != IN_USER || x->how != ON_CPU)
		return;
	x->where = IN_WAIT;
	x->loop = s->story->shape.fixed_loops ? a->thread % s->story->shape.loops : a->loop;
	x->timeout_ms = timeouts[a->choice % 6];
	note(s, a->thread,
	     (struct log_event){.kind = LOG_ENTER, .loop = x->loop, .timeout_ms = x->timeout_ms});
	task_waits(x->task, FD_LOOP + x->loop, x->timeout_ms);
}

static void act_return(struct stage *s, const struct action *a)
{
	static const long results[] = {0, 0, 1, 2, -4};
	struct actor *x = &s->actors[a->thread];
	long ret = results[a->choice % 5];
	if (x->where != IN_WAIT || x->how != ON_CPU || (x->timeout_ms < 0 && ret == 0))
		return;
	x->where = IN_USER;
	note(s, a->thread, (struct log_event){.kind = LOG_RETURN, .loop = x->loop, .ret = ret});
	task_returns(x->task, ret);
}

static void act_block(struct stage *s, const struct action *a)
{
	struct actor *x = &s->actors[a->thread];
	enum block_key key = x->where == IN_WAIT ? KEY_WAIT : a->choice % KEY_WAIT;
	if (x->where == GONE || x->how != ON_CPU || (x->where == IN_WAIT && x->timeout_ms == 0))
		return;
	if (key == KEY_SOCKET || key == KEY_OTHER_SOCKET)
		task_calls(x->task, NR_READ, key == KEY_SOCKET ? FD_PEER : FD_OTHER, 0);
	else if (key == KEY_FUTEX)
		task_calls(x->task, NR_FUTEX, ADDRESS, 0);
	if (x->where == IN_USER)
		x->where = IN_CALL;
	x->how = IS_BLOCKED;
	x->is_woken = false;
	note(s, a->thread, (struct log_event){.kind = LOG_BLOCK, .key = key});
	task_off(x->task, OFF_BLOCKED);
}

static void act_preempt(struct stage *s, const struct action *a)
{
	static const enum off_how ways[] = {OFF_PREEMPTED, OFF_PREEMPTED_LATE, OFF_PREEMPTED_BLOCKING};
	struct actor *x = &s->actors[a->thread];
	if (x->where == GONE || x->how != ON_CPU)
		return;
	x->how = IS_RUNNABLE;
	note(s, a->thread, (struct log_event){.kind = LOG_PREEMPT});
	task_off(x->task, ways[a->choice % 3]);
}

static void act_stop(struct stage *s, const struct action *a)
{
	struct actor *x = &s->actors[a->thread];
	if (x->where != IN_USER || x->how != ON_CPU)
		return;
	x->how = IS_STOPPED;
	x->is_woken = false;
	note(s, a->thread, (struct log_event){.kind = LOG_STOP});
	task_off(x->task, OFF_STOPPED);
}

static void act_wake(struct stage *s, const struct action *a)
{
	struct actor *x = &s->actors[a->thread], *by = &s->actors[a->choice % STORY_THREADS];
	if ((x->how != IS_BLOCKED && x->how != IS_STOPPED) || x->is_woken)
		return;
	x->is_woken = true;
	note(s, a->thread, (struct log_event){.kind = LOG_WOKEN});
	task_woken(x->task, by->where != GONE && by->how == ON_CPU ? by->task : NULL);
}

static void act_run(struct stage *s, const struct action *a)
{
	struct actor *x = &s->actors[a->thread];
	if (x->where == GONE || x->how == ON_CPU || (x->how != IS_RUNNABLE && !x->is_woken))
		return;
	x->how = ON_CPU;
	note(s, a->thread, (struct log_event){.kind = LOG_ON});
	task_on(x->task);
	if (x->where == IN_CALL) {
		x->where = IN_USER;
		task_in_user_mode(x->task);
	}
}

static void thread_arrives(struct stage *s, uint32_t n)
{
	s->actors[n] = (struct actor){.task = task_new(STORY_TGID, STORY_TID(n), "actor"), .where = IN_USER};
}

/* Dies where it is, and another one gets its number. */
static void act_die(struct stage *s, const struct action *a)
{
	struct actor *x = &s->actors[a->thread];
	int signal = a->choice % 2 ? 9 : 0;
	if (x->where == GONE || x->how != ON_CPU || !s->story->shape.deaths || a->choice % 8 > 1)
		return;
	note(s, a->thread, (struct log_event){.kind = LOG_DEATH, .signal = signal});
	task_exits(x->task, signal, false);
	task_off(x->task, OFF_BLOCKED);
	machine_release_dead();
	thread_arrives(s, a->thread);
}

static void (*const acts[])(struct stage *s, const struct action *a) = {
	act_wait, act_wait, act_return, act_return, act_block, act_preempt,
	act_stop, act_wake, act_wake,	act_run,    act_run,   act_die,
};

#define ACTS (sizeof acts / sizeof acts[0])

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull >> 16;
}

/* Every order of magnitude from a nanosecond to 100 ms is as likely. */
static uint64_t random_pass(uint64_t *state)
{
	uint64_t most = 1, power = random_next(state) % 9;
	while (power--)
		most *= 10;
	return 1 + random_next(state) % most;
}

void story_make(struct story *s, const struct story_shape *shape, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

	memset(s, 0, sizeof *s);
	s->shape = *shape;
	s->n = STORY_ACTIONS;
	for (int i = 0; i < 8; i++)
		random_next(&state);
	for (size_t i = 0; i < s->n; i++)
		s->actions[i] = (struct action){
			.what = (uint32_t)(random_next(&state) % ACTS),
			.thread = (uint32_t)(random_next(&state) % shape->threads),
			.loop = (uint32_t)(random_next(&state) % shape->loops),
			.choice = (uint32_t)random_next(&state),
			.pass_ns = random_pass(&state),
		};
	if (shape->hides)
		s->actions[random_next(&state) % s->n].hidden = true;
}

static bool is_switch(uint32_t what)
{
	return acts[what] == act_block || acts[what] == act_preempt || acts[what] == act_stop ||
	       acts[what] == act_wake || acts[what] == act_run;
}

void story_tell(const struct story *s, struct log *log)
{
	struct stage stage = {.story = s, .log = log};

	log->n = 0;
	machine_start(NULL);
	machine_config()->record_ns = s->shape.record_ns;
	for (uint32_t i = 0; i < s->shape.threads; i++)
		thread_arrives(&stage, i);
	for (uint32_t i = 0; i < s->shape.loops; i++)
		task_opens_epoll(stage.actors[0].task, FD_LOOP + i, STORY_OBJECT(i));
	task_opens_socket(stage.actors[0].task, FD_PEER, "10.0.3.9", 5432, 40000);
	task_opens_socket(stage.actors[0].task, FD_OTHER, "10.0.3.9", 6379, 40001);
	for (size_t i = 0; i < s->n; i++) {
		machine_pass(s->actions[i].pass_ns);
		machine_hide(s->actions[i].hidden && is_switch(s->actions[i].what));
		acts[s->actions[i].what](&stage, &s->actions[i]);
		machine_hide(0);
	}
}

void story_print(const struct log *log)
{
	static const char *const kinds[] = {"enters",	  "returns",  "blocks", "is preempted",
					    "is stopped", "is woken", "runs",	"dies"};
	static const char *const keys[] = {"socket", "other socket", "futex", "fault", "wait"};

	for (size_t i = 0; i < log->n; i++) {
		const struct log_event *e = &log->events[i];
		fprintf(stderr, "  %14.6f ms  thread %u %s", (double)(e->at_ns - log->events[0].at_ns) / 1e6,
			e->thread, kinds[e->kind]);
		switch (e->kind) {
		case LOG_ENTER: fprintf(stderr, " loop %u, timeout %d ms\n", e->loop, e->timeout_ms); break;
		case LOG_RETURN: fprintf(stderr, " from loop %u with %ld\n", e->loop, e->ret); break;
		case LOG_BLOCK: fprintf(stderr, " in %s\n", keys[e->key]); break;
		case LOG_DEATH: fprintf(stderr, " by signal %d\n", e->signal); break;
		default: fprintf(stderr, "\n"); break;
		}
	}
}
