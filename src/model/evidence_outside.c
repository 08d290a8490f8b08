/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of what is not the code's doing: no CPU, a quota, a stop, memory that has to be fetched. */
#include "model/evidence.h"

#include "base/duration.h"

#include <signal.h>
#include <string.h>

/* Where it is going to be looked for: a container before a unit. */
static void put_home(struct evidence *e, const struct scene *sc)
{
	const struct fact_loop *l = sc->loop;
	if (l && l->container[0])
		bytes_printf(&e->text, ", container %s", l->container);
	else if (l && l->unit[0])
		bytes_printf(&e->text, ", %s", l->unit);
}

/* The signals that stop. */
static const char *signal_name(uint32_t signal)
{
	switch (signal) {
	case SIGSTOP: return "SIGSTOP";
	case SIGTSTP: return "SIGTSTP";
	case SIGTTIN: return "SIGTTIN";
	case SIGTTOU: return "SIGTTOU";
	default: return NULL;
	}
}

void evidence_stopper(struct bytes *out, const struct stopper *s)
{
	static const char *const by[STOPS] = {[STOP_UNKNOWN] = "a signal, debugger or freezer",
					      [STOP_SIGNAL] = "a signal (SIGSTOP or like it)",
					      [STOP_FROZEN] = "the freezer of its cgroup",
					      [STOP_TRACED] = "its tracer"};
	const char *signal = s->by == STOP_SIGNAL ? signal_name(s->signal) : NULL;
	if (signal)
		bytes_printf(out, "%s from%s", signal, s->pid ? "" : " an unknown sender");
	else
		bytes_puts(out, (unsigned)s->by < STOPS ? by[s->by] : by[STOP_UNKNOWN]);
	if (s->comm && s->comm[0])
		bytes_printf(out, " %s[%u]", s->comm, s->pid);
}

void evidence_stopped(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	bytes_puts(&e->text, "by ");
	evidence_stopper(&e->text, &sc->stall->stopper);
	bytes_puts(&e->text, " for ");
	evidence_part(e, sc, sc->stall->ledger.stopped_ns);
	put_home(e, sc);
}

#define CGROUP_BYTES 72 /* of a path: those of pods are longer than all the rest */

/* The innermost groups tell most. */
static const char *path_end(const char *path)
{
	size_t len = strlen(path);
	const char *cut = len > CGROUP_BYTES ? strchr(path + len - CGROUP_BYTES, '/') : path;
	return cut ? cut : path + len - CGROUP_BYTES;
}

void evidence_limit(struct bytes *out, const struct limit *l)
{
	char quota[DURATION_TEXT_BYTES], period[DURATION_TEXT_BYTES];
	const char *path = l->cgroup ? l->cgroup : "", *end = path_end(path);
	bytes_printf(out, "cgroup %s%s may run %s of every %s", end > path ? "…" : "", end,
		     duration_text(l->quota_ns, quota), duration_text(l->period_ns, period));
}

void evidence_throttled(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	const struct limit *l = &sc->stall->limit;
	if (!l->period_ns) {
		bytes_puts(&e->text, "its cgroup's quota was used up: ");
		evidence_part(e, sc, sc->stall->ledger.throttled_ns);
		put_home(e, sc);
		return;
	}
	evidence_limit(&e->text, l);
	bytes_puts(&e->text, ", held back for ");
	evidence_part(e, sc, sc->stall->ledger.throttled_ns);
}

#define NAMED_RUNNERS 3	 /* for more there is no room in the line */
#define REST_SHARE    20 /* what nobody is named for is told from 1/20 of the wait on */

/* ": on its CPU ran stress[123] 80 ms, its own thread gc[124] 31 ms, the rest 9.0 ms" */
static void put_runners(struct evidence *e, const struct fact_stall *s)
{
	uint64_t rest_ns = s->ledger.runnable_ns + s->delay_ns;
	for (uint32_t i = 0; i < s->n_runners && i < NAMED_RUNNERS; i++) {
		const struct runner *r = &s->runners[i];
		bytes_printf(&e->text, "%s%s%s[%u] ", i ? ", " : ": on its CPU ran ",
			     r->own ? "its own thread " : "", r->comm, r->pid);
		evidence_duration(e, r->ns);
		rest_ns -= r->ns < rest_ns ? r->ns : rest_ns;
	}
	rest_ns -= s->ledger.throttled_ns < rest_ns ? s->ledger.throttled_ns : rest_ns;
	if (!s->n_runners || rest_ns < (s->ledger.runnable_ns + s->delay_ns) / REST_SHARE)
		return;
	bytes_puts(&e->text, ", the rest ");
	evidence_duration(e, rest_ns);
}

void evidence_no_cpu(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct ledger *l = &sc->stall->ledger;
	(void)sh;
	bytes_puts(&e->text, "ready to run for ");
	evidence_part(e, sc, l->runnable_ns + sc->stall->delay_ns);
	if (l->preempted)
		bytes_printf(&e->text, ", preempted %llu time%s", (unsigned long long)l->preempted,
			     l->preempted == 1 ? "" : "s");
	put_runners(e, sc->stall);
	put_home(e, sc);
}

void evidence_reclaim(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	(void)sh;
	bytes_puts(&e->text, "taking pages back for ");
	evidence_part(e, sc, sc->stall->ledger.reclaim_ns);
	put_home(e, sc);
}

void evidence_faults(struct evidence *e, const struct scene *sc, const struct share *sh)
{
	const struct fact_stall *s = sc->stall;
	uint64_t ns = s->ledger.fault_ns + s->ledger.reclaim_ns, in_blocks_ns = 0;
	(void)sh;
	for (size_t i = 0; i < sc->n_waits; i++)
		if (sc->waits[i].block->kind == TARGET_FAULT)
			in_blocks_ns += sc->waits[i].block->sum_ns;
	bytes_puts(&e->text, "fetching pages for ");
	evidence_part(e, sc, ns > in_blocks_ns ? ns : in_blocks_ns);
	if (s->ledger.major_faults || s->ledger.minor_faults)
		bytes_printf(&e->text, ", %llu major and %llu minor faults",
			     (unsigned long long)s->ledger.major_faults,
			     (unsigned long long)s->ledger.minor_faults);
}
