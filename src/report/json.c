/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary as one JSON document. Names as in the recording: _us are whole microseconds, shares are 0 to 1,
 * absent means unknown. Everything is in it, also the loops that the text hides.
 */
#include "base/json.h"

#include "report/report.h"

#include <errno.h>

static void put_us(struct json *j, const char *key, uint64_t ns)
{
	json_uint(j, key, ns / 1000);
}

static void put_text(struct json *j, const char *key, const char *text)
{
	if (text[0])
		json_text(j, key, text);
}

static void put_frame(struct json *j, const char *key, const struct fact_frame *f)
{
	json_begin_object(j, key);
	put_text(j, "function", f->function);
	put_text(j, "object", f->object);
	if (!f->function[0])
		json_uint(j, "offset", f->offset);
	put_text(j, "file", f->file);
	if (f->line)
		json_uint(j, "line", f->line);
	json_text(j, "kind", frame_kind_word(f->kind));
	json_text(j, "method", frame_method_word(f->method));
	json_bool(j, "application", f->application);
	json_end(j);
}

static void put_stack(struct json *j, const char *key, const struct fact_stack *s, const struct dictionary *d)
{
	if (!s)
		return;
	json_begin_object(j, key);
	json_text(j, "state", stack_state_word(s->state));
	json_begin_array(j, "frames");
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fact_frame *f = dictionary_frame(d, s->frames[i]);
		if (f)
			put_frame(j, NULL, f);
	}
	json_end(j);
	json_end(j);
}

static void put_quantiles(struct json *j, const char *key, const struct summary_quantiles *q)
{
	json_begin_object(j, key);
	put_us(j, "p50_us", q->p50_ns);
	put_us(j, "p90_us", q->p90_ns);
	put_us(j, "p99_us", q->p99_ns);
	put_us(j, "max_us", q->max_ns);
	json_end(j);
}

/*
 * Buckets that have values, as [index, count, sum in microseconds]; index i >= 1 ends at 2^((i - 160) / 8)
 * seconds.
 */
static void put_histogram(struct json *j, const char *key, const struct histogram *h)
{
	json_begin_array(j, key);
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		if (!h->count[b])
			continue;
		json_begin_array(j, NULL);
		json_uint(j, NULL, b);
		json_uint(j, NULL, h->count[b]);
		json_uint(j, NULL, h->sum_ns[b] / 1000);
		json_end(j);
	}
	json_end(j);
}

static void put_ledger(struct json *j, const struct ledger *l, uint64_t delay_ns)
{
	json_begin_object(j, "ledger");
	put_us(j, "cpu_us", l->cpu_ns);
	put_us(j, "blocked_us", l->blocked_ns);
	put_us(j, "runnable_us", l->runnable_ns);
	put_us(j, "delay_us", delay_ns);
	put_us(j, "of_that_throttled_us", l->throttled_ns);
	put_us(j, "stopped_us", l->stopped_ns);
	put_us(j, "fault_us", l->fault_ns);
	put_us(j, "reclaim_us", l->reclaim_ns);
	put_us(j, "unaccounted_us", l->unaccounted_ns);
	put_us(j, "stolen_us", l->stolen_ns);
	put_us(j, "interrupts_us", l->interrupts_ns);
	json_end(j);
}

static void put_identity(struct json *j, const struct fact_loop *l)
{
	json_uint(j, "loop", l->id);
	json_uint(j, "pid", l->pid);
	json_uint(j, "tid", l->tid);
	json_uint(j, "fd", l->fd);
	put_text(j, "process", l->process);
	put_text(j, "comm", l->comm);
	put_text(j, "runtime", l->runtime);
	put_text(j, "wait_call", l->wait_call);
	put_text(j, "container", l->container);
	put_text(j, "unit", l->unit);
	json_text(j, "class", loop_class_word(l->class));
	json_uint(j, "threads", l->threads);
}

static void put_stalls(struct json *j, const struct summary_loop *l)
{
	json_begin_object(j, "stalls");
	json_uint(j, "count", l->stalls.stalls);
	put_us(j, "total_us", l->stalls.stall_ns);
	put_us(j, "longest_us", l->stalls.longest_ns);
	json_uint(j, "died", l->stalls.died);
	json_text(j, "verdict", verdict_word(l->top_verdict));
	json_begin_object(j, "by_verdict");
	for (unsigned v = 0; v < VERDICTS; v++)
		if (l->stalls.by_verdict[v])
			json_uint(j, verdict_word(v), l->stalls.by_verdict[v]);
	json_end(j);
	json_begin_object(j, "by_harm");
	for (unsigned h = 0; h < HARMS; h++)
		if (l->stalls.by_harm[h])
			json_uint(j, harm_word(h), l->stalls.by_harm[h]);
	json_end(j);
	put_ledger(j, &l->stalls.ledger, l->stalls.delay_ns);
	json_end(j);
}

