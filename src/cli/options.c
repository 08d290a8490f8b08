/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/array.h"
#include "base/duration.h"
#include "capture/probe.h"
#include "cli/option_table.h"
#include "cli/verbs.h"
#include "model/gate.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define LONG_VALUES 256 /* getopt_long answers this plus the index in option_table */

static int set_option(struct options *o, enum verb_id verb, size_t index, const char *value, struct diag *d)
{
	const struct option_spec *spec = &option_table[index];
	if (spec->verbs & OPTION_VERB_BIT(verb))
		return option_set(o, spec, value, d);
	struct bytes owners = {0};
	options_put_verbs(&owners, spec->verbs);
	diag_hint(d, "see loopstall %s%s--help", verbs[verb].name, verb == VERB_LIVE ? "" : " ");
	diag_fail(d, -EINVAL, "--%s belongs to %s", spec->name, bytes_text(&owners));
	bytes_free(&owners);
	return -EINVAL;
}

/* What getopt_long() reads by, made from the table; short holds ":ab:…". */
static struct option *getopt_tables(char *short_options)
{
	struct option *long_options = calloc(option_count + 1, sizeof *long_options);
	if (!long_options)
		return NULL;
	*short_options++ = ':';
	for (size_t i = 0; i < option_count; i++) {
		const struct option_spec *spec = &option_table[i];
		int has = spec->argument ? required_argument : no_argument;
		long_options[i] = (struct option){spec->name, has, NULL, LONG_VALUES + (int)i};
		if (!spec->letter)
			continue;
		*short_options++ = spec->letter;
		if (spec->argument)
			*short_options++ = ':';
	}
	*short_options = 0;
	return long_options;
}

static size_t index_of(int answer)
{
	if (answer >= LONG_VALUES)
		return (size_t)(answer - LONG_VALUES);
	size_t i = 0;
	while (i < option_count && option_table[i].letter != answer)
		i++;
	return i;
}

static int bad_option(struct diag *d, int answer, const char *word)
{
	diag_hint(d, "loopstall --help lists the options");
	if (answer == ':')
		return diag_fail(d, -EINVAL, "%s needs an argument", word);
	if (!strncmp(word, "--", 2))
		return diag_fail(d, -EINVAL, "%s is unknown or ambiguous", word);
	return diag_fail(d, -EINVAL, "-%c is no option", optopt);
}

