/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte strings kept once: equal keys get the same id (from 0, dense, in order of first sight) and the same address,
 * valid until intern_free(). Used for names and, with binary keys, for frames and stacks.
 */
#ifndef LOOPSTALL_BASE_INTERN_H
#define LOOPSTALL_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern;

#define INTERN_NONE UINT32_MAX /* no memory */

struct intern *intern_new(void);
void intern_free(struct intern *in);
/* The id of the key; INTERN_NONE without memory. */
uint32_t intern_id(struct intern *in, const void *key, size_t len);
/* The id if the key is known, else INTERN_NONE. */
uint32_t intern_find(const struct intern *in, const void *key, size_t len);
/* The kept copy of a text, "" without memory. */
const char *intern_text(struct intern *in, const char *text);
/* The kept key of an id, NUL-terminated behind its length; NULL for an unknown id. */
const void *intern_key(const struct intern *in, uint32_t id, size_t *len);
uint32_t intern_count(const struct intern *in);

#endif
