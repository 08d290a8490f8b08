/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of random stories of one to three threads and one or two loops, told to the programs and worked out by the reference: every gap, delay,
 * ledger, block, harm and bucket must agree. A failing story is made as short as it gets and printed with its seed.
 *
 * LOOPSTALL_STORIES=N tells N stories of each shape, LOOPSTALL_SEED=N begins with that one.
 */
#include "machine.h"
#include "story.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STORIES	 1500
#define MAX_SEEN 512

struct seen {
	struct lst_stall_record stalls[MAX_SEEN];
	size_t n;
	uint32_t slots[STORY_LOOPS]; /* of the loops, ~0 none */
};

static struct seen seen;
static struct reference_loop expected;
static char why[256];

#define DIFFER(...) (snprintf(why, sizeof why, __VA_ARGS__), false)
#define SAME(what, got, want)                                                                                \
	((uint64_t)(got) == (uint64_t)(want) ||                                                              \
	 DIFFER("gap %" PRIu64 " of loop %u: " what " is %" PRIu64 ", should be %" PRIu64, g->seq, loop,     \
		(uint64_t)(got), (uint64_t)(want)))

static void records_take(void)
{
	union {
		struct lst_record head;
		struct lst_stall_record stall;
		struct lst_loop_record loop;
	} r;
	uint32_t kind;

	memset(&seen, 0, sizeof seen);
	memset(seen.slots, 0xff, sizeof seen.slots);
	while ((kind = machine_record(&r, sizeof r))) {
		if (kind == LST_RECORD_STALL && seen.n < MAX_SEEN)
			seen.stalls[seen.n++] = r.stall;
		if (kind == LST_RECORD_LOOP)
			seen.slots[machine_loop(r.loop.slot)->object == STORY_OBJECT(0) ? 0 : 1] =
				r.loop.slot;
	}
}

static const struct lst_stall_record *stall_of(uint32_t slot, uint64_t seq, size_t *times)
{
	const struct lst_stall_record *found = NULL;
	*times = 0;
	for (size_t i = 0; i < seen.n; i++)
		if (seen.stalls[i].slot == slot && seen.stalls[i].gap.gap_seq == seq) {
			found = &seen.stalls[i];
			++*times;
		}
	return found;
}

static bool block_has_key(const struct lst_block *b, enum block_key key)
{
	switch (key) {
	case KEY_SOCKET:
		return b->call == NR_READ && b->kind == LST_TARGET_INET &&
		       ((const struct lst_inet *)b->target)->port == 5432;
	case KEY_OTHER_SOCKET:
		return b->call == NR_READ && b->kind == LST_TARGET_INET &&
		       ((const struct lst_inet *)b->target)->port == 6379;
	case KEY_FUTEX: return b->kind == LST_TARGET_FUTEX;
	case KEY_FAULT: return b->call == LST_CALL_FAULT;
	case KEY_WAIT: return b->call == NR_EPOLL_WAIT;
	}
	return false;
}

/* Of gaps that overlap in one thread the longest block is only known as a bound. */
static bool longest_agrees(const struct story_shape *shape, uint64_t got, const struct reference_block *want)
{
	bool overlap = shape->loops > 1 && !shape->fixed_loops;
	return got == want->max_ns || (overlap && got > want->max_ns && got <= want->sum_ns);
}

static bool blocks_agree(const struct story_shape *shape, uint32_t loop, const struct reference_gap *g,
			 const struct lst_stall_record *r)
{
	for (int key = 0; key < BLOCK_KEYS; key++) {
		const struct lst_block *b = NULL;
		for (uint32_t i = 0; i < r->n_blocks; i++)
			if (block_has_key(&r->blocks[i], (enum block_key)key)) {
				if (b)
					return DIFFER("gap %" PRIu64 " of loop %u: block %d is there twice",
						      g->seq, loop, key);
				b = &r->blocks[i];
			}
		const struct reference_block *want = &g->blocks[key];
		bool ok = SAME("a block's time", b ? b->sum_ns : 0, want->sum_ns) &&
			  SAME("a block's count", b ? b->count : 0, want->count) &&
			  (longest_agrees(shape, b ? b->max_ns : 0, want) ||
			   SAME("a block's longest", b->max_ns, want->max_ns));
		if (!ok)
			return false;
	}
	return true;
}

static bool ledger_agrees(uint32_t loop, const struct reference_gap *g, const struct lst_pending *p,
			  bool hides)
{
	const struct lst_ledger *l = &p->ledger;
	uint64_t sum = l->cpu_ns + l->blocked_ns + l->runnable_ns + l->stopped_ns;

	if (hides) /* time may be missing, and none may be invented */
		return sum <= p->gap_ns ||
		       DIFFER("gap %" PRIu64 " of loop %u: %" PRIu64 " ns of %" PRIu64 " accounted for",
			      g->seq, loop, sum, (uint64_t)p->gap_ns);
	return SAME("cpu", l->cpu_ns, g->cpu_ns) && SAME("blocked", l->blocked_ns, g->blocked_ns) &&
	       SAME("runnable", l->runnable_ns, g->runnable_ns) &&
	       SAME("stopped", l->stopped_ns, g->stopped_ns) &&
	       SAME("preempted", l->preempted, g->preempted) && SAME("repaired", l->repaired_ns, 0) &&
	       SAME("sum of the ledger", sum, p->gap_ns);
}

