/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/jit_map.h"
#include "symbol/jit_name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jit_map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct jit_entry *e = &m->entries[i];
		struct jit_name name;
		size_t len;
		if (!e->bytes || (i && e->start < e[-1].start + e[-1].bytes))
			abort();
		const char *text = jit_map_find(m, e->start + e->bytes - 1, &len);
		if (!text || !len)
			abort();
		jit_name_parse(text, len, &name);
		if (strlen(name.function) >= JIT_NAME_BYTES || strlen(name.file) >= JIT_NAME_BYTES ||
		    (name.line && !*name.file))
			abort();
	}
}

/* In two pieces, as a file grows; the first byte says where they part. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jit_map m = {0};
	const char *text = (const char *)data;
	size_t first = size ? data[0] * size / 256 : 0;

	size_t taken = jit_map_add(&m, text, first);
	if (taken > first || (taken && text[taken - 1] != '\n'))
		abort();
	jit_map_settle(&m);
	check(&m);
	jit_map_add(&m, text + taken, size - taken);
	jit_map_settle(&m);
	check(&m);
	jit_map_clear(&m);
	return 0;
}
