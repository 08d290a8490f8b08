/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the last minutes: what it keeps, what it forgets, and that what it writes is a recording. */
#include "record/ring.h"

#include "record/reader.h"
#include "record/writer.h"
#include "tests/unit/sample_facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define SECOND 1000000000ull

static void take(struct ring *r, const struct fact *f)
{
	assert_int_equal(ring_sink(r)->take(ring_sink(r), f), 0);
}

static void take_definitions(struct ring *r)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (sample_facts[i].kind <= FACT_STACK && sample_facts[i].kind != FACT_CLOCK)
			take(r, &sample_facts[i]);
}

/* A stall of loop 2 at a time, with one stack. */
static void take_stall(struct ring *r, uint64_t at_ns, uint64_t seq, uint32_t stack)
{
	struct fact_stall stall = {.start_ns = at_ns - SECOND / 2,
				   .loop = 2,
				   .comm = "c",
				   .gap_seq = seq,
				   .n_samples = 1,
				   .samples = {{7, stack, 1}}};
	take(r, &(struct fact){FACT_STALL, at_ns, .stall = &stall});
}

/* What a written ring says, checked as any consumer would: numbers in order, nothing used before it is defined. */
struct witness {
	struct sink sink;
	struct fact_header header;
	uint32_t facts, loops, frames, stacks, stalls, ended, losses, ends;
	uint64_t first_seq, last_seq, first_at_ns, first_start_ns, last_at_ns, lost, iterations;
	uint32_t loop_pid, stall_loop, stall_stack, stack_frames;
	char reason[32], function[32];
};

static void see_stall(struct witness *w, const struct fact *f)
{
	if (!w->stalls++) {
		w->first_seq = f->stall->gap_seq;
		w->first_at_ns = f->at_ns;
		w->first_start_ns = f->stall->start_ns;
		w->stall_stack = f->stall->samples[0].stack;
	}
	w->ended += stall_is_over(f->stall);
	w->last_seq = f->stall->gap_seq;
	w->stall_loop = f->stall->loop;
	assert_true(f->stall->loop <= w->loops && f->stall->samples[0].stack <= w->stacks);
}

static int witness_take(struct sink *self, const struct fact *f)
{
	struct witness *w = (struct witness *)self;
	assert_int_equal(f->kind == FACT_HEADER, w->facts++ == 0);
	assert_true(f->at_ns >= w->last_at_ns);
	w->last_at_ns = f->at_ns;
	switch (f->kind) {
	case FACT_HEADER: w->header = f->header; break;
	case FACT_LOOP:
		assert_int_equal(f->loop.id, ++w->loops);
		w->loop_pid = f->loop.pid;
		break;
	case FACT_FRAME:
		assert_int_equal(f->frame.id, ++w->frames);
		snprintf(w->function, sizeof w->function, "%s", f->frame.function);
		break;
	case FACT_STACK:
		assert_int_equal(f->stack.id, ++w->stacks);
		w->stack_frames = f->stack.n;
		for (uint32_t i = 0; i < f->stack.n; i++)
			assert_true(f->stack.frames[i] && f->stack.frames[i] <= w->frames);
		break;
	case FACT_STALL: see_stall(w, f); break;
	case FACT_LOSS:
		w->losses++;
		w->lost = f->loss.count;
		break;
	case FACT_END:
		w->ends++;
		w->iterations = f->end.iterations;
		snprintf(w->reason, sizeof w->reason, "%s", f->end.reason);
		assert_int_equal(f->end.stalls, w->ended);
		break;
	default: break;
	}
	return 0;
}

static void only_what_is_young_is_kept(void **state)
{
	(void)state;
	struct ring *r = ring_new(10 * SECOND, 1 << 20);
	struct witness w = {.sink = {witness_take}};
	take_definitions(r);
	for (uint64_t s = 1; s <= 100; s++)
		take_stall(r, s * SECOND, s, 2);
	assert_int_equal(ring_write(r, &w.sink, "limit"), 0);
	assert_int_equal(w.last_seq, 100);
	assert_true(w.first_seq == 89 || w.first_seq == 90);
	assert_int_equal(ring_counts(r).facts, w.stalls);
	assert_int_equal(ring_counts(r).dropped, 0);
	assert_int_equal(w.ends, 1);
	assert_string_equal(w.reason, "limit");
	ring_free(r);
}