static bool harm_agrees(uint32_t loop, const struct reference_gap *g, const struct lst_stall_record *r)
{
	static const uint32_t harms[] = {[HARM_QUEUED] = LST_HARM_QUEUED,
					 [HARM_LATE] = LST_HARM_LATE,
					 [HARM_OWN] = LST_HARM_OWN,
					 [HARM_NOT_SHOWN] = LST_HARM_UNKNOWN};
	if (g->is_terminal || g->harm == NOT_JUDGED)
		return true;
	return SAME("harm", r->harm, harms[g->harm]) && SAME("ready", r->ready, g->ready);
}

static bool stall_agrees(const struct story_shape *shape, uint32_t loop, const struct reference_gap *g)
{
	const struct lst_loop *l = machine_loop(seen.slots[loop]);
	size_t times;
	const struct lst_stall_record *r = stall_of(seen.slots[loop], g->seq, &times);
	bool waits =
		l->pending.active && l->pending.gap_seq == g->seq && (shape->hides || g->harm == NOT_JUDGED);

	if (times + waits != 1)
		return DIFFER("gap %" PRIu64 " of loop %u was sent %zu times", g->seq, loop, times);
	const struct lst_pending *p = r ? &r->gap : &l->pending;
	if (!SAME("start", p->gap_start_ns, g->start_ns) ||
	    !SAME("length", p->gap_ns, g->end_ns - g->start_ns) ||
	    !SAME("owner", p->owner, STORY_TID(g->owner)) ||
	    !SAME("handed over", p->flags & LST_GAP_HANDOFF, g->owner != g->closer ? LST_GAP_HANDOFF : 0) ||
	    !SAME("terminal", p->flags & LST_GAP_TERMINAL, g->is_terminal ? LST_GAP_TERMINAL : 0) ||
	    !ledger_agrees(loop, g, p, shape->hides))
		return false;
	if (shape->hides)
		return true;
	return SAME("delay", p->delay_ns, g->delay_ns) && SAME("lateness", p->late_ns, g->late_ns) &&
	       (!r || (harm_agrees(loop, g, r) && blocks_agree(shape, loop, g, r)));
}

/* Histograms by the programs' own buckets, which another test holds to the edges. */
static bool hists_agree(uint32_t loop)
{
	static struct lst_loop_hists want;
	const struct lst_loop_hists *got = machine_hists(seen.slots[loop]);

	memset(&want, 0, sizeof want);
	for (size_t i = 0; i < expected.n; i++) {
		const struct reference_gap *g = &expected.gaps[i];
		uint64_t gap = g->end_ns - g->start_ns, off = g->blocked_ns + g->runnable_ns + g->stopped_ns;
		struct {
			struct lst_hist *h;
			uint64_t ns;
		} adds[] = {{g->delay_ns ? &want.delayed_gap : &want.plain, gap},
			    {g->delay_ns ? &want.delayed_lag : NULL, gap + g->delay_ns},
			    {g->delay_ns ? &want.delay : NULL, g->delay_ns},
			    {off ? &want.offcpu : NULL, off}};
		for (size_t a = 0; g->is_closed && a < sizeof adds / sizeof adds[0]; a++)
			if (adds[a].h) {
				adds[a].h->count[machine_bucket(adds[a].ns)]++;
				adds[a].h->sum_ns[machine_bucket(adds[a].ns)] += adds[a].ns;
			}
	}
	return !memcmp(got, &want, sizeof want) || DIFFER("the histograms of loop %u differ", loop);
}

static bool counts_agree(uint32_t loop, const struct lst_loop *l, bool hides)
{
	uint64_t closed = 0, busy = 0, over = 0, longest = 0;
	const struct reference_gap *g = &expected.gaps[0]; /* for SAME */

	for (size_t i = 0; i < expected.n; i++) {
		if (!expected.gaps[i].is_closed)
			continue;
		uint64_t lag = reference_lag(&expected.gaps[i]);
		closed++;
		busy += expected.gaps[i].end_ns - expected.gaps[i].start_ns;
		over += lag >= machine_config()->threshold_ns;
		longest = lag > longest ? lag : longest;
	}
	return SAME("iterations", l->iterations, closed) && SAME("busy", l->busy_ns, busy) &&
	       SAME("waits", l->waits, expected.waits) && SAME("events", l->events, expected.events) &&
	       SAME("zero waits", l->zero_waits, expected.zero_waits) &&
	       (hides || (SAME("slept waits", l->slept_waits, expected.slept_waits) &&
			  SAME("over the threshold", l->over_threshold, over) &&
			  SAME("longest lag", l->max_lag_ns, longest)));
}

