/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this host lets the parts that touch hostile bytes give up their rights, as answers beside the kernel probe's. */
#ifndef LOOPSTALL_CLI_CONFINEMENT_H
#define LOOPSTALL_CLI_CONFINEMENT_H

#include "capture/probe.h"

#define CONFINEMENTS_MAX 16

/* Starts worker and opener, asks them and ends them; about 10 ms. Returns how many answers there are. */
size_t confinement_ask(struct ability abilities[CONFINEMENTS_MAX]);

#endif
