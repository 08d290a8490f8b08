/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cause.h"

#include "base/array.h"
#include "base/clean.h"
#include "model/collector.h"
#include "model/culprit.h"
#include "model/evidence.h"
#include "model/remedy.h"
#include "model/service.h"

#include <string.h>

#define BIT(n) (1u << (n))

/* --- kinds of waiting: which blocks of a stall count towards a cause ----------------------------- */

static bool calls_one_of(const struct block *b, const char *const *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(b->call, calls[i]))
			return true;
	return false;
}

static bool is_fork(const struct block *b)
{
	static const char *const calls[] = {"vfork", "fork", "clone", "clone3"};
	return calls_one_of(b, calls, ARRAY_LEN(calls));
}

static bool has_forked(const struct scene *sc)
{
	for (size_t i = 0; i < sc->n_waits; i++)
		if (is_fork(sc->waits[i].block) || sc->waits[i].block->kind == TARGET_CHILD)
			return true;
	return false;
}

/* The parent stands still until the child has begun its program; what it does then is another matter. */
static bool is_for_start(const struct scene *sc, const struct wait *w)
{
	return is_fork(w->block) || library_has_function(sc->dictionary, w->block->stack, "uv_spawn") ||
	       library_has_function(sc->dictionary, w->block->stack, "*_execute_child");
}

/* The JVM waits for its children in threads of its own, by this name, and whoever wants to know waits for those. */
static bool is_for_reaper(const struct scene *sc, const struct wait *w)
{
	static const char reaper[] = "process reaper";
	bool is_jvm = sc->loop && !strncmp(sc->loop->runtime, "jvm", strlen("jvm"));
	return is_jvm && w->block->kind == TARGET_FUTEX && w->block->waker.tid && w->block->waker.comm &&
	       !strncmp(w->block->waker.comm, reaper, strlen(reaper));
}

/* A pipe may lead to any process: to a child if one was made or ended in this stall, or its library says so. */
static bool is_for_child(const struct scene *sc, const struct wait *w)
{
	const struct block *b = w->block;
	bool between = b->kind == TARGET_PIPE || b->kind == TARGET_ANON || b->kind == TARGET_UNIX;
	if (b->kind == TARGET_CHILD || is_fork(b) || is_for_reaper(sc, w) ||
	    (w->trace.kinds & BIT(LIBRARY_PROCESS)))
		return true;
	if (!between || !strstr(b->target, "pid "))
		return false;
	return has_forked(sc) || (b->waker.tid && b->waker.pid != sc->stall->pid && b->waker.why &&
				  !strcmp(b->waker.why, "exit"));
}

/* An epoll object that is not the loop's own: a second loop, run inside the first until it has what it wants. */
static bool is_for_nested(const struct scene *sc, const struct wait *w)
{
	static const char epoll[] = "eventpoll";
	(void)sc;
	return w->block->kind == TARGET_ANON && !strncmp(w->block->target, epoll, strlen(epoll));
}

static bool is_for_gil(const struct scene *sc, const struct wait *w)
{
	return w->block->kind == TARGET_GIL ||
	       (w->block->kind == TARGET_FUTEX && library_takes_gil(sc->dictionary, w->block->stack));
}

static bool is_for_collector(const struct scene *sc, const struct wait *w)
{
	return collector_pause(sc->stall, w->block, sc->loop, sc->dictionary) == PAUSE_COLLECTION;
}

static bool is_for_safepoint(const struct scene *sc, const struct wait *w)
{
	return collector_pause(sc->stall, w->block, sc->loop, sc->dictionary) == PAUSE_SAFEPOINT;
}

static bool is_for_sqlite(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return w->trace.kinds & BIT(LIBRARY_SQLITE);
}

static bool is_sleep(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return w->block->kind == TARGET_SLEEP || (w->trace.kinds & BIT(LIBRARY_SLEEP));
}

static bool is_for_name(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return (w->service && w->service->kind == SERVICE_DNS) || (w->trace.kinds & BIT(LIBRARY_DNS));
}

static bool is_for_disk(const struct scene *sc, const struct wait *w)
{
	static const char *const calls[] = {"fsync", "fdatasync", "sync_file_range",
					    "msync", "syncfs",	  "sync"};
	(void)sc;
	return calls_one_of(w->block, calls, ARRAY_LEN(calls));
}

static bool is_for_file_lock(const struct scene *sc, const struct wait *w)
{
	static const char *const calls[] = {"flock", "fcntl"};
	(void)sc;
	return calls_one_of(w->block, calls, ARRAY_LEN(calls));
}

