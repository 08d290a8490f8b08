/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/kallsyms.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/*
 * The table has no sizes; beyond this from the last symbol an address is not in it (the largest function is
 * below 64 KB).
 */
#define MAX_FUNCTION_BYTES (1u << 20)

struct kernel_symbol {
	uint64_t address;
	uint32_t name; /* offset in names */
};

struct kallsyms {
	struct kernel_symbol *symbols;
	size_t n, cap;
	struct bytes names;
};

/* "ffffffff81000000 T _stext" or "ffffffffc0000000 t name [module]". False only without memory. */
static bool add_line(struct kallsyms *k, const char *line)
{
	unsigned long long address;
	char type, name[256];

	if (sscanf(line, "%llx %c %255s", &address, &type, name) != 3 || !strchr("tTwW", type) || !address)
		return true;
	if (k->names.len > UINT32_MAX - sizeof name ||
	    !array_reserve(&k->symbols, &k->cap, k->n + 1, sizeof *k->symbols))
		return false;
	k->symbols[k->n++] = (struct kernel_symbol){address, (uint32_t)k->names.len};
	bytes_put(&k->names, name, strlen(name) + 1);
	return bytes_ok(&k->names);
}

static int by_address(const void *x, const void *y)
{
	const struct kernel_symbol *a = x, *b = y;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

struct kallsyms *kallsyms_read(FILE *text)
{
	struct kallsyms *k = calloc(1, sizeof *k);
	char *line = NULL;
	size_t cap = 0;
	bool ok = k;

	while (ok && getline(&line, &cap, text) >= 0)
		ok = add_line(k, line);
	free(line);
	if (!ok || !k->n) {
		kallsyms_free(k);
		return NULL;
	}
	qsort(k->symbols, k->n, sizeof *k->symbols, by_address);
	return k;
}

const char *kallsyms_find(const struct kallsyms *k, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = k->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (k->symbols[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || address - k->symbols[low - 1].address > MAX_FUNCTION_BYTES)
		return NULL;
	while (low > 1 && k->symbols[low - 2].address == k->symbols[low - 1].address)
		low--;
	*offset = address - k->symbols[low - 1].address;
	return k->names.data + k->symbols[low - 1].name;
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	free(k->symbols);
	bytes_free(&k->names);
	free(k);
}
