/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gate.h"

#include "base/array.h"
#include "base/duration.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1e15 /* a double still tells two of them apart */

enum gate_unit { UNIT_TIME, UNIT_COUNT, UNIT_PERCENT, UNIT_VERDICT };

static const struct {
	const char *name;
	enum gate_unit unit;
} metrics[GATE_METRICS] = {
	[GATE_STALL] = {"stall", UNIT_TIME},
	[GATE_STALLS] = {"stalls", UNIT_COUNT},
	[GATE_LAG_P50] = {"lag.p50", UNIT_TIME},
	[GATE_LAG_P90] = {"lag.p90", UNIT_TIME},
	[GATE_LAG_P99] = {"lag.p99", UNIT_TIME},
	[GATE_LAG_MAX] = {"lag.max", UNIT_TIME},
	[GATE_UTILISATION] = {"utilisation", UNIT_PERCENT},
	[GATE_VERDICT] = {"verdict", UNIT_VERDICT},
};

static int read_value(enum gate_unit unit, const char *text, uint64_t *value)
{
	char *end;
	int verdict;

	switch (unit) {
	case UNIT_TIME: return duration_parse(text, false, value);
	case UNIT_VERDICT:
		verdict = verdict_parse(text);
		*value = (uint64_t)verdict;
		return verdict < 0 ? -EINVAL : 0;
	case UNIT_COUNT:
	case UNIT_PERCENT: break;
	}
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	double number = strtod(text, &end) * (unit == UNIT_PERCENT ? 10 : 1);
	if (!(number < NUMBER_MAX))
		return -EINVAL;
	*value = (uint64_t)(number + 0.5);
	bool whole = unit == UNIT_PERCENT || (double)*value == number;
	return whole && (*end == 0 || (unit == UNIT_PERCENT && !strcmp(end, "%"))) ? 0 : -EINVAL;
}

/* One condition, without blanks. */
static int parse_condition(struct gate_condition *c, const char *text)
{
	size_t name = strcspn(text, "<>=");
	const char *operator= text + name;

	*c = (struct gate_condition){.metric = GATE_METRICS};
	for (size_t i = 0; i < GATE_METRICS; i++)
		if (strlen(metrics[i].name) == name && !strncmp(metrics[i].name, text, name))
			c->metric = (enum gate_metric)i;
	if (c->metric == GATE_METRICS)
		return -EINVAL;
	bool equals = metrics[c->metric].unit == UNIT_VERDICT;
	if (*operator!=(equals ? '=' : '>'))
		return -EINVAL;
	operator++;
	c->or_equal = !equals && *operator== '=';
	return read_value(metrics[c->metric].unit, operator+ c->or_equal, &c->value);
}

/*
 * Copies up to the next comma, without blanks, and returns how long that was. What does not fit ends in a '!', which is in
 * no condition.
 */
static size_t take_condition(const char *text, char *one, size_t bytes)
{
	size_t len = 0, at = 0;
	for (; text[at] && text[at] != ','; at++)
		if (!isspace((unsigned char)text[at]) && len < bytes - 1)
			one[len++] = text[at];
	one[len] = 0;
	if (len == bytes - 1)
		one[len - 1] = '!';
	return at;
}

int gate_parse(struct gate *g, const char *text, const char *ignore, struct diag *d)
{
	*g = (struct gate){.ignore = ignore};
	for (bool more = true; more; g->n++) {
		char one[64];
		text += take_condition(text, one, sizeof one);
		more = *text++ == ',';
		if (g->n == GATE_CONDITIONS || parse_condition(&g->conditions[g->n], one)) {
			diag_hint(d, "examples: stall>10ms  lag.p99>200ms  stalls>3  utilisation>80%%  "
				     "verdict=GIL");
			return diag_fail(d, -EINVAL, "--fail-if: '%s' is no condition", one);
		}
	}
	return 0;
}

uint64_t gate_threshold_ns(const struct gate *g)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < g->n; i++)
		if (g->conditions[i].metric == GATE_STALL && g->conditions[i].value < least)
			least = g->conditions[i].value;
	return least;
}

/* --- judging ---------------------------------------------------------------------------------------------------------------- */

struct judging {
	const struct gate *g;
	const struct tally *t;
	const struct summary *s;
	struct bytes *out;
	size_t breaches;
};