static bool is_for_lock(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return w->block->kind == TARGET_FUTEX;
}

static bool is_for_peer(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return w->block->kind == TARGET_INET || w->block->kind == TARGET_UNIX;
}

static bool is_for_db(const struct scene *sc, const struct wait *w)
{
	return is_for_peer(sc, w) &&
	       ((w->trace.kinds & BIT(LIBRARY_DB)) || (w->service && w->service->kind == SERVICE_DB));
}

static bool is_for_http(const struct scene *sc, const struct wait *w)
{
	return is_for_peer(sc, w) &&
	       ((w->trace.kinds & BIT(LIBRARY_HTTP)) || (w->service && w->service->kind == SERVICE_HTTP));
}

/* A FIFO has a path: opened and read like a file, whoever is at its other end. */
static bool is_fifo(const struct block *b)
{
	return b->kind == TARGET_PIPE && b->target[0] == '/';
}

/* Some libraries have their sockets in a thread of their own and wait for that one, by an eventfd. */
static bool is_for_library(const struct wait *w)
{
	return w->block->kind == TARGET_ANON && w->trace.called && w->trace.called->kind == LIBRARY_OTHER;
}

static bool is_for_other(const struct scene *sc, const struct wait *w)
{
	return is_for_peer(sc, w) || is_for_library(w) ||
	       (w->block->kind == TARGET_PIPE && !is_fifo(w->block));
}

static bool is_for_file(const struct scene *sc, const struct wait *w)
{
	(void)sc;
	return w->block->kind == TARGET_FILE || w->block->kind == TARGET_PATH || is_fifo(w->block) ||
	       (w->trace.kinds & BIT(LIBRARY_FILE));
}

/* --- more that must hold ------------------------------------------------------------------------- */

#define MANY_CALLS 16

/* One peer, none of the waits long by itself. */
static bool are_many(const struct scene *sc, const struct share *sh)
{
	(void)sc;
	return sh->count >= MANY_CALLS && sh->max_ns <= sh->ns / 4 &&
	       sh->same_target_ns >= sh->ns - sh->ns / 4;
}

static bool is_reclaim(const struct scene *sc, const struct share *sh)
{
	const struct ledger *l = &sc->stall->ledger;
	(void)sh;
	return l->reclaim_ns && l->reclaim_ns >= l->fault_ns;
}

/* Nothing to speak of was waited for once the child ran. */
static bool is_start_only(const struct scene *sc, const struct share *sh)
{
	uint64_t after_ns = 0;
	for (size_t i = 0; i < sc->n_waits; i++)
		if (!is_for_start(sc, &sc->waits[i]) && is_for_child(sc, &sc->waits[i]))
			after_ns += sc->waits[i].block->sum_ns;
	return after_ns < sh->ns / 10;
}

/* Rather than on CPU. */
static bool is_waiting(const struct scene *sc, const struct share *sh)
{
	return sh->ns >= sc->stall->ledger.cpu_ns;
}

/* On CPU in the collector for at least half of what was sampled. */
static bool is_collecting(const struct scene *sc, const struct share *sh)
{
	(void)sh;
	return sc->sampled_ns && sc->collecting_ns >= sc->sampled_ns - sc->sampled_ns / 2;
}

/* Reads and writes that cost CPU: most samples are in them, and some of them waited for a file, so that it is no socket. */
static bool are_copies(const struct scene *sc, const struct share *sh)
{
	return sh->ns >= sc->stall->lag_ns / 50 && sc->sampled_ns &&
	       sc->in_file_calls_ns >= sc->sampled_ns - sc->sampled_ns / 2;
}

/*
 * So many connections begun in one gap that they are what it was about: each costs a fraction of a millisecond, and code that
 * computes for longer between two of them is another matter.
 */
#define MANY_CONNECTS	16
#define CONNECT_MOST_NS 4000000u

bool cause_is_flood(const struct fact_stall *s)
{
	return s->connects >= MANY_CONNECTS && s->ledger.cpu_ns / s->connects <= CONNECT_MOST_NS;
}

static bool are_connects(const struct scene *sc, const struct share *sh)
{
	(void)sh;
	return cause_is_flood(sc->stall);
}

/*
 * Three steps, and sixteen times the first of them: callbacks that make more callbacks than they were. What begins as short as an
 * ordinary gap takes one more, each by the same on the average: three that happen to be in order are common there.
 */
#define MANY_STEPS	3
#define MUCH_GROWTH	16
#define ORDINARY_NS	500000u
#define ORDINARY_STEPS	4
#define ORDINARY_GROWTH 64

