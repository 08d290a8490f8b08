/* SPDX-License-Identifier: Apache-2.0 */
/* What to write instead, by cause and by what the loop is built on. */
#ifndef LOOPSTALL_MODEL_REMEDY_H
#define LOOPSTALL_MODEL_REMEDY_H

#include "model/dictionary.h"
#include "model/library.h"

/* A constant line. library: what the application called, NULL unknown; stack: of the cause, tells a framework from plain asyncio. */
const char *remedy_for(const char *cause, const struct library *library, const struct fact_loop *l,
		       const struct dictionary *d, uint32_t stack);

#endif
