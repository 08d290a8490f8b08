/* SPDX-License-Identifier: Apache-2.0 */
/* How output is to look where it goes: asks the terminal, the locale and the environment, so that nobody else has to. */
#ifndef LOOPSTALL_CLI_TERMINAL_H
#define LOOPSTALL_CLI_TERMINAL_H

#include "base/bytes.h"
#include "base/diag.h"
#include "cli/options.h"
#include "report/style.h"

/* For text written to standard output. */
struct report_style terminal_style(const struct options *o);
/* Writes all of it to standard output. 0 or a negative errno; also a report_live flush function. */
int terminal_write(void *unused, const char *text, size_t bytes);

/* The same for all that there is to write. 0, or a negative errno with the diag filled; -ENOMEM if the buffer has failed. */
int terminal_finish(const struct bytes *out, struct diag *d);
/* Whether standard output is one. */
bool terminal_is_tty(void);

/* After a Ctrl-C: "^C" stands where the next line should begin. */
void terminal_end_echo(void);

#endif