static void put_patterns(struct json *j, const struct summary_loop *l)
{
	if (!l->n_patterns)
		return;
	json_begin_array(j, "patterns");
	for (size_t i = 0; i < l->n_patterns; i++) {
		json_begin_object(j, NULL);
		put_text(j, "cause", l->patterns[i].name);
		put_text(j, "evidence", l->patterns[i].evidence);
		put_text(j, "remedy", l->patterns[i].remedy);
		json_end(j);
	}
	json_end(j);
}

static void put_loop(struct json *j, const struct summary_loop *l)
{
	json_begin_object(j, NULL);
	put_identity(j, l->loop);
	json_bool(j, "hidden", l->hidden);
	put_us(j, "elapsed_us", l->elapsed_ns);
	put_us(j, "busy_us", l->busy_ns);
	json_double(j, "utilisation", l->utilisation, 4);
	json_uint(j, "iterations", l->iterations);
	json_double(j, "iterations_per_s", l->iterations_per_s, 1);
	json_double(j, "events_per_wait", l->events_per_wait, 2);
	json_double(j, "zero_timeout_waits", l->zero_wait_share, 4);
	json_double(j, "sleeping_waits", l->slept_wait_share, 4);
	put_quantiles(j, "lag", &l->arrival);
	put_quantiles(j, "lag_per_iteration", &l->iteration);
	put_quantiles(j, "gap_per_iteration", &l->gap);
	put_quantiles(j, "delay_per_iteration", &l->delay);
	json_double(j, "over_threshold", l->over_threshold_share, 6);
	put_stalls(j, l);
	if (l->open) {
		json_begin_object(j, "open");
		json_bool(j, "stuck", l->open->state == STALL_STUCK);
		put_us(j, "lag_us", l->open->lag_ns);
		json_end(j);
	}
	put_us(j, "saturated_us", l->saturated_ns);
	if (l->last_saturated)
		put_text(j, "saturated_evidence", l->last_saturated->evidence);
	if (l->workers->times) {
		json_int(j, "workers_blocked", (int64_t)l->workers->times);
		put_us(j, "worker_blocked_max_us", l->workers->longest_ns);
	}
	put_patterns(j, l);
	put_histogram(j, "lag_histogram", &l->lag);
	json_end(j);
}

static const char *const cause_words[CAUSE_KINDS] = {"frame",	 "throttled",	"no_cpu", "stopped",
						     "no_stack", "unaccounted", "other"};

static void put_cause(struct json *j, const struct summary *s, const struct summary_cause *c)
{
	json_begin_object(j, NULL);
	json_text(j, "kind", cause_words[c->tally.kind]);
	if (c->frame)
		put_frame(j, "frame", c->frame);
	put_us(j, "total_us", c->tally.ns);
	put_us(j, "longest_us", c->tally.longest_ns);
	json_uint(j, "stalls", c->tally.stalls);
	json_double(j, "share", c->share, 4);
	json_uint(j, "loops", c->loops);
	json_text(j, "verdict", verdict_word(c->verdict));
	put_text(j, "cause", c->named);
	put_text(j, "evidence", c->evidence);
	put_text(j, "remedy", c->remedy);
	if (c->period_ns)
		put_us(j, "period_us", c->period_ns);
	put_stack(j, "stack", c->stack, s->dictionary);
	json_end(j);
}

static void put_block(struct json *j, const struct summary *s, const struct tally_block *b)
{
	json_begin_object(j, NULL);
	json_text(j, "call", b->call);
	put_text(j, "target", b->target);
	json_text(j, "target_kind", target_kind_word(b->kind));
	if (b->several)
		json_bool(j, "several_targets", true);
	json_uint(j, "count", b->count);
	put_us(j, "total_us", b->sum_ns);
	put_us(j, "longest_us", b->max_ns);
	json_uint(j, "stalls", b->stalls);
	if (b->waker.tid) {
		json_begin_object(j, "waker");
		json_uint(j, "tid", b->waker.tid);
		put_text(j, "comm", b->waker.comm);
		json_end(j);
	}
	if (b->stack)
		put_stack(j, "stack", dictionary_stack(s->dictionary, b->stack), s->dictionary);
	json_end(j);
}