bool cause_is_cascade(const struct fact_stall *s)
{
	const struct chain *c = &s->chain;
	if (c->grown_from_ns < ORDINARY_NS)
		return c->growth >= ORDINARY_STEPS && c->last_ns / ORDINARY_GROWTH >= c->grown_from_ns;
	return c->growth >= MANY_STEPS && c->last_ns / MUCH_GROWTH >= c->grown_from_ns;
}

static bool is_growing(const struct scene *sc, const struct share *sh)
{
	(void)sh;
	return cause_is_cascade(sc->stall);
}

/*
 * One application function, in one task where there are tasks, is the gap, and no growth led to it. Time in a library has the
 * library's remedy, and a few samples are none.
 */
#define FEW_SAMPLES 4

static bool is_most(uint64_t part_ns, uint64_t whole_ns)
{
	return part_ns >= whole_ns - whole_ns / 5;
}

static bool is_one_function(const struct scene *sc, const struct share *sh)
{
	const struct fact_stall *s = sc->stall;
	if (sh->library || !s->chain.gaps || s->chain.growth > 1 || sc->samples < FEW_SAMPLES)
		return false;
	if (s->task.name && s->task.name[0] && !is_most(s->task_ns, sc->sampled_ns))
		return false;
	return culprit_called(s, sc->dictionary, HOT_PERCENT).frame;
}

/* --- remedies by what is behind a cause ------------------------------------------------------------ */

/* Other threads of the process rather than other processes, or none of both. */
static const char *who_ran(const struct scene *sc)
{
	const struct ledger *l = &sc->stall->ledger;
	uint64_t own_ns = 0, others_ns = 0, waited_ns = l->runnable_ns + sc->stall->delay_ns;
	if (l->stolen_ns + l->interrupts_ns > waited_ns)
		return l->stolen_ns > l->interrupts_ns ? "stolen" : "interrupts";
	for (uint32_t i = 0; i < sc->stall->n_runners && i < FACT_MAX_RUNNERS; i++) {
		const struct runner *r = &sc->stall->runners[i];
		own_ns += r->own ? r->ns : 0;
		others_ns += r->own ? 0 : r->ns;
	}
	return own_ns > others_ns ? "no_cpu_own" : "no_cpu";
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len >= n && !strcmp(text + len - n, end);
}

/* Where its limit is written down. */
static const char *whose_limit(const struct scene *sc)
{
	const char *cgroup = sc->stall->limit.cgroup ? sc->stall->limit.cgroup : "";
	if (ends_in(cgroup, ".service") || (ends_in(cgroup, ".slice") && !strstr(cgroup, "kubepods")))
		return "throttled_unit";
	if (sc->loop && sc->loop->container[0] && cgroup[0])
		return "throttled_container";
	static const char *const by_version[] = {"throttled", "throttled_v1", "throttled_v2"};
	uint32_t version = sc->stall->limit.version;
	return by_version[version < ARRAY_LEN(by_version) ? version : 0];
}

static const char *who_stopped(const struct scene *sc)
{
	static const char *const stops[STOPS] = {[STOP_UNKNOWN] = "stopped",
						 [STOP_SIGNAL] = "stopped_signal",
						 [STOP_FROZEN] = "stopped_frozen",
						 [STOP_TRACED] = "stopped_traced"};
	const struct stopper *s = &sc->stall->stopper;
	if (s->by == STOP_SIGNAL && s->pid)
		return "stopped_sent";
	return stops[(unsigned)s->by < STOPS ? s->by : STOP_UNKNOWN];
}

/* --- the rules ----------------------------------------------------------------------------------- */

#define WAITING (BIT(VERDICT_BLOCKED) | BIT(VERDICT_LOCK))

