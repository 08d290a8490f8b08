/* SPDX-License-Identifier: Apache-2.0 */
#include "model/evidence.h"

#include "base/array.h"
#include "base/clean.h"
#include "base/duration.h"
#include "model/culprit.h"

#include <string.h>

static unsigned percent(uint64_t part_ns, uint64_t whole_ns)
{
	if (!whole_ns || part_ns >= whole_ns)
		return 100;
	unsigned rounded = (unsigned)((double)part_ns * 100 / (double)whole_ns + 0.5);
	return rounded < 100 ? rounded : 99;
}

/* The root of the whole growth, by halving: a library for one root would be much. */
double chain_factor(const struct chain *c)
{
	double whole = c->growth && c->grown_from_ns ? (double)c->last_ns / (double)c->grown_from_ns : 1;
	double low = 1, high = whole > 1 ? whole : 1;
	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2, product = 1;
		for (uint32_t k = 0; k < c->growth && product < whole; k++)
			product *= middle;
		*(product < whole ? &low : &high) = middle;
	}
	return high;
}

void evidence_duration(struct evidence *e, uint64_t ns)
{
	char text[DURATION_TEXT_BYTES];
	bytes_puts(&e->text, duration_text(ns, text));
}

void evidence_part(struct evidence *e, const struct scene *sc, uint64_t ns)
{
	evidence_duration(e, ns);
	bytes_printf(&e->text, ", %u %% of the lag", percent(ns, sc->stall->lag_ns));
}

static void put_share(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	bytes_puts(&e->text, ": ");
	if (sh->count > 1)
		bytes_printf(&e->text, "%llu waits, ", (unsigned long long)sh->count);
	evidence_part(e, sc, sh->ns);
	if (sh->library)
		bytes_printf(&e->text, ", by %s", sh->library->name);
}

#define NAME_BYTES 56 /* of a function: templates are longer than all the rest */

void evidence_frame(struct bytes *out, const struct fact_frame *f)
{
	char name[NAME_BYTES];
	clean_fit(name, sizeof name, f->function);
	if (name[0])
		bytes_puts(out, name);
	else if (f->kind == FRAME_JS)
		bytes_puts(out, "JavaScript");
	else if (!strcmp(f->object, "[JIT]"))
		bytes_puts(out, f->object);
	else
		bytes_printf(out, "%s+0x%llx", f->object[0] ? f->object : "?", (unsigned long long)f->offset);
	if (f->file[0] && f->line)
		bytes_printf(out, " (%s:%u)", f->file, f->line);
}

static void put_frame(struct evidence *e, const struct fact_frame *f)
{
	evidence_frame(&e->text, f);
}

/* --- waiting ------------------------------------------------------------------------------------- */

/* "pid 25694 (sleep)" out of "2 pipes of pid 25694 (sleep)"; NULL if no process is named. */
static const char *process_in(const char *target)
{
	return strstr(target, "pid ");
}

/* The longest wait need not be the one that names the child: a vfork() does not, the pipe beside it does. */
static const char *child_of(const struct scene *sc, const struct share *sh)
{
	const char *named = process_in(sh->main->block->target);
	for (size_t i = 0; !named && i < sc->n_waits; i++)
		if (sc->waits[i].block->kind == TARGET_CHILD || sc->waits[i].block->kind == TARGET_PIPE)
			named = process_in(sc->waits[i].block->target);
	return named;
}

void evidence_child(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const char *child = child_of(sc, sh);
	bytes_printf(&e->text, "child %s", child ? child : "process");
	put_share(e, sc, sh);
}

void evidence_sleep(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct block *b = sh->main->block;
	bytes_puts(&e->text, b->call);
	if (b->kind == TARGET_SLEEP && b->object) {
		bytes_puts(&e->text, " of ");
		evidence_duration(e, b->object);
	}
	put_share(e, sc, sh);
}

void evidence_sqlite(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct block *b = sh->main->block;
	if (b->kind == TARGET_SLEEP)
		bytes_puts(&e->text,
			   "SQLite's busy handler slept until another connection let go of its lock");
	else
		bytes_printf(&e->text, "SQLite in %s%s%s", b->call, b->target[0] ? " " : "", b->target);
	put_share(e, sc, sh);
}

static void put_peer(struct evidence *e, const struct wait *w)
{
	const char *target = w->block->target;
	if (w->service)
		bytes_printf(&e->text, "%s at %s", w->service->name, target);
	else
		bytes_printf(&e->text, "%s %s", w->block->call, target[0] ? target : "on an unknown peer");
}

void evidence_peer(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	put_peer(e, sh->main);
	put_share(e, sc, sh);
}

