/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating a recording's file as a root program must: never through a symlink, never over what is there,
 * readable by nobody else, and owned by the person behind sudo.
 */
#ifndef LOOPSTALL_RECORD_OUTPUT_H
#define LOOPSTALL_RECORD_OUTPUT_H

#include "base/diag.h"

/*
 * A new, empty file of mode 0600, open for reading and writing. A regular file of that name is first renamed
 * to PATH.old (an older .old is lost), unless a process that lives is writing it (-EBUSY, with its number). Under sudo all of it is done with the rights of the user behind it.
 * Negative errno with the diag filled.
 */
int output_create(const char *path, struct diag *d);

#endif
