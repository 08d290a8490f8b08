/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loopstall itself gives up once it is set up, for good. What a host refuses is said on standard error;
 * the work goes on.
 */
#ifndef LOOPSTALL_CLI_RIGHTS_H
#define LOOPSTALL_CLI_RIGHTS_H

#include "base/diag.h"

#include <stdbool.h>

/* Refuses to be the way by which everybody looks into everything. 0 or -EPERM with the diag filled. */
int rights_check(struct diag *d);
/* Files are opened with the rights of whoever runs us, whatever the program's file or unit adds to them. */
void rights_for_opening(void);
/* Before the first byte of a recording is looked at: from here on what is open is read, written and nothing else. */
void rights_for_reading(void);
/*
 * After the attach: keeps the capabilities to read what belongs to processes and to work with what has been loaded, and loads, runs
 * and changes nothing more. writes_later: a recording may still be created, as the user that we become.
 */
void rights_for_watching(bool writes_later);

#endif
