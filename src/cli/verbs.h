/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the command line, as one table. Knows what a verb is called and which function does it, not
 * what its options are. */
#ifndef LOOPSTALL_CLI_VERBS_H
#define LOOPSTALL_CLI_VERBS_H

#include "base/diag.h"
#include "cli/options.h"

/* Exit codes of the program. A verb's function returns one, or a negative errno with the diag filled. */
enum exit_code { EXIT_CODE_OK, EXIT_CODE_ERROR, EXIT_CODE_USAGE, EXIT_CODE_BREACHED };

/* What words without a dash mean to a verb. */
enum operands {
	OPERANDS_NONE,
	OPERANDS_TARGETS,
	OPERANDS_TARGETS_OR_ALL, /* none means the whole host; an INTERVAL and COUNT may follow (hist) */
	OPERANDS_FILES,
	OPERANDS_VERB,
};

struct verb {
	const char *name; /* "" is the everyday form */
	enum operands operands;
	const char *synopsis; /* behind "loopstall NAME " */
	const char *summary;
	int (*run)(const struct options *o, struct diag *d);
};

extern const struct verb verbs[VERBS];

/* VERBS for an unknown word. */
enum verb_id verb_find(const char *word);

/* What the table points to: run_live() is everything that attaches (live, dump, record, hist, list). */
int run_live(const struct options *o, struct diag *d);
int cmd_report(const struct options *o, struct diag *d);
int cmd_export(const struct options *o, struct diag *d);
int cmd_doctor(const struct options *o, struct diag *d);
int cmd_help(const struct options *o, struct diag *d);
int cmd_version(const struct options *o, struct diag *d);

#endif