void evidence_many(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	put_peer(e, sh->main);
	bytes_printf(&e->text, ": %llu waits one after another, ", (unsigned long long)sh->count);
	evidence_duration(e, sh->ns / sh->count);
	bytes_printf(&e->text, " each, ");
	evidence_part(e, sc, sh->ns);
	if (sh->library)
		bytes_printf(&e->text, ", by %s", sh->library->name);
}

void evidence_call(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct block *b = sh->main->block;
	bytes_printf(&e->text, "%s%s%s", b->call, b->target[0] ? " of " : "", b->target);
	put_share(e, sc, sh);
}

/* Who let go of it at the end, and the innermost frame of its own that it did so from. */
static void put_holder(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct waker *holder = &sh->main->block->waker;
	const struct fact_stack *stack =
		holder->stack ? dictionary_stack(sc->dictionary, holder->stack) : NULL;
	if (!holder->tid || !holder->comm || !holder->comm[0]) {
		bytes_puts(&e->text, "holder not seen");
		return;
	}
	bytes_printf(&e->text, "held by %s[%u]", holder->comm, holder->tid);
	for (uint32_t i = 0; stack && i < stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(sc->dictionary, stack->frames[i]);
		if (!f || !f->application)
			continue;
		bytes_puts(&e->text, " in ");
		put_frame(e, f);
		return;
	}
}

void evidence_lock(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	put_holder(e, sc, sh);
	put_share(e, sc, sh);
}

void evidence_gil(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	put_holder(e, sc, sh);
	put_share(e, sc, sh);
}

/* Who let them go on; its stack then says nothing of what it had done before. */
static void put_stopper(struct evidence *e, const struct share *sh)
{
	const struct waker *w = &sh->main->block->waker;
	if (w->tid && w->comm && w->comm[0])
		bytes_printf(&e->text, ", ended by %s[%u]", w->comm, w->tid);
}

void evidence_gc_wait(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	bytes_puts(&e->text, "a pause of the collector");
	if (sc->stall->collector_ns) {
		bytes_puts(&e->text, ", whose threads ran for ");
		evidence_duration(e, sc->stall->collector_ns);
	}
	put_stopper(e, sh);
	put_share(e, sc, sh);
}

void evidence_safepoint(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	bytes_puts(&e->text, "the JVM stopped all threads at a safepoint");
	put_stopper(e, sh);
	bytes_puts(&e->text, ", not for a collection");
	put_share(e, sc, sh);
}

/* --- on CPU -------------------------------------------------------------------------------------- */

/* "97 % of 35 samples" */
static void put_samples(struct evidence *e, const struct scene *sc, uint64_t ns)
{
	/* Samples are estimates: of a short stall they may stand for more than all of it. */
	uint64_t lag_ns = sc->stall->lag_ns, whole_ns = sc->sampled_ns < lag_ns ? sc->sampled_ns : lag_ns;
	bytes_printf(&e->text, "%u %% of %u sample%s", percent(ns, whole_ns), sc->samples,
		     sc->samples == 1 ? "" : "s");
}

void evidence_gc(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	bytes_puts(&e->text, "garbage collection");
	if (!sc->collecting_ns)
		return;
	bytes_puts(&e->text, ": ");
	put_samples(e, sc, sc->collecting_ns);
}

/* ", load (svc.py:7) in 97 % of 35 samples" */
static void put_function(struct evidence *e, const struct scene *sc, const struct culprit *c)
{
	const struct fact_frame *f = c->frame ? dictionary_frame(sc->dictionary, c->frame) : NULL;
	if (!f || !sc->sampled_ns)
		return;
	bytes_puts(&e->text, ", ");
	put_frame(e, f);
	bytes_puts(&e->text, " in ");
	put_samples(e, sc, c->ns);
}

static void put_culprit(struct evidence *e, const struct scene *sc)
{
	struct culprit c = culprit_sampled(sc->stall, sc->dictionary);
	put_function(e, sc, &c);
}

#define FEW_TASKS 4 /* samples by which a stall may be said to be of many tasks */

void evidence_cpu(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct fact_stall *s = sc->stall;
	evidence_part(e, sc, s->ledger.cpu_ns);
	if (sh->library)
		bytes_printf(&e->text, ", by %s", sh->library->name);
	put_culprit(e, sc);
	if (s->task.name && s->task.name[0] && sc->samples >= FEW_TASKS && s->task_ns < sc->sampled_ns / 2)
		bytes_puts(&e->text, " of many tasks");
	if (s->connects > 1)
		bytes_printf(&e->text, ", %u connects", s->connects);
}

