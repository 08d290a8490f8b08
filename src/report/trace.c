/* SPDX-License-Identifier: Apache-2.0 */
#include "report/trace.h"

#include "base/array.h"
#include "base/idmap.h"
#include "base/json.h"
#include "model/fact_json.h"
#include "model/tally.h"
#include "report/phrase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_KEPT 1024      /* blocked ones whose end is waited for; beyond them each report is a slice */
#define SAME_NS	     50000000u /* starts of one are told by age, which is looked at ten times a second */

/* A stall or blocked worker that is not over, as it was told last. */
struct pending {
	struct fact_stall stall;
	uint64_t at_ns;
};

struct trace_loop {
	struct pending *open; /* NULL none */
	uint64_t saturated_since_ns, saturated_at_ns;
	bool is_saturated;
};

struct trace {
	struct sink sink; /* first member */
	struct trace_options options;
	uint64_t threshold_ns;
	struct trace_loop *loops; /* by number - 1 */
	size_t n_loops, loops_cap;
	struct idmap workers; /* by thread: struct pending */
	uint64_t saturations;
	struct json json;
	struct bytes out, words;
};

static struct trace_loop *loop_of(struct trace *t, uint32_t id)
{
	if (!array_reserve(&t->loops, &t->loops_cap, id, sizeof *t->loops))
		return NULL;
	if (t->n_loops < id)
		t->n_loops = id;
	return &t->loops[id - 1];
}

static bool is_shown(const struct trace *t, uint32_t loop)
{
	const struct fact_loop *l = dictionary_loop(t->options.dictionary, loop);
	return l && !tally_is_hidden(l);
}

/* --- events ---------------------------------------------------------------------------------------- */

static void put_us(struct trace *t, const char *key, uint64_t ns)
{
	json_double(&t->json, key, (double)ns / 1000, 3);
}

static void begin_event(struct trace *t, const char *phase, const char *name, uint32_t pid, uint32_t tid)
{
	json_begin_object(&t->json, NULL);
	json_text(&t->json, "ph", phase);
	json_text(&t->json, "name", name);
	json_uint(&t->json, "pid", pid);
	json_uint(&t->json, "tid", tid);
}

static void put_name(struct trace *t, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
	begin_event(t, "M", what, pid, tid);
	json_begin_object(&t->json, "args");
	json_text(&t->json, "name", name);
	json_end(&t->json);
	json_end(&t->json);
}

/* As words, taken from what was put into t->words; nothing for nothing. */
static void put_words(struct trace *t, const char *key)
{
	if (t->words.len)
		json_text(&t->json, key, bytes_text(&t->words));
	bytes_clear(&t->words);
}

static void put_text(struct trace *t, const char *key, const char *text)
{
	if (text && *text)
		json_text(&t->json, key, text);
}

static void put_ms(struct trace *t, const char *key, uint64_t ns)
{
	if (ns)
		json_double(&t->json, key, (double)ns / 1e6, 3);
}

static void put_ledger(struct trace *t, const struct fact_stall *s)
{
	const struct ledger *l = &s->ledger;
	json_begin_object(&t->json, "ledger_ms");
	put_ms(t, "delay", s->delay_ns);
	put_ms(t, "cpu", l->cpu_ns);
	put_ms(t, "blocked", l->blocked_ns);
	put_ms(t, "runnable", l->runnable_ns);
	put_ms(t, "throttled", l->throttled_ns);
	put_ms(t, "stopped", l->stopped_ns);
	put_ms(t, "unaccounted", l->unaccounted_ns);
	json_end(&t->json);
}

static void put_blocks(struct trace *t, const struct fact_stall *s)
{
	if (!s->n_blocks)
		return;
	json_begin_array(&t->json, "blocked");
	for (uint32_t i = 0; i < s->n_blocks; i++) {
		phrase_block(&t->words, &s->blocks[i]);
		put_words(t, NULL);
	}
	json_end(&t->json);
}

static void put_stack(struct trace *t, uint32_t id)
{
	const struct dictionary *d = t->options.dictionary;
	const struct fact_stack *stack = dictionary_stack(d, id);
	if (!stack)
		return;
	json_begin_array(&t->json, "stack");
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, stack->frames[i]);
		if (f)
			phrase_frame(&t->words, f);
		put_words(t, NULL);
	}
	json_end(&t->json);
}

static void put_arguments(struct trace *t, const struct fact_stall *s)
{
	json_begin_object(&t->json, "args");
	if (s->verdict)
		json_text(&t->json, "verdict", verdict_word(s->verdict));
	if (s->state != STALL_ENDED)
		json_text(&t->json, "state", stall_state_word(s->state));
	put_text(t, "cause", s->cause);
	put_text(t, "evidence", s->evidence);
	put_text(t, "remedy", s->remedy);
	put_text(t, "task", s->task.name);
	put_text(t, "source", s->source);
	phrase_harm(&t->words, s);
	put_words(t, "harm");
	put_ms(t, "lag_ms", s->lag_ns);
	put_ledger(t, s);
	put_blocks(t, s);
	put_stack(t, s->culprit_stack);
	json_end(&t->json);
}

