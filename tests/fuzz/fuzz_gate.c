/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of `loopstall check`, and the durations in them. What is taken can be written down again and means the same;
 * blanks mean nothing; whatever else is added to a whole condition makes it none; and every breach is one line. Behind a NUL
 * stands what --ignore would say.
 */
#include "must.h"

#include "../unit/story_tally.h"
#include "base/duration.h"
#include "model/gate.h"

#include <errno.h>
#include <stdio.h>

#define EXACT (1ull << 53) /* numbers up to here survive a double */

static const char *const metrics[GATE_METRICS] = {"stall",   "stalls",	"lag.p50",     "lag.p90",
						  "lag.p99", "lag.max", "utilisation", "verdict"};

static void write_condition(struct bytes *out, const struct gate_condition *c)
{
	const char *operator= c->metric == GATE_VERDICT ? "=" : c->or_equal ? ">=" : ">";
	unsigned long long value = c->value;

	bytes_printf(out, "%s%s%s", out->len ? "," : "", metrics[c->metric], operator);
	if (c->metric == GATE_VERDICT)
		bytes_puts(out, verdict_word((enum verdict)value));
	else if (c->metric == GATE_STALLS)
		bytes_printf(out, "%llu", value);
	else if (c->metric == GATE_UTILISATION)
		bytes_printf(out, "%llu.%llu%%", value / 10, value % 10);
	else
		bytes_printf(out, "%lluns", value);
}

static bool is_same(const struct gate *a, const struct gate *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->conditions[i].metric != b->conditions[i].metric ||
		    a->conditions[i].or_equal != b->conditions[i].or_equal ||
		    a->conditions[i].value != b->conditions[i].value)
			return false;
	return true;
}

static void read_written(const struct gate *g)
{
	struct bytes written = {0};
	struct gate again;
	bool exact = true;

	for (size_t i = 0; i < g->n; i++) {
		must(g->conditions[i].metric < GATE_METRICS);
		must(g->conditions[i].metric != GATE_VERDICT ||
		     (!g->conditions[i].or_equal && g->conditions[i].value < VERDICTS));
		must(g->conditions[i].metric != GATE_STALL || gate_threshold_ns(g) <= g->conditions[i].value);
		exact &= g->conditions[i].value < EXACT;
		write_condition(&written, &g->conditions[i]);
	}
	must(!gate_parse(&again, bytes_text(&written), NULL, NULL));
	must(!exact || is_same(g, &again));
	bytes_free(&written);
}

static void read_spaced(const struct gate *g, const char *text)
{
	struct bytes spaced = {0};
	struct gate again;

	for (; *text; text++)
		bytes_printf(&spaced, " %c\t", *text);
	must(!gate_parse(&again, bytes_text(&spaced), NULL, NULL) && is_same(g, &again));
	bytes_free(&spaced);
}

static void read_spoilt(const char *text)
{
	struct bytes spoilt = {0};
	struct gate again;

	bytes_printf(&spoilt, "%s!", text);
	must(gate_parse(&again, bytes_text(&spoilt), NULL, NULL) == -EINVAL || text[strlen(text) - 1] == ',');
	bytes_free(&spoilt);
}

static struct tally *tell_story(void)
{
	static struct story *t; /* kept: the tally points into it */
	t = story_new();
	struct tally *tally = story_tally(t, 10 * MS);
	story_of_one_stall(t);
	return tally;
}

static size_t judge(const struct gate *g, const struct tally *tally, const struct summary *s)
{
	struct bytes out = {0};
	size_t lines = 0, breaches = gate_judge(g, tally, s, &out);
	for (const char *at = bytes_text(&out); (at = strchr(at, '\n')); at++)
		lines++;
	must(lines == breaches && breaches <= GATE_CONDITIONS);
	bytes_free(&out);
	return breaches;
}

static void judge_twice(struct gate *g, const char *ignore)
{
	static struct tally *tally;
	static struct summary *summary;

	if (!tally) {
		tally = tell_story();
		summary = summary_new(tally);
		must(summary);
	}
	size_t breaches = judge(g, tally, summary);
	g->ignore = ignore;
	must(judge(g, tally, summary) <= breaches);
}

static void read_duration(const char *text, bool bare_seconds)
{
	char shown[DURATION_TEXT_BYTES], whole[32];
	uint64_t ns = 0, again;

	if (duration_parse(text, bare_seconds, &ns))
		return;
	must(ns <= 1000000000000000000ull);
	must(*duration_text(ns, shown));
	snprintf(whole, sizeof whole, "%lluns", (unsigned long long)ns);
	must(!duration_parse(whole, false, &again) && (ns > EXACT || again == ns));
	char *blank = strchr(shown, ' ');
	must(!blank == (ns < 50)); /* "0" has no unit */
	if (!blank)
		return;
	memmove(blank, blank + 1, strlen(blank));
	if (ns < 90000000000ull) /* three digits or two */
		must(!duration_parse(shown, false, &again) && again <= ns + ns / 19 + 100 &&
		     again + ns / 19 + 100 >= ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct gate g;
	struct diag d = {0};

	int err = gate_parse(&g, text, NULL, &d);
	must(!err == !d.text[0] && g.n <= GATE_CONDITIONS);
	if (!err) {
		must(g.n);
		read_written(&g);
		read_spaced(&g, text);
		read_spoilt(text);
		judge_twice(&g, strlen(text) < size ? text + strlen(text) + 1 : NULL);
	}
	read_duration(text, false);
	read_duration(text, true);
	free(text);
	return 0;
}
