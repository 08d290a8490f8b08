/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a verb, and from its answer to an exit code. The only place that prints errors. */
#include "base/clean.h"
#include "cli/options.h"
#include "cli/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Names of processes and files are in these texts: cleaned, so that none of them reaches the terminal as an escape sequence. */
static void put_cleaned(const char *lead, const char *text)
{
	struct bytes clean = {0};
	clean_text(&clean, text, strlen(text));
	fprintf(stderr, "%s%s\n", lead, bytes_text(&clean));
	bytes_free(&clean);
}

static int explain(const struct diag *d, enum exit_code code)
{
	put_cleaned("loopstall: ", d->text[0] ? d->text : "failed without a word: please report this");
	if (d->hint[0])
		put_cleaned("           ", d->hint);
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	struct diag diag = {0};
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is told like a full disk, by who writes */
	int err = options_parse(argc, argv, &options, &diag);
	if (err < 0)
		return explain(&diag, err == -ENOMEM ? EXIT_CODE_ERROR : EXIT_CODE_USAGE);
	int code = verbs[options.verb].run(&options, &diag);
	options_free(&options);
	return code < 0 ? explain(&diag, EXIT_CODE_ERROR) : code;
}