static const struct rule {
	const char *cause;
	unsigned verdicts;
	/* The blocks that count: they must be half of the blocked time. NULL: the rule looks at the whole stall. */
	bool (*counts)(const struct scene *sc, const struct wait *w);
	bool (*holds)(const struct scene *sc, const struct share *sh); /* NULL: nothing else is asked */
	void (*tell)(struct evidence *e, const struct scene *sc, const struct share *sh);
	const char *(*variant)(
		const struct scene *sc); /* whose remedy; NULL: the cause's, or the library's */
} rules[] = {
	{"stopped", BIT(VERDICT_STOPPED), NULL, NULL, evidence_stopped, who_stopped},
	{"throttled", BIT(VERDICT_THROTTLED), NULL, NULL, evidence_throttled, whose_limit},
	{"no_cpu", BIT(VERDICT_STARVED), NULL, NULL, evidence_no_cpu, who_ran},
	{"reclaim", BIT(VERDICT_FAULT), NULL, is_reclaim, evidence_reclaim},
	{"faults", BIT(VERDICT_FAULT), NULL, NULL, evidence_faults},
	{"gil", WAITING | BIT(VERDICT_GIL), is_for_gil, NULL, evidence_gil},
	{"gc", BIT(VERDICT_GC) | WAITING, is_for_collector, is_waiting, evidence_gc_wait},
	{"gc", BIT(VERDICT_GC), NULL, NULL, evidence_gc},
	{"safepoint", WAITING, is_for_safepoint, NULL, evidence_safepoint},
	{"spawn", WAITING, is_for_start, is_start_only, evidence_call},
	{"subprocess", WAITING, is_for_child, NULL, evidence_child},
	{"nested_loop", WAITING, is_for_nested, NULL, evidence_call},
	{"sqlite", WAITING, is_for_sqlite, NULL, evidence_sqlite},
	{"sleep", WAITING, is_sleep, NULL, evidence_sleep},
	{"dns", WAITING, is_for_name, NULL, evidence_peer},
	{"fsync", WAITING, is_for_disk, NULL, evidence_call},
	{"file_lock", WAITING, is_for_file_lock, NULL, evidence_call},
	{"lock", WAITING, is_for_lock, NULL, evidence_lock},
	{"many_calls", WAITING, is_for_peer, are_many, evidence_many},
	{"sync_db", WAITING, is_for_db, NULL, evidence_peer},
	{"sync_http", WAITING, is_for_http, NULL, evidence_peer},
	{"sync_io", WAITING, is_for_other, NULL, evidence_peer},
	{"file_io", WAITING, is_for_file, NULL, evidence_call},
	{"gc", BIT(VERDICT_CPU), NULL, is_collecting, evidence_gc},
	{"file_io", BIT(VERDICT_CPU), is_for_file, are_copies, evidence_copying},
	{"flood", BIT(VERDICT_CPU), NULL, are_connects, evidence_flood},
	{"cascade", BIT(VERDICT_CPU), NULL, is_growing, evidence_cascade},
	{"hot_loop", BIT(VERDICT_CPU), NULL, is_one_function, evidence_hot_loop},
	{"cpu", BIT(VERDICT_CPU), NULL, NULL, evidence_cpu},
};

/* --- what the rules look at ---------------------------------------------------------------------- */

static void look_at_blocks(struct scene *sc)
{
	const struct fact_stall *s = sc->stall;
	for (uint32_t i = 0; i < s->n_blocks && i < FACT_MAX_BLOCKS; i++) {
		const struct block *b = &s->blocks[i];
		struct wait *w = &sc->waits[sc->n_waits++];
		bool has_peer = b->kind == TARGET_INET || b->kind == TARGET_UNIX;
		*w = (struct wait){b, library_of_stack(sc->dictionary, b->stack),
				   has_peer ? service_of(b->target) : NULL};
		sc->blocked_ns += b->sum_ns;
	}
	if (sc->blocked_ns < s->ledger.blocked_ns)
		sc->blocked_ns = s->ledger.blocked_ns;
}

static void look_at_samples(struct scene *sc)
{
	const struct fact_stall *s = sc->stall;
	struct {
		const struct library *library;
		uint64_t ns;
	} seen[FACT_MAX_SAMPLES];
	size_t n = 0;
	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++) {
		struct library_trace trace = library_of_stack(sc->dictionary, s->samples[i].stack);
		size_t at = 0;
		sc->sampled_ns += s->samples[i].ns;
		sc->samples += s->samples[i].n;
		if (library_calls_file(sc->dictionary, s->samples[i].stack))
			sc->in_file_calls_ns += s->samples[i].ns;
		sc->collecting_ns += trace.kinds & BIT(LIBRARY_GC) ? s->samples[i].ns : 0;
		if (!trace.called)
			continue;
		while (at < n && seen[at].library != trace.called)
			at++;
		seen[at].ns = (at < n ? seen[at].ns : 0) + s->samples[i].ns;
		seen[at].library = trace.called;
		n += at == n;
	}
	if (sc->collecting_ns < s->collecting_ns)
		sc->collecting_ns =
			s->collecting_ns; /* known also where the collector's functions have no names */
	for (size_t i = 0; i < n; i++)
		if (seen[i].ns >= sc->sampled_ns - sc->sampled_ns / 2)
			sc->computing = seen[i].library;
}