/* --- stalls ---------------------------------------------------------------------------------------- */

/* "BLOCKED poll_vram app/gpu.py:41" */
static void name_stall(struct trace *t, const char *lead, const struct fact_stall *s)
{
	const struct fact_frame *f = dictionary_frame(t->options.dictionary, s->culprit_frame);
	bytes_puts(&t->words, lead);
	bytes_puts(&t->words, s->verdict ? verdict_word(s->verdict) : "stalled");
	if (!f)
		return;
	bytes_putc(&t->words, ' ');
	phrase_frame(&t->words, f);
}

static void begin_slice(struct trace *t, const char *name, const char *kind, const struct fact_stall *s,
			uint64_t start_ns, uint64_t ns)
{
	begin_event(t, "X", name, s->pid, s->tid);
	json_text(&t->json, "cat", kind);
	put_us(t, "ts", start_ns);
	put_us(t, "dur", ns);
}

static void put_part(struct trace *t, const char *name, const struct fact_stall *s, uint64_t start_ns,
		     uint64_t ns)
{
	begin_slice(t, name, "part", s, start_ns, ns);
	json_end(&t->json);
}

/* What began before the capture begins with it: a timeline has no time before. */
static void put_stall(struct trace *t, const char *kind, const struct fact_stall *s, uint64_t at_ns)
{
	uint64_t start_ns = s->start_ns, lag_ns = s->lag_ns;
	if (!start_ns && lag_ns > at_ns)
		lag_ns = at_ns;
	else if (!start_ns)
		start_ns = at_ns - lag_ns;
	name_stall(t, *kind == 'w' ? "worker " : "", s);
	struct bytes name = t->words;
	t->words = (struct bytes){0};
	begin_slice(t, bytes_text(&name), kind, s, start_ns, lag_ns);
	put_arguments(t, s);
	json_end(&t->json);
	t->out.failed |= !bytes_ok(&name);
	bytes_free(&name);
	if (!s->delay_ns || s->delay_ns > lag_ns)
		return;
	put_part(t, "due, and without a CPU", s, start_ns, s->delay_ns);
	put_part(t, "in the gap", s, start_ns + s->delay_ns, lag_ns - s->delay_ns);
}

static int keep(struct pending **at, const struct fact_stall *s, uint64_t at_ns)
{
	if (!*at && !(*at = malloc(sizeof **at)))
		return -ENOMEM;
	(*at)->stall = *s;
	(*at)->at_ns = at_ns;
	return 0;
}

static int take_stall(struct trace *t, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	if (s->lag_ns < t->threshold_ns || !is_shown(t, s->loop))
		return 0;
	struct trace_loop *l = loop_of(t, s->loop);
	if (!l)
		return -ENOMEM;
	if (!stall_is_over(s))
		return keep(&l->open, s, f->at_ns);
	if (l->open && l->open->stall.gap_seq <= s->gap_seq) {
		free(l->open);
		l->open = NULL;
	}
	put_stall(t, "stall", s, f->at_ns);
	return 0;
}

/* A worker that stays blocked is told again and again: its slice is what was told last. */
static int take_worker(struct trace *t, const struct fact *f)
{
	const struct fact_stall *s = f->stall;
	if (s->lag_ns < t->threshold_ns || !is_shown(t, s->loop))
		return 0;
	struct pending *before = idmap_get(&t->workers, s->tid);
	bool is_same = before && s->start_ns < before->stall.start_ns + SAME_NS;
	if (before && !is_same)
		put_stall(t, "worker", &before->stall, before->at_ns);
	if (before)
		return keep(&before, s, f->at_ns);
	if (t->workers.n >= WORKERS_KEPT) {
		put_stall(t, "worker", s, f->at_ns);
		return 0;
	}
	int err = keep(&before, s, f->at_ns);
	if (!err && !idmap_put(&t->workers, s->tid, before)) {
		free(before);
		return -ENOMEM;
	}
	return err;
}

/* --- what else there is ---------------------------------------------------------------------------- */

static int take_header(struct trace *t, const struct fact *f)
{
	const struct fact_header *h = &f->header;
	char text[FACT_TIME_BYTES];
	if (!t->threshold_ns)
		t->threshold_ns = h->threshold_ns;
	json_begin_object(&t->json, "otherData");
	json_text(&t->json, "begins", fact_time_text(h->wall_us, text));
	json_text(&t->json, "loopstall", h->version);
	json_text(&t->json, "host", h->host);
	json_text(&t->json, "kernel", h->kernel);
	json_text(&t->json, "target", h->target);
	json_end(&t->json);
	json_begin_array(&t->json, "traceEvents");
	return 0;
}

static int take_loop(struct trace *t, const struct fact *f)
{
	const struct fact_loop *l = &f->loop;
	if (tally_is_hidden(l))
		return 0;
	put_name(t, "process_name", l->pid, l->tid, l->process[0] ? l->process : l->comm);
	put_name(t, "thread_name", l->pid, l->tid, l->comm);
	return 0;
}