static int parse_dashed(int argc, char **argv, struct options *o, struct diag *d)
{
	char short_options[160];
	struct option *long_options = getopt_tables(short_options);
	if (!long_options)
		return diag_fail(d, -ENOMEM, "out of memory");
	int answer, err = 0;
	enum verb_id verb = o->verb;
	opterr = 0;
	optind = 0; /* start anew, also after an earlier call */
	while (!err && (answer = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (answer == ':' || answer == '?')
			err = bad_option(d, answer, argv[optind - 1]);
		else
			err = set_option(o, verb, index_of(answer), optarg, d);
	}
	free(long_options);
	return err;
}

/* The place from the end of the last but one or the last word that is a time, 0 for none. */
static size_t find_interval(struct options *o, char **words, size_t n, bool bare_seconds)
{
	for (size_t back = n < 2 ? n : 2; back; back--)
		if (!duration_parse(words[n - back], bare_seconds, &o->interval_ns))
			return back;
	return 0;
}

/* "1s" or "1s 10" behind the targets; a bare number alone is a PID, hence the unit, unless options have named the targets. */
static int take_interval(struct options *o, char **words, size_t *n, struct diag *d)
{
	size_t back = find_interval(o, words, *n, false);
	if (!back && (o->n_targets || o->all))
		back = find_interval(o, words, *n, true);
	if (!back)
		return 0;
	if (!o->interval_ns)
		return diag_fail(d, -EINVAL, "an interval of 0 is no interval");
	if (back == 2 && !option_number(words[*n - 1], &o->count, NULL)) {
		diag_hint(d, "see loopstall hist --help");
		return diag_fail(d, -EINVAL, "'%s' behind an interval is not a count", words[*n - 1]);
	}
	*n -= back;
	return 0;
}

static int take_words(struct options *o, char **words, size_t n, struct diag *d)
{
	int err = 0;
	switch (verbs[o->verb].operands) {
	case OPERANDS_TARGETS_OR_ALL:
		if (o->verb == VERB_HIST)
			err = take_interval(o, words, &n, d);
		/* fallthrough */
	case OPERANDS_TARGETS:
		for (size_t i = 0; i < n && !err; i++)
			err = option_add_target(o, TARGET_AS_ANY, words[i], d);
		return err;
	case OPERANDS_FILES:
		o->files = words;
		o->n_files = n;
		return 0;
	case OPERANDS_VERB:
		if (!n)
			return 0;
		o->about = verb_find(words[0]);
		if (o->about < VERBS && n == 1)
			return 0;
		diag_hint(d, "loopstall help lists the verbs");
		return diag_fail(d, -EINVAL, "'%s' is no verb", words[n - 1]);
	case OPERANDS_NONE: break;
	}
	if (!n)
		return 0;
	diag_hint(d, "see loopstall %s --help", verbs[o->verb].name);
	return diag_fail(d, -EINVAL, "%s takes no '%s'", verbs[o->verb].name, words[0]);
}

/* Whether the parts fit each other; each rule is a line a user can act on. */
static int check(struct options *o, struct diag *d)
{
	enum operands operands = verbs[o->verb].operands;
	bool targets = operands == OPERANDS_TARGETS || operands == OPERANDS_TARGETS_OR_ALL;
	bool named_some = o->n_targets || o->command;
	if (operands == OPERANDS_TARGETS_OR_ALL && !named_some)
		o->all = true;
	const struct {
		bool broken;
		const char *text, *hint;
	} rules[] = {
		{o->command && (!targets || o->verb == VERB_DUMP), "'-- COMMAND' has no meaning here",
		 "loopstall -- COMMAND runs and watches a command"},
		{o->command && !o->command[0], "'--' without a command", "loopstall -- python3 app.py"},
		{o->all && named_some, "-a is the whole host: it goes with no other target",
		 "leave out -a or the target"},
		{o->command && o->n_targets, "a target and '-- COMMAND' do not go together", "use two runs"},
		{targets && !o->all && !named_some, "no target: which process shall be watched?",
		 "loopstall PID, loopstall NAME, loopstall -a, or loopstall --help"},
		{operands == OPERANDS_FILES && !o->n_files, "no recording to read",
		 o->verb == VERB_EXPORT ? "loopstall export -f FORMAT FILE.jsonl.zst"
					: "loopstall report FILE.jsonl.zst"},
		{o->verb == VERB_EXPORT && !o->format, "no format to export to",
		 "add -f FORMAT; loopstall export --help lists them"},
		{o->verb == VERB_RECORD && !o->output, "no file to record into", "add -o FILE.jsonl.zst"},
		{o->output && !strcmp(o->output, "-"), "a recording does not go to standard output",
		 "add -o FILE.jsonl.zst, or --json for a stream of nearly the same lines"},
		{o->replay && o->json, "--replay and --json do not go together", "leave out one of them"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].broken) {
			diag_hint(d, "%s", rules[i].hint);
			return diag_fail(d, -EINVAL, "%s", rules[i].text);
		}
	if (o->threshold_ns && o->record_ns > o->threshold_ns)
		o->record_ns = o->threshold_ns; /* what is shown must be there */
	return 0;
}

static struct options defaults(enum verb_id verb)
{
	return (struct options){
		.verb = verb,
		.about = VERBS,
		.follow_forks = true,
		.threshold_ns = verbs[verb].operands == OPERANDS_FILES ? 0 : 50000000,
		.record_ns = 10000000,
		.fail_if = "stall>50ms",
		.stacks = verb != VERB_HIST && verb != VERB_LIST,
		.ring_bytes = 4 << 20,
		.max_loops = 512,
		.max_threads = 2048,
		.rung = RUNG_NONE,
	};
}

/* What the conditions ask for has to be seen. */
static int apply_gate(struct options *o, struct diag *d)
{
	struct gate gate;
	int err = gate_parse(&gate, o->fail_if, o->ignore, d);
	uint64_t needed_ns = gate_threshold_ns(&gate);
	if (!err && needed_ns < o->threshold_ns)
		o->threshold_ns = needed_ns;
	return err;
}

static void split_command(int *argc, char **argv, struct options *o)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], "--")) {
			o->command = argv + i + 1;
			*argc = i;
			break;
		}
}

int options_parse(int argc, char **argv, struct options *o, struct diag *d)
{
	enum verb_id verb = argc > 1 ? verb_find(argv[1]) : VERBS;
	bool has_word = verb != VERBS;
	*o = defaults(has_word ? verb : VERB_LIVE);
	o->kept = intern_new();
	if (!o->kept)
		return diag_fail(d, -ENOMEM, "out of memory");
	split_command(&argc, argv, o);
	if (has_word)
		argv++, argc--; /* getopt skips argv[0], now the verb */
	int err = parse_dashed(argc, argv, o, d);
	bool asked_only = o->about != VERBS; /* -h or -V: the rest does not matter */
	if (!err && !asked_only && o->verb == VERB_CHECK)
		err = apply_gate(o, d);
	if (!err && !asked_only)
		err = take_words(o, argv + optind, (size_t)(argc - optind), d);
	if (!err && !asked_only)
		err = check(o, d);
	if (err)
		options_free(o);
	return err;
}

void options_free(struct options *o)
{
	intern_free(o->kept);
	free(o->targets);
	*o = (struct options){0};
}
