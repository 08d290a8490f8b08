/* SPDX-License-Identifier: Apache-2.0 */
/* help and version: the texts that the tables make of themselves. */
#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>

int cmd_help(const struct options *o, struct diag *d)
{
	struct bytes out = {0};
	int code = EXIT_CODE_OK;
	if (o->man_options)
		options_man(&out);
	else if (!o->completion)
		options_help(&out, o->about);
	else if (!options_completion(&out, o->completion))
		code = diag_fail(d, -EINVAL, "no completions for '%s', only for bash, zsh and fish",
				 o->completion);
	if (!bytes_ok(&out))
		code = diag_fail(d, -ENOMEM, "out of memory");
	if (code == EXIT_CODE_OK && (fputs(bytes_text(&out), stdout) < 0 || fflush(stdout)))
		code = diag_fail(d, -EIO, "cannot write to standard output");
	bytes_free(&out);
	return code;
}

int cmd_version(const struct options *o, struct diag *d)
{
	(void)o;
	if (printf("loopstall %s\n", LOOPSTALL_VERSION) < 0 || fflush(stdout))
		return diag_fail(d, -EIO, "cannot write to standard output");
	return EXIT_CODE_OK;
}
