/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pattern.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/clean.h"
#include "base/duration.h"
#include "model/evidence.h"
#include "model/remedy.h"

#define SECOND_NS 1e9

/* What one rule looks at: the loop's habits and, for rules that ask each peer, one of them. */
struct view {
	const struct dictionary *d;
	const struct habits *h;
	const struct habit_peer *peer;
};

static bool is_share(uint64_t part, uint64_t whole, unsigned percent)
{
	return (double)part * 100 >= (double)whole * percent;
}

static double per_second(const struct habits *h, uint64_t count)
{
	return h->elapsed_ns ? (double)count * SECOND_NS / (double)h->elapsed_ns : 0;
}

static void put_culprit(struct bytes *out, const struct view *v, uint32_t frame)
{
	const struct fact_frame *f = frame ? dictionary_frame(v->d, frame) : NULL;
	if (!f)
		return;
	bytes_puts(out, ", in ");
	evidence_frame(out, f);
}

/* --- levels that only rise ------------------------------------------------------------------------ */

#define COURSE_LEAST 5	/* values */
#define PILE_SHOWN   24 /* connections or files more than at first, for a line */
#define PILE_KEPT    8	/* if none of those that were opened has been closed */
#define PILE_NAMED   100

/* Those made since the attach are counted, so that a steady rise is to as many times as there are values: five after six seconds. */
#define PILE_SHOWN_PERCENT 300
#define PILE_NAMED_PERCENT 400
#define PILE_ON_PERCENT	   150
#define PILE_HALF	   5  /* that part of the rise at least is in the second half of the time */
#define FALLS_LITTLE	   20 /* at most that part of the rise */

/* Tasks, which cost less, were often there before we came, and are counted whoever made them. */
#define TASKS_SHOWN	    100
#define TASKS_SHOWN_PERCENT 125
#define TASKS_NAMED	    1000
#define TASKS_NAMED_PERCENT 200
#define TASKS_MANY	    10000 /* for a line, if they do not rise */
#define TASKS_A_FILE	    10	  /* a task or several for each client is a server's way */

/* The level at the end of each quarter. */
static uint64_t quarter(const struct course *c, unsigned n)
{
	return c->values[(c->n * n + 3) / 4 - 1];
}

/* Each quarter ends a tenth of the whole above the one before; and all in all it is so many more, and so many percent of what it was. */
static bool is_rising(const struct course *c, uint64_t least, unsigned percent)
{
	if (c->n < COURSE_LEAST)
		return false;
	uint64_t first = c->values[0], last = quarter(c, 4),
		 step = (last - (first < last ? first : last)) / 10;
	for (unsigned n = 1; n < 4; n++)
		if (quarter(c, n + 1) <= quarter(c, n) + step)
			return false;
	return last >= first + least && is_share(last, first, percent);
}

static uint64_t rise(const struct course *c)
{
	uint64_t first = c->n ? c->values[0] : 0, last = c->n ? c->values[c->n - 1] : 0;
	return last > first ? last - first : 0;
}

/* Bursts that drain look alike by chance, seen once a second for a few seconds; but then it falls somewhere. */
static bool never_falls(const struct course *c)
{
	for (uint32_t i = 1; i < c->n; i++)
		if (c->values[i] + rise(c) / FALLS_LITTLE < c->values[i - 1])
			return false;
	return true;
}

/* A busy loop makes them as it gets to it, so not steadily; but they do not become fewer, nor is it a pool that was filled. */
static bool goes_on_rising(const struct course *c, uint64_t least, unsigned percent)
{
	if (c->n < COURSE_LEAST || rise(c) < least || !is_share(quarter(c, 4), c->values[0], percent))
		return false;
	uint64_t half = c->values[(c->n - 1) / 2], last = quarter(c, 4);
	return never_falls(c) && last - half >= rise(c) / PILE_HALF && last > quarter(c, 3);
}

/* As many are open as were opened; if more are, we have not been told of all. */
static bool none_was_closed(const struct habit_peer *p)
{
	return p->open == p->connects;
}

/* A saturated loop, one turn of which takes long, opens but a few a second: then that it closes none of them says as much as their number. */
static bool pile_is_seen(const struct view *v)
{
	const struct habit_peer *p = v->peer;
	return is_rising(&p->connections, PILE_SHOWN, PILE_SHOWN_PERCENT) ||
	       goes_on_rising(&p->connections, none_was_closed(p) ? PILE_KEPT : PILE_SHOWN, PILE_ON_PERCENT);
}

static bool pile_is_up(const struct view *v)
{
	return is_rising(&v->peer->connections, PILE_NAMED, PILE_NAMED_PERCENT);
}