static int take_counts(struct trace *t, const struct fact *f)
{
	const struct fact_counts *c = f->counts;
	const struct fact_loop *l = dictionary_loop(t->options.dictionary, c->loop);
	if (!c->elapsed_ns || !is_shown(t, c->loop))
		return 0;
	uint64_t busy_ns = c->busy_ns < c->elapsed_ns ? c->busy_ns : c->elapsed_ns;
	bytes_printf(&t->words, "busy %% of epoll:%u", c->loop);
	begin_event(t, "C", bytes_text(&t->words), l->pid, l->tid);
	bytes_clear(&t->words);
	put_us(t, "ts", f->at_ns);
	json_begin_object(&t->json, "args");
	json_double(&t->json, "busy", 100 * (double)busy_ns / (double)c->elapsed_ns, 1);
	json_end(&t->json);
	json_end(&t->json);
	return 0;
}

/* One end of a time that lies beside the slices, not in them. */
static void put_saturated(struct trace *t, const char *phase, const struct fact_loop *l, uint64_t at_ns)
{
	begin_event(t, phase, "saturated", l->pid, l->tid);
	json_text(&t->json, "cat", "saturated");
	json_uint(&t->json, "id", t->saturations);
	put_us(t, "ts", at_ns);
	json_end(&t->json);
}

static void end_saturated(struct trace *t, uint32_t loop, struct trace_loop *l)
{
	const struct fact_loop *of = dictionary_loop(t->options.dictionary, loop);
	l->is_saturated = false;
	if (!of || !is_shown(t, loop))
		return;
	t->saturations++;
	put_saturated(t, "b", of, l->saturated_since_ns);
	put_saturated(t, "e", of, l->saturated_at_ns);
}

static int take_saturated(struct trace *t, const struct fact *f)
{
	struct trace_loop *l = loop_of(t, f->saturated->loop);
	if (!l)
		return -ENOMEM;
	l->is_saturated = true;
	l->saturated_since_ns = f->saturated->since_ns;
	l->saturated_at_ns = f->at_ns;
	if (f->saturated->ended)
		end_saturated(t, f->saturated->loop, l);
	return 0;
}

static int take_loss(struct trace *t, const struct fact *f)
{
	bytes_printf(&t->words, "lost: %llu %s", (unsigned long long)f->loss.count, f->loss.meaning);
	begin_event(t, "i", bytes_text(&t->words), 0, 0);
	bytes_clear(&t->words);
	put_us(t, "ts", f->at_ns);
	json_text(&t->json, "s", "g"); /* across all tracks */
	json_end(&t->json);
	return 0;
}

static int (*const takers[FACT_KINDS])(struct trace *, const struct fact *) = {
	[FACT_HEADER] = take_header, [FACT_LOOP] = take_loop,	  [FACT_STALL] = take_stall,
	[FACT_WORKER] = take_worker, [FACT_COUNTS] = take_counts, [FACT_SATURATED] = take_saturated,
	[FACT_LOSS] = take_loss,
};

static int flush(struct trace *t)
{
	if (!bytes_ok(&t->out) || !bytes_ok(&t->words))
		return -ENOMEM;
	int err = t->out.len ? t->options.flush(t->options.context, bytes_text(&t->out), t->out.len) : 0;
	bytes_clear(&t->out);
	return err;
}

static int trace_take(struct sink *self, const struct fact *f)
{
	struct trace *t = (struct trace *)self;
	bool has_begun = t->json.depth > 1;
	if (has_begun == (f->kind == FACT_HEADER))
		return 0; /* the header is first, and once */
	int err = takers[f->kind] ? takers[f->kind](t, f) : 0;
	return err ? err : flush(t);
}

int trace_end(struct trace *t)
{
	struct pending *worker;
	size_t at = 0;
	for (size_t i = 0; i < t->n_loops; i++) {
		if (t->loops[i].open)
			put_stall(t, "stall", &t->loops[i].open->stall, t->loops[i].open->at_ns);
		if (t->loops[i].is_saturated)
			end_saturated(t, (uint32_t)i + 1, &t->loops[i]);
	}
	while ((worker = idmap_next(&t->workers, &at, NULL)))
		put_stall(t, "worker", &worker->stall, worker->at_ns);
	while (t->json.depth)
		json_end(&t->json);
	bytes_putc(&t->out, '\n');
	return flush(t);
}

struct trace *trace_new(const struct trace_options *o)
{
	struct trace *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->sink.take = trace_take;
	t->options = *o;
	t->threshold_ns = o->threshold_ns;
	t->json = json_into(&t->out);
	json_begin_object(&t->json, NULL);
	json_text(&t->json, "displayTimeUnit", "ms");
	return t;
}

struct sink *trace_sink(struct trace *t)
{
	return &t->sink;
}

void trace_free(struct trace *t)
{
	struct pending *worker;
	size_t at = 0;
	if (!t)
		return;
	for (size_t i = 0; i < t->n_loops; i++)
		free(t->loops[i].open);
	while ((worker = idmap_next(&t->workers, &at, NULL)))
		free(worker);
	idmap_free(&t->workers);
	free(t->loops);
	bytes_free(&t->out);
	bytes_free(&t->words);
	free(t);
}
