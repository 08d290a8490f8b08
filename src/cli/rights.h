/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loopstall itself gives up once it is set up, for good. What a host refuses is said on standard error;
 * the work goes on.
 */
#ifndef LOOPSTALL_CLI_RIGHTS_H
#define LOOPSTALL_CLI_RIGHTS_H

#include <stdbool.h>

/* Before the first byte of a recording is looked at: from here on what is open is read, written and nothing else. */
void rights_for_reading(void);
/*
 * After the attach: keeps the capabilities to read what belongs to processes and to work with what has been loaded, and loads, runs
 * and changes nothing more. writes_later: a recording may still be created, as the user that we become.
 */
void rights_for_watching(bool writes_later);

#endif