static void add_wait(struct share *sh, const struct wait *w)
{
	const struct block *b = w->block;
	sh->ns += b->sum_ns;
	sh->count += b->count;
	if (b->max_ns > sh->max_ns)
		sh->max_ns = b->max_ns;
	if (!sh->main)
		sh->main = w; /* blocks are sorted: the longest */
	if (!strcmp(b->target, sh->main->block->target))
		sh->same_target_ns += b->sum_ns;
	if (!sh->library)
		sh->library = w->trace.called;
}

static struct share share_of(const struct scene *sc, const struct rule *r)
{
	struct share sh = {0};
	for (size_t i = 0; i < sc->n_waits; i++)
		if (r->counts(sc, &sc->waits[i]))
			add_wait(&sh, &sc->waits[i]);
	return sh;
}

static bool applies(const struct rule *r, const struct scene *sc, struct share *sh)
{
	*sh = (struct share){0};
	if (!(r->verdicts & BIT(sc->stall->verdict)))
		return false;
	if (r->counts) {
		*sh = share_of(sc, r);
		if (!sh->ns || sh->ns < sc->blocked_ns - sc->blocked_ns / 2)
			return false;
	} else {
		sh->library = sc->computing;
	}
	return !r->holds || r->holds(sc, sh);
}

/* Did most of its samples hold the interpreter's lock, or not? Both false where that is not known. */
static void look_at_gil(const struct fact_stall *s, bool *held, bool *released)
{
	uint64_t n_held = 0, n_released = 0;
	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++) {
		n_held += s->samples[i].gil_held;
		n_released += s->samples[i].gil_released;
	}
	*held = n_held > n_released;
	*released = n_released > n_held;
}

/* A free-threaded build by its version's last letter: "cpython 3.13t". */
static bool is_free_threaded(const struct fact_loop *l)
{
	const char *version = l && !strncmp(l->runtime, "cpython ", strlen("cpython ")) ? l->runtime : "";
	size_t len = strlen(version);
	return len && version[len - 1] == 't';
}

/* One function that computes or several: what helps is the same where the interpreter's lock was not held. */
static bool is_computing(const char *cause)
{
	return !strcmp(cause, "cpu") || !strcmp(cause, "hot_loop");
}

/* What talks to a peer has a form that yields, which a thread only stands in for. */
static bool is_client(const struct library *library)
{
	return library->remedy && (library->kind == LIBRARY_HTTP || library->kind == LIBRARY_DB);
}

/* Whether a thread helps is seen in the samples; what is known of the build or of a library only stands in for it. */
static const char *remedy_of_computing(const struct scene *sc, const char *cause,
				       const struct library *library, uint32_t stack)
{
	bool held, released;
	look_at_gil(sc->stall, &held, &released);
	if (!held && !released && is_free_threaded(sc->loop))
		return remedy_for("cpu_unlocked", NULL, sc->loop, sc->dictionary, stack);
	if (released && !(library && is_client(library)))
		return remedy_for("cpu_released", NULL, sc->loop, sc->dictionary, stack);
	if (held && library && library->kind == LIBRARY_RELEASES)
		library = NULL;
	if (library && library->kind == LIBRARY_SQLITE)
		cause = "query";
	return remedy_for(cause, library, sc->loop, sc->dictionary, stack);
}

void cause_decide(struct fact_stall *s, const struct fact_loop *l, const struct dictionary *d)
{
	struct scene sc = {.stall = s, .loop = l, .dictionary = d};
	struct share sh;
	s->cause = s->remedy = "";
	memset(s->evidence, 0, sizeof s->evidence);
	look_at_blocks(&sc);
	look_at_samples(&sc);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (!applies(&rules[i], &sc, &sh))
			continue;
		struct evidence e = {{0}};
		rules[i].tell(&e, &sc, &sh);
		evidence_end(&e, &sc, s->evidence);
		uint32_t stack = sh.main && sh.main->block->stack ? sh.main->block->stack : s->culprit_stack;
		s->cause = rules[i].cause;
		if (rules[i].variant)
			s->remedy = remedy_for(rules[i].variant(&sc), NULL, l, d, stack);
		else if (is_computing(s->cause))
			s->remedy = remedy_of_computing(&sc, s->cause, sh.library, stack);
		else
			s->remedy = remedy_for(s->cause, sh.library, l, d, stack);
		return;
	}
}

void cause_of_saturation(struct fact_saturated *s, uint64_t elapsed_ns, const struct dictionary *d)
{
	struct evidence e = {{0}};
	memset(s->evidence, 0, sizeof s->evidence);
	evidence_saturated(&e, s, elapsed_ns, d);
	clean_fit(s->evidence, sizeof s->evidence, bytes_text(&e.text));
	bytes_free(&e.text);
}