/* What a thread says it owns are the gaps that say they are its. */
static bool owners_agree(const struct story_shape *shape)
{
	for (uint32_t n = 0; n < shape->threads; n++) {
		const struct lst_thread *t = machine_thread(STORY_TID(n));
		uint32_t slots = 0, owned = 0;
		for (int i = 0; t && i < LST_OPEN_GAPS; i++)
			slots += t->gap_slots[i] != 0;
		for (uint32_t i = 0; t && i < shape->loops; i++) {
			const struct lst_loop *l = seen.slots[i] == ~0u ? NULL : machine_loop(seen.slots[i]);
			owned += l && l->gap_start_ns && l->owner == t->tid;
		}
		if (t && (slots != owned || t->open_gaps != owned))
			return DIFFER("thread %u owns %u gaps, has %u in %u slots", n, owned, t->open_gaps,
				      slots);
	}
	return true;
}

static bool story_agrees(const struct story *s, struct log *log)
{
	story_tell(s, log);
	records_take();
	if (machine_losses()[0])
		return DIFFER("losses: %s", machine_losses());
	for (uint32_t loop = 0; loop < s->shape.loops; loop++) {
		reference_loop(log, loop, s->shape.record_ns, &expected);
		if (seen.slots[loop] == ~0u) {
			if (expected.waits)
				return DIFFER("loop %u is not known", loop);
			continue;
		}
		const struct lst_loop *l = machine_loop(seen.slots[loop]);
		if (!counts_agree(loop, l, s->shape.hides) || (!s->shape.hides && !hists_agree(loop)))
			return false;
		for (size_t i = 0; i < expected.n; i++) {
			const struct reference_gap *g = &expected.gaps[i];
			if (g->is_closed && reference_lag(g) >= s->shape.record_ns &&
			    !stall_agrees(&s->shape, loop, g))
				return false;
		}
	}
	return owners_agree(&s->shape);
}

/* Leaves out what is not needed for it to fail: halves, quarters, then single actions. */
static void story_shorten(struct story *s, struct log *log)
{
	static struct story less;
	for (size_t part = s->n / 2; part; part = part > 1 ? part / 2 : 0)
		for (size_t at = 0; at + part <= s->n;) {
			less = *s;
			memmove(&less.actions[at], &less.actions[at + part],
				(s->n - at - part) * sizeof less.actions[0]);
			less.n -= part;
			if (story_agrees(&less, log))
				at++;
			else
				*s = less;
		}
}

static unsigned long number_from(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void stories_agree(const struct story_shape *shape)
{
	static struct story s;
	static struct log log;
	unsigned long first = number_from("LOOPSTALL_SEED", 1), n = number_from("LOOPSTALL_STORIES", STORIES);

	for (unsigned long seed = first; seed < first + n; seed++) {
		story_make(&s, shape, seed);
		if (story_agrees(&s, &log))
			continue;
		story_shorten(&s, &log);
		story_agrees(&s, &log);
		fprintf(stderr, "seed %lu, %u threads, %u loops: %s\n", seed, shape->threads, shape->loops,
			why);
		story_print(&log);
		machine_stop();
		fail();
	}
	machine_stop();
}

static void one_thread_with_one_loop(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 1, .loops = 1});
}

static void only_stalls_of_one_loop(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 1, .loops = 1, .record_ns = 1 * MS});
}

static void one_thread_with_two_loops(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 1, .loops = 2});
}

static void threads_that_share_a_loop(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 3, .loops = 1});
	stories_agree(&(struct story_shape){.threads = 2, .loops = 1, .record_ns = 1 * MS});
}

static void threads_with_a_loop_each(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 3, .loops = 2, .fixed_loops = true});
}

static void threads_that_share_two_loops(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 3, .loops = 2});
}

static void threads_that_die(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 1, .loops = 1, .deaths = true});
	stories_agree(&(struct story_shape){.threads = 3, .loops = 2, .fixed_loops = true, .deaths = true});
}

static void no_time_is_invented_when_a_switch_is_not_seen(void **state)
{
	(void)state;
	stories_agree(&(struct story_shape){.threads = 1, .loops = 1, .hides = true});
	stories_agree(&(struct story_shape){.threads = 3, .loops = 2, .hides = true});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_with_one_loop),
		cmocka_unit_test(only_stalls_of_one_loop),
		cmocka_unit_test(threads_with_a_loop_each),
		cmocka_unit_test(threads_that_share_a_loop),
		cmocka_unit_test(one_thread_with_two_loops),
		cmocka_unit_test(threads_that_share_two_loops),
		cmocka_unit_test(threads_that_die),
		cmocka_unit_test(no_time_is_invented_when_a_switch_is_not_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