static void put_course(struct bytes *out, const struct course *c, bool at_least)
{
	char text[DURATION_TEXT_BYTES];
	bytes_printf(out, "%llu → %llu%s in %s, still rising", (unsigned long long)c->values[0],
		     (unsigned long long)c->values[c->n - 1], at_least ? " or more" : "",
		     duration_text(c->to_ns - c->from_ns, text));
}

static void tell_pile(struct bytes *out, const struct view *v)
{
	bytes_printf(out, "open connections to %s ", v->peer->peer);
	put_course(out, &v->peer->connections, false);
	if (none_was_closed(v->peer))
		bytes_puts(out, ", none of them closed");
}

static bool files_are_rising(const struct view *v)
{
	for (size_t i = 0; i < HABIT_PEERS; i++) /* then the line above says it better */
		if (v->h->peers[i].peer && pile_is_seen(&(struct view){v->d, v->h, &v->h->peers[i]}))
			return false;
	return is_rising(&v->h->files, PILE_SHOWN, PILE_SHOWN_PERCENT);
}

static void tell_files(struct bytes *out, const struct view *v)
{
	bytes_puts(out, "open files ");
	put_course(out, &v->h->files, false);
}

static bool tasks_are_rising(const struct view *v)
{
	return is_rising(&v->h->tasks, TASKS_SHOWN, TASKS_SHOWN_PERCENT);
}

/* Each client may have its task, and they may come as they please: then as many files are opened. Where that is not known, nobody is accused. */
static bool tasks_pile_up(const struct view *v)
{
	const struct habits *h = v->h;
	return is_rising(&h->tasks, TASKS_NAMED, TASKS_NAMED_PERCENT) && never_falls(&h->tasks) &&
	       h->files.n && rise(&h->tasks) >= TASKS_A_FILE * rise(&h->files);
}

static void put_tasks(struct bytes *out, const struct view *v)
{
	bytes_printf(out, "asyncio tasks%s", v->h->tasks_loops > 1 ? " of the process" : "");
}

static void tell_tasks(struct bytes *out, const struct view *v)
{
	put_tasks(out, v);
	bytes_puts(out, " ");
	put_course(out, &v->h->tasks, v->h->tasks_at_least);
}

static bool tasks_are_many(const struct view *v)
{
	const struct course *c = &v->h->tasks;
	return c->n && (c->values[c->n - 1] >= TASKS_MANY || v->h->tasks_at_least) && !tasks_are_rising(v);
}

static void tell_many_tasks(struct bytes *out, const struct view *v)
{
	const struct course *c = &v->h->tasks;
	put_tasks(out, v);
	bytes_printf(out, ": %llu%s", (unsigned long long)c->values[c->n - 1],
		     v->h->tasks_at_least ? " or more" : "");
}

/* --- many at once --------------------------------------------------------------------------------- */

#define BURST	     16 /* connects in one gap, as the kernel side counts bursts */
#define BURSTS_NAMED 3

static bool bursts_are_seen(const struct view *v)
{
	return v->h->most_connects >= BURST;
}

/* That they cost a stall is what makes them a flood. */
static bool bursts_are_a_flood(const struct view *v)
{
	return v->h->floods && v->h->bursts >= BURSTS_NAMED;
}

static void tell_bursts(struct bytes *out, const struct view *v)
{
	const struct habits *h = v->h;
	bytes_printf(out, "%llu connects in one tick", (unsigned long long)h->most_connects);
	for (size_t i = 0; i < HABIT_PEERS; i++)
		if (h->peers[i].peer && h->peers[i].most_connects == h->most_connects)
			bytes_printf(out, " to %s", h->peers[i].peer);
	bytes_printf(out, ", %llu such tick%s of %d or more, %.3g a second", (unsigned long long)h->bursts,
		     h->bursts == 1 ? "" : "s", BURST, per_second(h, h->bursts));
	put_culprit(out, v, habits_blame(h->flood));
}

#define MANY_OPEN                                                                                            \
	24 /* of a bounded few that are closed and opened at once twice as many may be open for a moment */
#define OPENED_ANEW 2 /* times as many as were open at once: a pool is filled once */

/* Ticks between them do not make it fewer: clients that take a lock in turn connect one a tick. */
static bool many_are_open_at_once(const struct view *v)
{
	const struct habit_peer *p = v->peer;
	return p->most_open >= MANY_OPEN && p->most_connects < BURST &&
	       p->connects >= OPENED_ANEW * p->most_open;
}