void evidence_flood(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	bytes_printf(&e->text, "%u connects in one tick: ", sc->stall->connects);
	evidence_part(e, sc, sc->stall->ledger.cpu_ns);
	put_culprit(e, sc);
}

void evidence_cascade(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct fact_stall *s = sc->stall;
	(void)sh;
	bytes_printf(&e->text, "%u ticks in a row, each %.2g × the one before: ", s->chain.growth + 1,
		     chain_factor(&s->chain));
	evidence_duration(e, s->chain.grown_from_ns);
	bytes_puts(&e->text, " → ");
	evidence_duration(e, s->chain.last_ns);
	put_culprit(e, sc);
}

void evidence_hot_loop(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	evidence_part(e, sc, sc->stall->ledger.cpu_ns);
	struct culprit c = culprit_called(sc->stall, sc->dictionary, HOT_PERCENT);
	put_function(e, sc, &c);
	bytes_puts(&e->text, ", one tick, no yield");
}

/* Files that were waited for too say which. */
void evidence_copying(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	bytes_printf(&e->text, "%s%s%s and copying in the kernel, ", sh->main->block->call,
		     sh->main->block->target[0] ? " of " : "", sh->main->block->target);
	put_samples(e, sc, sc->in_file_calls_ns);
	put_share(e, sc, sh);
}

#define BESIDE_SHARE 10 /* time without a CPU is told from 1/10 of the lag on */

/* ", 40 ms of its CPU time stolen by the hypervisor" */
static void put_taken(struct evidence *e, const struct fact_stall *s)
{
	const struct {
		uint64_t ns;
		const char *by;
	} taken[] = {{s->ledger.stolen_ns, "stolen by the hypervisor"},
		     {s->ledger.interrupts_ns, "taken by interrupts"}};
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		if (!taken[i].ns || taken[i].ns < s->lag_ns / BESIDE_SHARE)
			continue;
		bytes_puts(&e->text, ", ");
		evidence_duration(e, taken[i].ns);
		bytes_printf(&e->text, " of its CPU time %s", taken[i].by);
	}
}

void evidence_end(struct evidence *e, const struct scene *sc, char to[FACT_EVIDENCE_BYTES])
{
	const struct fact_stall *s = sc->stall;
	uint64_t waiting_ns = s->ledger.runnable_ns + s->delay_ns;
	bool is_code = s->verdict != VERDICT_STARVED && s->verdict != VERDICT_THROTTLED &&
		       s->verdict != VERDICT_STOPPED;
	put_taken(e, s);
	if (is_code && waiting_ns && waiting_ns >= s->lag_ns / BESIDE_SHARE) {
		bytes_puts(&e->text, ", and ");
		evidence_duration(e, waiting_ns);
		bytes_puts(&e->text, " without a CPU");
	}
	clean_fit(to, FACT_EVIDENCE_BYTES, bytes_text(&e->text));
	bytes_free(&e->text);
}

/* --- saturated loops ----------------------------------------------------------------------------- */

#define YIELDS_PER_S 1 /* below it one iteration is the whole time */
#define SPINS_PER_S  20000

void evidence_saturated(struct evidence *e, const struct fact_saturated *s, uint64_t elapsed_ns,
			const struct dictionary *d)
{
	struct weighted_stack stacks[ARRAY_LEN(s->samples)];
	uint64_t total_ns = 0;
	size_t n = 0;
	for (uint32_t i = 0; i < s->n_samples && i < ARRAY_LEN(stacks); i++) {
		total_ns += s->samples[i].ns;
		if (s->samples[i].stack)
			stacks[n++] = (struct weighted_stack){s->samples[i].stack, s->samples[i].ns};
	}
	struct culprit c = culprit_of(stacks, n, d);
	const struct fact_frame *f = c.frame ? dictionary_frame(d, c.frame) : NULL;
	double per_s = elapsed_ns ? (double)s->iterations * 1e9 / (double)elapsed_ns : 0;
	if (f) {
		put_frame(e, f);
		bytes_printf(&e->text, " %u %% of its samples", percent(c.ns, total_ns));
	}
	const char *joint = f ? ", " : "";
	if (elapsed_ns && per_s < YIELDS_PER_S)
		bytes_printf(&e->text, "%sno yield", joint);
	else if (per_s >= SPINS_PER_S)
		bytes_printf(&e->text, "%syields %.0f times a second", joint, per_s);
	else if (s->iterations)
		bytes_printf(&e->text, "%s%.3g ms an iteration", joint,
			     (double)s->busy_ns / 1e6 / (double)s->iterations);
}
