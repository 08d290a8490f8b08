/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/array.h"
#include "capture/probe.h"
#include "cli/option_table.h"
#include "cli/verbs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 40

/* Splits a line at blanks; the words stay in the buffer. */
struct line {
	char text[512];
	char *argv[WORDS_MAX];
	int argc;
};

static int parse(struct line *line, const char *text, struct options *o, struct diag *d)
{
	*d = (struct diag){0};
	line->argc = 0;
	strcpy(line->text, text);
	for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " "))
		line->argv[line->argc++] = word;
	line->argv[line->argc] = NULL;
	return options_parse(line->argc, line->argv, o, d);
}

/* The line is good; to be freed. */
static struct options good(struct line *line, const char *text)
{
	struct options o;
	struct diag d;
	if (parse(line, text, &o, &d))
		fail_msg("'%s' was refused: %s", text, d.text);
	return o;
}

static void everyday_form(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall uvicorn 4121 nginx.service");
	assert_int_equal(o.verb, VERB_LIVE);
	assert_int_equal(o.n_targets, 3);
	assert_int_equal(o.targets[0].as, TARGET_AS_ANY);
	assert_string_equal(o.targets[0].text, "uvicorn");
	assert_string_equal(o.targets[2].text, "nginx.service");
	assert_int_equal(o.threshold_ns, 50000000);
	assert_int_equal(o.record_ns, 10000000);
	assert_int_equal(o.rung, RUNG_NONE);
	assert_true(o.follow_forks);
	assert_true(o.stacks);
	assert_false(o.all);
	assert_null(o.command);
	options_free(&o);
}

static void dashed_targets_are_lists(void **state)
{
	struct line line;
	static const struct target_request wanted[] = {
		{TARGET_AS_PID, "4121"}, {TARGET_AS_PID, "4180"},    {TARGET_AS_PID, "7"},
		{TARGET_AS_TID, "9"},	 {TARGET_AS_CGROUP, "/a,b"},
	};
	(void)state;
	struct options o = good(&line, "loopstall -p 4121,4180 -p7 --tid=9 -c /a,b");
	assert_int_equal(o.n_targets, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_int_equal(o.targets[i].as, wanted[i].as);
		assert_string_equal(o.targets[i].text, wanted[i].text);
	}
	options_free(&o);
}

static void values_reach_their_members(void **state)
{
	struct line line;
	(void)state;
	struct options o =
		good(&line,
		     "loopstall record -o out.jsonl.zst -T 120ms -d 10 --last 10m --rate 250 --ring-size 1M "
		     "--max-loops 9 --max-threads 11 --rung raw_tp --no-follow --no-stacks --json -v x");
	assert_int_equal(o.verb, VERB_RECORD);
	assert_string_equal(o.output, "out.jsonl.zst");
	assert_int_equal(o.threshold_ns, 120000000);
	assert_int_equal(o.duration_ns, 10000000000);
	assert_int_equal(o.last_ns, 600000000000);
	assert_int_equal(o.sample_hz, 250);
	assert_int_equal(o.ring_bytes, 1 << 20);
	assert_int_equal(o.max_loops, 9);
	assert_int_equal(o.max_threads, 11);
	assert_int_equal(o.rung, RUNG_RAW_TP);
	assert_false(o.follow_forks);
	assert_false(o.stacks);
	assert_true(o.json);
	assert_true(o.verbose);
	options_free(&o);
}

static void what_is_shown_is_recorded(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall -T 2ms x");
	assert_int_equal(o.record_ns, 2000000);
	options_free(&o);
}

static void two_dashes_begin_a_command(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall -T 20ms -- python3 app.py -p 1 --json -- x");
	assert_string_equal(o.command[0], "python3");
	assert_string_equal(o.command[2], "-p");
	assert_string_equal(o.command[5], "--");
	assert_string_equal(o.command[6], "x");
	assert_null(o.command[7]);
	assert_int_equal(o.n_targets, 0);
	assert_false(o.json);
	options_free(&o);
}

