/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as a const struct. One table of options is the only place that knows their names: parsing,
 * --help, the man page's option list and the shell completions are made from it. Does no I/O.
 */
#ifndef LOOPSTALL_CLI_OPTIONS_H
#define LOOPSTALL_CLI_OPTIONS_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/intern.h"
#include "cli/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verb_id {
	VERB_LIVE, /* the everyday form, without a word */
	VERB_DUMP,
	VERB_RECORD,
	VERB_REPORT,
	VERB_EXPORT,
	VERB_CHECK,
	VERB_HIST,
	VERB_LIST,
	VERB_DOCTOR,
	VERB_HELP,
	VERB_VERSION,
	VERBS
};

struct options {
	enum verb_id verb;

	/* what to look at */
	struct target_request *targets;
	size_t n_targets, targets_cap;
	bool all;	/* -a */
	char **command; /* behind "--", NULL-terminated; NULL without one */
	char **files;	/* report, export: recordings */
	size_t n_files;
	bool follow_forks; /* children forked later belong to the target */

	/* what to keep and show */
	uint64_t threshold_ns; /* shown from here on; report: 0 is what the recording says */
	uint64_t record_ns;    /* recorded from here on */
	uint64_t duration_ns;  /* 0: until Ctrl-C */
	uint64_t interval_ns;  /* hist: between two tables; 0: one at the end */
	uint64_t count;	       /* hist: tables, 0 no limit */
	const char *fail_if;   /* check: conditions, or NULL for the default */
	const char *ignore;    /* check: functions, or NULL */
	const char *output;    /* -o, or NULL */
	uint64_t last_ns;      /* record --last, 0 none */
	bool source, json, verbose, replay, no_color;
	const char *format; /* export: a name in report_formats, NULL none was given */
	uint32_t width;	    /* columns, 0: ask the terminal */

	/* how to measure */
	bool stacks;	     /* take stacks at all */
	bool kernel_stacks;  /* with their kernel part */
	uint32_t sample_hz;  /* 0: the scope's default (199, host-wide 99) */
	uint64_t ring_bytes; /* a power of two, a multiple of the page size */
	uint32_t max_loops, max_threads;
	int rung; /* enum rung (capture/probe.h), -1: the best that works */

	/* help */
	enum verb_id about;	/* VERBS: all of it */
	const char *completion; /* shell, or NULL */
	bool man_options;

	struct intern *kept; /* memory behind the texts above */
};

/*
 * Reads a command line; getopt_long's order of arguments, "--" begins a command. 0, or -EINVAL with the diag
 * filled (a usage error), or -ENOMEM. Texts point into argv or into memory freed by options_free().
 */
int options_parse(int argc, char **argv, struct options *o, struct diag *d);
void options_free(struct options *o);

/* Help for one verb, VERBS for all. */
void options_help(struct bytes *out, enum verb_id verb);
/* The option section of the man page (roff), completions for "bash", "zsh" or "fish". False for another
 * shell. */
void options_man(struct bytes *out);
bool options_completion(struct bytes *out, const char *shell);

#endif
