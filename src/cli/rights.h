/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loopstall itself gives up once it is set up, for good. What a host refuses is said on standard error;
 * the work goes on.
 */
#ifndef LOOPSTALL_CLI_RIGHTS_H
#define LOOPSTALL_CLI_RIGHTS_H

/* Before the first byte of a recording is looked at: from here on what is open is read, written and nothing else. */
void rights_for_reading(void);

#endif