static void tell_many_open(struct bytes *out, const struct view *v)
{
	const struct habit_peer *p = v->peer;
	bytes_printf(out, "up to %llu connections to %s open at once, %.3g a second opened anew",
		     (unsigned long long)p->most_open, p->peer, per_second(v->h, p->connects));
}

/* --- growth --------------------------------------------------------------------------------------- */

#define CASCADES_NAMED 2

static bool growth_is_seen(const struct view *v)
{
	return v->h->growth.growth;
}

static bool growth_is_a_cascade(const struct view *v)
{
	return v->h->cascades >= CASCADES_NAMED;
}

static void tell_growth(struct bytes *out, const struct view *v)
{
	char from[DURATION_TEXT_BYTES], to[DURATION_TEXT_BYTES];
	const struct chain *c = &v->h->growth;
	bytes_printf(out, "work growing %.2g × a tick: %u ticks in a row, %s → %s", chain_factor(c),
		     c->growth + 1, duration_text(c->grown_from_ns, from), duration_text(c->last_ns, to));
	put_culprit(out, v, habits_blame(v->h->cascade));
}

/* --- again and again ------------------------------------------------------------------------------ */

#define POLLED_A_SECOND 4
#define POLLED_SECONDS	3
#define POLLED_TIMED	50 /* percent of the connects; a busy loop's timers fire among other work */
#define POLLED_BUSY	5  /* percent of the time, for what is as regular as by a timer */
/* For a name: so many a second, or percent of the time busy and percent of that for its answers. */
#define POLLING_MANY  20
#define POLLING_BUSY  10
#define POLLING_WORK  10
#define POLLED_VARIES 0.25 /* of the mean */

static bool is_busy(const struct habits *h)
{
	return is_share(h->busy_ns, h->elapsed_ns, POLLING_BUSY);
}

static bool is_regular(const struct pace *p)
{
	double allowed = p->mean * POLLED_VARIES;
	return p->n >= POLLED_SECONDS && p->squares / (double)p->n <= allowed * allowed;
}

/* As regularly as timers fire, and it answered: else it is retried, or just slow. */
static bool is_as_by_timer(const struct view *v)
{
	const struct habit_peer *p = v->peer;
	return p->reads >= p->connects / 2 && p->most_connects < BURST && is_regular(&p->pace);
}

/* Nobody asked for it but a timer. */
static bool is_polled(const struct view *v)
{
	return is_as_by_timer(v) && is_share(v->peer->timed_connects, v->peer->connects, POLLED_TIMED);
}

static bool poll_is_seen(const struct view *v)
{
	bool regular = is_as_by_timer(v) && is_share(v->h->busy_ns, v->h->elapsed_ns, POLLED_BUSY);
	return per_second(v->h, v->peer->connects) >= POLLED_A_SECOND && !pile_is_seen(v) &&
	       (is_busy(v->h) || is_polled(v) || regular);
}

static bool poll_is_aggressive(const struct view *v)
{
	return is_polled(v) && (v->peer->pace.mean >= POLLING_MANY ||
				(is_busy(v->h) && is_share(v->peer->work_ns, v->h->busy_ns, POLLING_WORK)));
}

static void put_share(struct bytes *out, uint64_t part_ns, const struct habits *h)
{
	double share = h->busy_ns ? (double)part_ns * 100 / (double)h->busy_ns : 0;
	bytes_printf(out, "%.0f %% of its busy time", share < 100 ? share : 100);
}

static void tell_poll(struct bytes *out, const struct view *v)
{
	const struct habits *h = v->h;
	bytes_printf(out, "%s connected to %.3g × a second", v->peer->peer, per_second(h, v->peer->connects));
	if (is_polled(v))
		bytes_puts(out, ", by timers");
	if (v->peer->work_ns) {
		bytes_puts(out, ", its answers take ");
		put_share(out, v->peer->work_ns, h);
	}
	bytes_printf(out, "; the loop is %.0f %% busy", per_second(h, h->busy_ns) / SECOND_NS * 100);
}

#define READ_WORK 20 /* percent of the busy time; asking costs as much again, and is not seen as the peer's */

/* Answers on a connection that is kept; who asked for them is not seen, so it has no name. */
static bool reads_are_seen(const struct view *v)
{
	const struct habit_peer *p = v->peer;
	return p->read_pace.mean >= POLLED_A_SECOND && is_regular(&p->read_pace) && !poll_is_seen(v) &&
	       is_share(p->work_ns, v->h->busy_ns, READ_WORK);
}