static void hist_takes_an_interval_behind_targets(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall hist redis-server 500ms 10");
	assert_int_equal(o.n_targets, 1);
	assert_int_equal(o.interval_ns, 500000000);
	assert_int_equal(o.count, 10);
	assert_false(o.all);
	assert_false(o.stacks);
	options_free(&o);

	o = good(&line, "loopstall hist 2s");
	assert_int_equal(o.n_targets, 0);
	assert_int_equal(o.interval_ns, 2000000000);
	assert_int_equal(o.count, 0);
	assert_true(o.all);
	options_free(&o);

	o = good(&line, "loopstall hist 4121"); /* without a unit it is a PID */
	assert_int_equal(o.n_targets, 1);
	assert_int_equal(o.interval_ns, 0);
	options_free(&o);

	o = good(&line, "loopstall hist -p 4121 1 10"); /* unless PIDs have been told */
	assert_int_equal(o.n_targets, 1);
	assert_int_equal(o.interval_ns, 1000000000);
	assert_int_equal(o.count, 10);
	options_free(&o);
}

static void list_without_target_is_the_host(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall list");
	assert_true(o.all);
	options_free(&o);
	o = good(&line, "loopstall list 12");
	assert_false(o.all);
	options_free(&o);
}

static void report_takes_files(void **state)
{
	struct line line;
	(void)state;
	struct options o = good(&line, "loopstall report a.zst --replay b.zst");
	assert_int_equal(o.n_files, 2);
	assert_string_equal(o.files[1], "b.zst");
	assert_true(o.replay);
	assert_int_equal(o.threshold_ns, 0); /* as recorded */
	options_free(&o);
}

static void help_needs_nothing_else(void **state)
{
	static const struct {
		const char *text;
		enum verb_id verb, about;
	} asked[] = {
		{"loopstall -h", VERB_HELP, VERB_LIVE},
		{"loopstall record --help", VERB_HELP, VERB_RECORD},
		{"loopstall help record", VERB_HELP, VERB_RECORD},
		{"loopstall help", VERB_HELP, VERBS},
		{"loopstall --version", VERB_VERSION, VERB_LIVE},
		{"loopstall version", VERB_VERSION, VERBS},
	};
	struct line line;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct options o = good(&line, asked[i].text);
		assert_int_equal(o.verb, asked[i].verb);
		assert_int_equal(o.about, asked[i].about);
		options_free(&o);
	}
}

static void bad_lines_say_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"loopstall", "no target"},
		{"loopstall -T 50 x", "'50' has no unit"},
		{"loopstall -T 0ms x", "no time at all"},
		{"loopstall -T x y", "not a time"},
		{"loopstall -d x y", "not a time"},
		{"loopstall --nonsense x", "--nonsense is unknown"},
		{"loopstall --max x", "unknown or ambiguous"},
		{"loopstall -q x", "-q is no option"},
		{"loopstall x -p", "-p needs an argument"},
		{"loopstall x --threshold", "--threshold needs an argument"},
		{"loopstall -p 1,", "not a list of numbers"},
		{"loopstall -p abc", "not a list of numbers"},
		{"loopstall -p 12345678901234567890123456789012345", "too large"},
		{"loopstall --last 3m x", "--last belongs to record"},
		{"loopstall report -a f",
		 "--all belongs to the everyday form, dump, record, check, hist, list"},
		{"loopstall -a x", "the whole host"},
		{"loopstall x -- y", "do not go together"},
		{"loopstall --", "without a command"},
		{"loopstall report", "no recording"},
		{"loopstall report f -- x", "no meaning here"},
		{"loopstall dump -- x", "no meaning here"},
		{"loopstall record x", "no file to record into"},
		{"loopstall report f --replay --json", "do not go together"},
		{"loopstall doctor x", "doctor takes no 'x'"},
		{"loopstall help nonsense", "'nonsense' is no verb"},
		{"loopstall hist x 1s many", "'many' behind an interval"},
		{"loopstall hist 0s", "interval of 0"},
		{"loopstall --rate 0 x", "out of range"},
		{"loopstall --rate 99999 x", "out of range"},
		{"loopstall --rate -5 x", "not a number"},
		{"loopstall --rate 5x x", "not a number"},
		{"loopstall --ring-size 3M x", "not a power of two"},
		{"loopstall --ring-size 1K x", "out of range"},
		{"loopstall --ring-size 99999999999G x", "out of range"},
		{"loopstall --ring-size M x", "not a size"},
		{"loopstall --rung kprobe x", "no rung"},
	};
	struct line line;
	struct options o;
	struct diag d;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int err = parse(&line, bad[i].line, &o, &d);
		if (err != -EINVAL || !strstr(d.text, bad[i].says))
			fail_msg("'%s': %d, '%s' instead of '%s'", bad[i].line, err, d.text, bad[i].says);
	}
}