static void put_absence(struct json *j, const struct absence *a)
{
	json_begin_array(j, "ran_instead");
	for (size_t i = 0; i < a->n_runners; i++) {
		const struct absence_runner *r = &a->runners[i];
		json_begin_object(j, NULL);
		put_text(j, "comm", r->comm);
		if (!r->several)
			json_uint(j, "pid", r->pid);
		json_bool(j, "own", r->own);
		put_us(j, "total_us", r->ns);
		put_us(j, "longest_us", r->longest_ns);
		json_uint(j, "stalls", r->stalls);
		json_end(j);
	}
	json_end(j);
	json_begin_array(j, "limits");
	for (size_t i = 0; i < a->n_limits; i++) {
		const struct absence_limit *l = &a->limits[i];
		json_begin_object(j, NULL);
		put_text(j, "cgroup", l->limit.cgroup);
		put_us(j, "quota_us", l->limit.quota_ns);
		put_us(j, "period_us", l->limit.period_ns);
		put_us(j, "total_us", l->ns);
		put_us(j, "longest_us", l->longest_ns);
		json_uint(j, "stalls", l->stalls);
		json_end(j);
	}
	json_end(j);
}

static void put_without(struct json *j, const struct summary *s)
{
	if (!s->without.n)
		return;
	json_begin_object(j, "without");
	json_uint(j, "loop", s->loops[s->without.loop].loop->id);
	put_us(j, "lag_p99_us", s->without.before_ns);
	json_begin_array(j, "steps");
	for (size_t i = 0; i < s->without.n; i++) {
		json_begin_object(j, NULL);
		json_uint(j, "culprit", s->without.steps[i].cause); /* its place in culprits, from 0 */
		put_us(j, "lag_p99_us", s->without.steps[i].after_ns);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void put_head(struct json *j, const struct summary *s)
{
	json_text(j, "type", "summary");
	json_uint(j, "format", FACT_FORMAT_VERSION);
	if (s->header) {
		put_text(j, "version", s->header->version);
		put_text(j, "host", s->header->host);
		put_text(j, "kernel", s->header->kernel);
		put_text(j, "target", s->header->target);
		put_text(j, "rung", s->header->rung);
		json_uint(j, "start_us", s->start_wall_us);
	}
	put_us(j, "elapsed_us", s->elapsed_ns);
	put_us(j, "threshold_us", s->threshold_ns);
	json_bool(j, "cut_short", s->cut_short);
	put_text(j, "end", s->end_reason);
	json_uint(j, "stalls", s->stalls);
	put_us(j, "stall_us", s->stall_ns);
}

static void put_losses(struct json *j, const struct summary *s)
{
	json_begin_array(j, "losses");
	for (size_t i = 0; i < s->n_losses; i++) {
		json_begin_object(j, NULL);
		json_text(j, "reason", s->losses[i].reason);
		put_text(j, "meaning", s->losses[i].meaning);
		json_uint(j, "count", s->losses[i].count);
		json_end(j);
	}
	json_end(j);
}

static void put_timeline(struct json *j, const struct summary *s)
{
	json_begin_object(j, "timeline");
	put_us(j, "cell_us", s->cell_ns);
	json_begin_array(j, "longest_stall_us");
	for (size_t i = 0; i < s->n_cells; i++)
		put_us(j, NULL, s->cells[i].max_lag_ns);
	json_end(j);
	json_end(j);
}

int report_json(const struct summary *s, const struct report_style *style, struct bytes *out)
{
	struct json j = json_into(out);
	(void)style; /* numbers have no looks */
	json_begin_object(&j, NULL);
	put_head(&j, s);
	put_losses(&j, s);
	json_begin_array(&j, "loops");
	for (size_t i = 0; i < s->n_loops; i++)
		put_loop(&j, &s->loops[i]);
	json_end(&j);
	json_begin_array(&j, "culprits");
	for (size_t i = 0; i < s->n_causes; i++)
		put_cause(&j, s, &s->causes[i]);
	json_end(&j);
	json_begin_array(&j, "blocks");
	for (size_t i = 0; i < s->n_blocks; i++)
		put_block(&j, s, &s->blocks[i]);
	json_end(&j);
	put_absence(&j, &s->absence);
	put_without(&j, s);
	put_timeline(&j, s);
	json_end(&j);
	bytes_putc(out, '\n');
	return bytes_ok(out) ? 0 : -ENOMEM;
}
