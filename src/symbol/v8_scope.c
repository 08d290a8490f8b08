/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_scope.h"

#include "symbol/v8_function.h"

#define SCOPE_FLAGS    8
#define SCOPE_LOCALS   24
#define SCOPE_PLACE    32 /* in versions that have start and end there */
#define SCOPE_MEMBERS  32
#define PLACE_BYTES    16
#define LOCALS_MAX     65536
#define LOCALS_IN_LINE 75 /* from here on their names are in a table of its own */

/* In the flags. */
#define KIND_MASK	15
#define HAS_SAVED_CLASS (1u << 10)
#define HAS_VARIABLE	(3u << 12) /* for the function's own name */
#define HAS_INFERRED	(1u << 14)

static bool read_flags(const struct v8_space *v, uint64_t info, uint32_t *flags)
{
	uint64_t word;

	if (!v8_load(v, info, SCOPE_FLAGS, &word))
		return false;
	*flags = (uint32_t)(v->offsets.scope_begins_with_place ? word : word >> V8_SMI_SHIFT);
	return true;
}

static bool is_name(const struct v8_space *v, uint64_t word)
{
	uint16_t type;
	uint32_t length;

	return v8_type(v, word, &type) && type < V8_STRING_TYPES &&
	       v8_read(v, word - 1 + V8_STRING_LENGTH, &length, sizeof length) && length;
}

/* The name in the source; if there is none, the one that the place suggests it is assigned to. */
static bool take_name(const struct v8_space *v, uint64_t info, unsigned at, struct v8_scope *scope)
{
	uint64_t word;

	if (!v8_load(v, info, at, &word))
		return false;
	if (!scope->name && is_name(v, word))
		scope->name = word;
	return true;
}

static bool read_members(const struct v8_space *v, uint64_t info, uint32_t flags, struct v8_scope *scope)
{
	unsigned at = v->offsets.scope_begins_with_place ? SCOPE_PLACE + PLACE_BYTES : SCOPE_MEMBERS;
	uint32_t locals;

	if (!v8_load_smi(v, info, SCOPE_LOCALS, &locals) || locals > LOCALS_MAX)
		return false;
	at += 8 * ((locals < LOCALS_IN_LINE ? locals : 1) + locals + !!(flags & HAS_SAVED_CLASS));
	if (flags & HAS_VARIABLE) {
		if (!take_name(v, info, at, scope))
			return false;
		at += 16;
	}
	if (flags & HAS_INFERRED) {
		if (!take_name(v, info, at, scope))
			return false;
		at += 8;
	}
	if (v->offsets.scope_begins_with_place)
		at = SCOPE_PLACE;
	return v8_load_smi(v, info, at, &scope->start);
}

bool v8_scope_read(const struct v8_space *v, uint64_t word, struct v8_scope *scope)
{
	uint16_t type;
	uint32_t flags;

	*scope = (struct v8_scope){.start = V8_NO_POSITION};
	if (!(word & 1))
		return true; /* a small integer: no name */
	if (!v8_type(v, word, &type))
		return false;
	if (type < V8_STRING_TYPES) {
		scope->name = word;
		return true;
	}
	if (type != v->offsets.scope_type || !read_flags(v, word, &flags))
		return false;
	return (flags & KIND_MASK) != v->offsets.function_scope || read_members(v, word, flags, scope);
}