static void table_is_consistent(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_spec *spec = &option_table[i];
		bool takes =
			spec->kind != OPTION_FLAG && spec->kind != OPTION_UNFLAG && spec->kind != OPTION_VERB;
		assert_int_equal(takes, spec->argument != NULL);
		assert_non_null(spec->help);
		assert_int_equal(strstr(spec->help, "%s") != NULL, spec->otherwise != NULL);
		assert_true(spec->verbs != 0);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(spec->name, option_table[j].name);
			assert_true(!spec->letter || spec->letter != option_table[j].letter);
		}
	}
	for (size_t i = 0; i < VERBS; i++) {
		assert_non_null(verbs[i].run);
		assert_int_equal(verb_find(verbs[i].name), i == VERB_LIVE ? VERBS : i);
	}
}

static void texts_show_every_option(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"}, *const dash[] = {"--", "--", "-l "};
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(shells); s++) {
		struct bytes text = {0}, man = {0}, help = {0};
		assert_true(options_completion(&text, shells[s]));
		options_man(&man);
		for (enum verb_id v = VERB_LIVE; v < VERBS; v++)
			options_help(&help, v);
		for (size_t i = 0; i < option_count; i++) {
			const struct option_spec *spec = &option_table[i];
			char dashed[64];
			snprintf(dashed, sizeof dashed, "--%s ", spec->name);
			assert_int_equal(strstr(bytes_text(&help), dashed) != NULL, !spec->hidden);
			snprintf(dashed, sizeof dashed, "%s%s", dash[s], spec->name);
			assert_int_equal(strstr(bytes_text(&text), dashed) != NULL, !spec->hidden);
		}
		assert_non_null(strstr(bytes_text(&man), "\\-\\-no\\-follow\n"));
		bytes_free(&text);
		bytes_free(&man);
		bytes_free(&help);
	}
	struct bytes none = {0};
	assert_false(options_completion(&none, "csh"));
	bytes_free(&none);
}

static void help_fits_80_columns(void **state)
{
	(void)state;
	for (int v = VERB_LIVE; v <= VERBS; v++) {
		struct bytes help = {0};
		options_help(&help, (enum verb_id)v);
		for (const char *line = bytes_text(&help); *line;) {
			size_t len = strcspn(line, "\n");
			if (len > 80)
				fail_msg("%zu columns: %.*s", len, (int)len, line);
			line += len + (line[len] == '\n');
		}
		bytes_free(&help);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyday_form),
		cmocka_unit_test(dashed_targets_are_lists),
		cmocka_unit_test(values_reach_their_members),
		cmocka_unit_test(what_is_shown_is_recorded),
		cmocka_unit_test(two_dashes_begin_a_command),
		cmocka_unit_test(hist_takes_an_interval_behind_targets),
		cmocka_unit_test(list_without_target_is_the_host),
		cmocka_unit_test(report_takes_files),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(bad_lines_say_what_is_wrong),
		cmocka_unit_test(table_is_consistent),
		cmocka_unit_test(texts_show_every_option),
		cmocka_unit_test(help_fits_80_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