static bool exceeds(const struct gate_condition *c, uint64_t value)
{
	return c->or_equal ? value >= c->value : value > c->value;
}

static bool matches_any(const char *patterns, const char *name)
{
	char one[256];
	while (patterns && *patterns) {
		size_t len = strcspn(patterns, ",");
		if (len < sizeof one) {
			memcpy(one, patterns, len);
			one[len] = 0;
			if (!fnmatch(one, name, 0))
				return true;
		}
		patterns += len + (patterns[len] == ',');
	}
	return false;
}

/* The function that most of a stall is put down to. */
static const struct fact_frame *stall_frame(const struct judging *j, const struct tally_stall *stall)
{
	const struct tally_cause *cause = stall->n_parts ? &j->t->totals.causes[stall->parts[0].cause] : NULL;
	return cause && cause->kind == CAUSE_FRAME ? dictionary_frame(j->t->dictionary, cause->frame) : NULL;
}

static void name_loop(struct judging *j, uint32_t id)
{
	const struct fact_loop *l = dictionary_loop(j->t->dictionary, id);
	j->breaches++;
	bytes_printf(j->out, "%s[%u]  ", l ? l->process : "?", l ? l->pid : 0);
}

static void name_place(struct judging *j, const struct fact_frame *f)
{
	if (f && f->function[0])
		bytes_printf(j->out, "  in %s", f->function);
	if (f && f->file[0])
		bytes_printf(j->out, "  %s:%u", f->file, f->line);
	bytes_putc(j->out, '\n');
}

static void judge_stalls(struct judging *j, const struct gate_condition *c)
{
	char text[DURATION_TEXT_BYTES];

	for (size_t i = 0; i < j->t->totals.n_stalls; i++) {
		const struct tally_stall *stall = &j->t->totals.stalls[i];
		const struct fact_frame *f = stall_frame(j, stall);
		bool breaks = c->metric == GATE_VERDICT ? stall->verdict == (enum verdict)c->value
							: exceeds(c, stall->lag_ns);
		if (!breaks || (f && matches_any(j->g->ignore, f->function)))
			continue;
		name_loop(j, stall->loop);
		bytes_printf(j->out, "stalled %s  %s", duration_text(stall->lag_ns, text),
			     verdict_word(stall->verdict));
		name_place(j, f);
	}
}

static uint64_t loop_value(enum gate_metric metric, const struct summary_loop *l)
{
	switch (metric) {
	case GATE_STALLS: return l->stalls.stalls;
	case GATE_LAG_P50: return l->arrival.p50_ns;
	case GATE_LAG_P90: return l->arrival.p90_ns;
	case GATE_LAG_P99: return l->arrival.p99_ns;
	case GATE_LAG_MAX: return l->arrival.max_ns;
	case GATE_UTILISATION: return (uint64_t)(l->utilisation * 1000 + 0.5);
	default: return 0;
	}
}

static void judge_loop(struct judging *j, const struct gate_condition *c, const struct summary_loop *l)
{
	char text[DURATION_TEXT_BYTES];
	uint64_t value = loop_value(c->metric, l);

	/* The rest of the ended ones is no loop, and whoever is worse has been judged. */
	if (l->hidden || !l->loop->id || !exceeds(c, value))
		return;
	name_loop(j, l->loop->id);
	bytes_printf(j->out, "%s ", metrics[c->metric].name);
	switch (metrics[c->metric].unit) {
	case UNIT_TIME: bytes_printf(j->out, "%s\n", duration_text(value, text)); break;
	case UNIT_PERCENT: bytes_printf(j->out, "%llu %%\n", (unsigned long long)value / 10); break;
	default: bytes_printf(j->out, "%llu\n", (unsigned long long)value);
	}
}

size_t gate_judge(const struct gate *g, const struct tally *t, const struct summary *s, struct bytes *out)
{
	struct judging j = {g, t, s, out, 0};

	for (size_t i = 0; i < g->n; i++) {
		const struct gate_condition *c = &g->conditions[i];
		if (c->metric == GATE_STALL || c->metric == GATE_VERDICT)
			judge_stalls(&j, c);
		for (size_t k = 0; k < s->n_loops && c->metric != GATE_STALL && c->metric != GATE_VERDICT;
		     k++)
			judge_loop(&j, c, &s->loops[k]);
	}
	return j.breaches;
}