static void tell_reads(struct bytes *out, const struct view *v)
{
	char each[DURATION_TEXT_BYTES];
	const struct habit_peer *p = v->peer;
	bytes_printf(out, "%s answers %.3g × a second, regularly, %s of work each, ", p->peer,
		     p->read_pace.mean, duration_text(p->work_ns / p->reads, each));
	put_share(out, p->work_ns, v->h);
	bytes_printf(out, "; the loop is %.0f %% busy", per_second(v->h, v->h->busy_ns) / SECOND_NS * 100);
}

#define WAITED_A_SECOND 2

/* Waits that are short by themselves and sum up; the loop cannot serve anybody in them. */
static bool waits_are_seen(const struct view *v)
{
	return per_second(v->h, v->peer->waits) >= WAITED_A_SECOND &&
	       is_share(v->peer->waited_ns, v->h->busy_ns, 10) &&
	       is_share(v->peer->waited_ns, v->h->elapsed_ns, 2);
}

static void tell_waits(struct bytes *out, const struct view *v)
{
	char each[DURATION_TEXT_BYTES];
	bytes_printf(out, "%s waited for in %.3g ticks a second, %s each, ", v->peer->peer,
		     per_second(v->h, v->peer->waits),
		     duration_text(v->peer->waited_ns / v->peer->waits, each));
	put_share(out, v->peer->waited_ns, v->h);
}

#define TIMERS_A_SECOND 5
#define TIMER_LEAST_NS	1000000u

static bool timers_are_seen(const struct view *v)
{
	const struct habits *h = v->h;
	return per_second(h, h->timed_chains) >= TIMERS_A_SECOND &&
	       h->timed_ns / TIMER_LEAST_NS >= h->timed_chains && is_share(h->timed_ns, h->busy_ns, 50) &&
	       is_share(h->busy_ns, h->elapsed_ns, POLLING_BUSY);
}

static void tell_timers(struct bytes *out, const struct view *v)
{
	char each[DURATION_TEXT_BYTES];
	const struct habits *h = v->h;
	bytes_printf(out, "timers fire %.3g × a second, %s of work each, ", per_second(h, h->timed_chains),
		     duration_text(h->timed_ns / h->timed_chains, each));
	put_share(out, h->timed_ns, h);
}

/* --- the rules ------------------------------------------------------------------------------------ */

static const struct rule {
	const char *name, *remedy; /* remedy: a word of model/remedy.c, NULL: that of the name */
	bool each_peer;
	bool (*is_seen)(const struct view *v);	/* its line is shown */
	bool (*is_named)(const struct view *v); /* NULL: never */
	void (*tell)(struct bytes *out, const struct view *v);
} rules[] = {
	{"pile_up", NULL, true, pile_is_seen, pile_is_up, tell_pile},
	{"pile_up", "pile_up_of_tasks", false, tasks_are_rising, tasks_pile_up, tell_tasks},
	{"", NULL, false, tasks_are_many, NULL, tell_many_tasks},
	{"", NULL, false, files_are_rising, NULL, tell_files},
	{"flood", NULL, false, bursts_are_seen, bursts_are_a_flood, tell_bursts},
	{"", NULL, true, many_are_open_at_once, NULL, tell_many_open},
	{"cascade", NULL, false, growth_is_seen, growth_is_a_cascade, tell_growth},
	{"polling", NULL, true, poll_is_seen, poll_is_aggressive, tell_poll},
	{"", NULL, true, reads_are_seen, NULL, tell_reads},
	{"sync_io", NULL, true, waits_are_seen, waits_are_seen, tell_waits},
	{"", NULL, false, timers_are_seen, NULL, tell_timers},
};

static void pattern_fill(struct pattern *p, const struct rule *r, const struct view *v,
			 const struct fact_loop *l, const struct dictionary *d)
{
	struct bytes text = {0};
	r->tell(&text, v);
	clean_fit(p->evidence, sizeof p->evidence, bytes_text(&text));
	bytes_free(&text);
	p->name = r->is_named && r->is_named(v) ? r->name : "";
	p->remedy = p->name[0] ? remedy_for(r->remedy ? r->remedy : p->name, NULL, l, d, 0) : "";
}

size_t patterns_of(const struct habits *h, const struct fact_loop *l, const struct dictionary *d,
		   struct pattern *patterns)
{
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		for (size_t k = 0; k < (rules[i].each_peer ? HABIT_PEERS : 1) && n < PATTERN_MOST; k++) {
			struct view v = {d, h, rules[i].each_peer ? &h->peers[k] : NULL};
			if ((!v.peer || v.peer->peer) && rules[i].is_seen(&v))
				pattern_fill(&patterns[n++], &rules[i], &v, l, d);
		}
	}
	return n;
}
