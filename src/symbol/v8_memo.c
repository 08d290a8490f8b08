/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_memo.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 8192 /* frames of a process: 3 MB */

void v8_memo_clear(struct v8_memo *m)
{
	size_t at = 0;

	for (struct v8_named *n; (n = idmap_next(&m->by_place, &at, NULL));)
		free(n);
	idmap_free(&m->by_place);
	m->by_place = (struct idmap){0};
}

void v8_memo_begin(struct v8_memo *m, uint64_t taken_ns, uint64_t now_ns)
{
	m->taken_ns = taken_ns;
	m->now_ns = now_ns;
	if (m->by_place.n >= NAMED_MAX)
		v8_memo_clear(m);
}

/* Two places may have the same key: the later one is kept. */
static uint64_t key_of(const struct v8_place *p)
{
	return (p->pc * 0x9e3779b97f4a7c15u ^ p->bytecodes) * 0xbf58476d1ce4e5b9u + p->offset;
}

/* Is that what the memory still says? */
static bool is_unchanged(const struct v8_named *n, const struct v8_space *v, struct v8_codes *codes,
			 struct v8_functions *functions)
{
	struct v8_code code;
	uint64_t data;

	if (n->code.start &&
	    (!v8_code_find(codes, v, n->place.pc, &code) || code.start != n->code.start ||
	     code.bytes != n->code.bytes || code.data != n->code.data || code.positions != n->code.positions))
		return false;
	for (uint32_t i = 0; i < n->n; i++) {
		const struct v8_function *f = v8_function_find(functions, v, n->levels[i].shared, &data);
		if (!f || f->id != n->levels[i].id || (n->bytecodes && data != n->data))
			return false;
	}
	return true;
}

uint32_t v8_memo_find(struct v8_memo *m, const struct v8_space *v, struct v8_codes *codes,
		      struct v8_functions *functions, const struct v8_place *place, uint64_t bytecodes,
		      struct v8_level levels[V8_LEVELS_MAX])
{
	struct v8_named *n = idmap_get(&m->by_place, key_of(place));

	if (!n || memcmp(&n->place, place, sizeof *place) || (n->bytecodes && n->bytecodes != bytecodes))
		return 0;
	if (!m->taken_ns || n->checked_ns <= m->taken_ns) {
		if (!is_unchanged(n, v, codes, functions))
			return 0;
		n->checked_ns = m->now_ns;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		levels[i].function = v8_function_recall(functions, n->levels[i].shared, n->levels[i].id);
		levels[i].line = n->levels[i].line;
		if (!levels[i].function)
			return 0;
	}
	return n->n;
}

void v8_memo_keep(struct v8_memo *m, const struct v8_named *named)
{
	struct v8_named *n = idmap_take(&m->by_place, key_of(&named->place));

	if (!n)
		n = malloc(sizeof *n);
	if (!n)
		return;
	*n = *named;
	n->checked_ns = m->now_ns;
	if (!idmap_put(&m->by_place, key_of(&n->place), n))
		free(n);
}