static void only_what_is_used_is_defined_and_numbered_anew(void **state)
{
	(void)state;
	struct ring *r = ring_new(10 * SECOND, 1 << 20);
	struct witness w = {.sink = {witness_take}};
	take_definitions(r);
	take_stall(r, 50 * SECOND + 1234, 1, 2);
	take_stall(r, 51 * SECOND, 2, 2);
	assert_int_equal(ring_write(r, &w.sink, ""), 0);
	assert_int_equal(w.loops, 1); /* loop 2 has become loop 1 */
	assert_int_equal(w.loop_pid, 5);
	assert_int_equal(w.stall_loop, 1);
	assert_int_equal(w.stacks, 1);
	assert_int_equal(w.stall_stack, 1);
	assert_int_equal(w.stack_frames, 2);
	assert_int_equal(w.frames, 2);
	assert_string_equal(w.function, "poll_vram");
	ring_free(r);
}

static void time_begins_with_the_oldest_fact(void **state)
{
	(void)state;
	struct ring *r = ring_new(10 * SECOND, 1 << 20);
	struct witness w = {.sink = {witness_take}};
	take_definitions(r);
	take_stall(r, 50 * SECOND + 1234, 1, 2);
	take_stall(r, 52 * SECOND + 1234, 2, 2);
	assert_int_equal(ring_write(r, &w.sink, ""), 0);
	assert_int_equal(w.header.wall_us, sample_facts[0].header.wall_us + 50000001);
	assert_int_equal(w.first_at_ns, 234);
	assert_int_equal(w.first_start_ns, 0); /* before the first fact: as before an attach */
	assert_int_equal(w.last_at_ns, 2 * SECOND + 234);
	ring_free(r);
}

static void a_small_memory_counts_what_it_drops(void **state)
{
	(void)state;
	struct ring *r = ring_new(1000 * SECOND, 2000);
	struct witness w = {.sink = {witness_take}};
	take_definitions(r);
	for (uint64_t s = 1; s <= 100; s++)
		take_stall(r, s * SECOND, s, 2);
	assert_true(ring_counts(r).bytes <= 2000);
	assert_int_equal(ring_write(r, &w.sink, ""), 0);
	assert_int_equal(w.last_seq, 100);
	assert_true(w.stalls > 1 && w.stalls < 50);
	assert_int_equal(w.losses, 1);
	assert_int_equal(w.lost + w.stalls, 100);
	assert_int_equal(w.lost, ring_counts(r).dropped);
	ring_free(r);
}

static void writing_changes_nothing(void **state)
{
	(void)state;
	struct ring *r = ring_new(1000 * SECOND, 1 << 20);
	struct witness first = {.sink = {witness_take}}, second = {.sink = {witness_take}};
	for (size_t i = 0; i < SAMPLES; i++)
		take(r, &sample_facts[i]);
	assert_int_equal(ring_write(r, &first.sink, ""), 0);
	assert_int_equal(ring_write(r, &second.sink, ""), 0);
	assert_int_equal(first.facts, second.facts);
	assert_int_equal(first.iterations, sample_counts.iterations);
	ring_free(r);
}

static void nothing_is_written_before_the_header(void **state)
{
	(void)state;
	struct ring *r = ring_new(SECOND, 1 << 20);
	struct witness w = {.sink = {witness_take}};
	assert_int_equal(ring_write(r, &w.sink, ""), -ENODATA);
	take_definitions(r);
	assert_int_equal(ring_write(r, &w.sink, ""), 0); /* nothing happened: a header and an end */
	assert_int_equal(w.facts, 2);
	ring_free(r);
}

static void what_it_writes_is_a_recording(void **state)
{
	(void)state;
	char path[] = "/tmp/loopstall-ring-XXXXXX";
	const char *paths[] = {path};
	struct witness w = {.sink = {witness_take}};
	struct ring *r = ring_new(1000 * SECOND, 1 << 20);
	struct diag d = {0};
	close(mkstemp(path));
	unlink(path);
	for (size_t i = 0; i < SAMPLES; i++)
		take(r, &sample_facts[i]);
	struct recording_writer *writer = recording_writer_open(path, &d);
	assert_non_null(writer);
	assert_int_equal(ring_write(r, recording_writer_sink(writer), "SIGUSR2"), 0);
	assert_int_equal(recording_writer_close(writer, &d), 0);
	struct recording *back = recording_open(paths, 1, &d);
	assert_non_null(back);
	assert_int_equal(recording_read(back, &w.sink, &d), 0);
	assert_false(recording_is_cut_short(back));
	assert_int_equal(w.stalls, 1 + 1);
	assert_string_equal(w.reason, "SIGUSR2");
	recording_close(back);
	ring_free(r);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_young_is_kept),
		cmocka_unit_test(only_what_is_used_is_defined_and_numbered_anew),
		cmocka_unit_test(time_begins_with_the_oldest_fact),
		cmocka_unit_test(a_small_memory_counts_what_it_drops),
		cmocka_unit_test(writing_changes_nothing),
		cmocka_unit_test(nothing_is_written_before_the_header),
		cmocka_unit_test(what_it_writes_is_a_recording),
	};
	sample_facts_fill();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
