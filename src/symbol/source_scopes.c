/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/source_scopes.h"

#include "base/array.h"

#include <dwarf.h>
#include <stdlib.h>

#define MAX_FUNCTIONS 1000000u /* of all units: 24 MB */
#define MAX_NESTING   32       /* of namespaces and types */

struct function_range {
	uint64_t start, end; /* [start, end) */
	Dwarf_Off function;
};

struct unit_functions {
	struct function_range *ranges; /* by start */
	size_t n, cap;
};

/* --- the functions of a unit */

static void add_function(struct source_functions *known, struct unit_functions *of, Dwarf_Die *function)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(function, at, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		if (known->n == MAX_FUNCTIONS ||
		    !array_reserve(&of->ranges, &of->cap, of->n + 1, sizeof *of->ranges))
			return;
		of->ranges[of->n++] = (struct function_range){start, end, dwarf_dieoffset(function)};
		known->n++;
	}
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_module;
}

static void add_functions(struct source_functions *known, struct unit_functions *of, Dwarf_Die *parent,
			  unsigned depth)
{
	Dwarf_Die die;

	for (int err = dwarf_child(parent, &die); !err; err = dwarf_siblingof(&die, &die)) {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram)
			add_function(known, of, &die);
		else if (depth < MAX_NESTING && holds_functions(tag))
			add_functions(known, of, &die, depth + 1);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct function_range *left = a, *right = b;
	return left->start < right->start ? -1 : left->start > right->start;
}

static const struct unit_functions *functions_of(struct source_functions *known, Dwarf_Die *unit)
{
	uint64_t key = dwarf_dieoffset(unit);
	struct unit_functions *of = idmap_get(&known->units, key);

	if (of)
		return of;
	of = calloc(1, sizeof *of);
	if (!of || !idmap_put(&known->units, key, of)) {
		free(of);
		return NULL;
	}
	add_functions(known, of, unit, 0);
	if (of->n)
		qsort(of->ranges, of->n, sizeof *of->ranges, by_start);
	return of;
}

static const struct function_range *range_of(const struct unit_functions *of, uint64_t address)
{
	size_t low = 0, high = of->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (of->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < of->ranges[low - 1].end ? &of->ranges[low - 1] : NULL;
}

/* --- what is around an address in it */

static bool inner_scope(Dwarf_Die *scope, uint64_t address, Dwarf_Die *inner)
{
	for (int err = dwarf_child(scope, inner); !err; err = dwarf_siblingof(inner, inner)) {
		int tag = dwarf_tag(inner);
		bool is_scope = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
				tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
		if (is_scope && dwarf_haspc(inner, address) > 0)
			return true;
	}
	return false;
}

int source_scopes_at(struct source_functions *known, Dwarf_Die *unit, uint64_t address,
		     Dwarf_Die scopes[SOURCE_MAX_SCOPES])
{
	const struct unit_functions *of = functions_of(known, unit);
	const struct function_range *range = of ? range_of(of, address) : NULL;
	Dwarf *dwarf = dwarf_cu_getdwarf(unit->cu);
	int n = 1;

	if (!range || !dwarf_offdie(dwarf, range->function, &scopes[0]))
		return 0;
	while (n < SOURCE_MAX_SCOPES && inner_scope(&scopes[n - 1], address, &scopes[n]))
		n++;
	return n;
}

void source_functions_free(struct source_functions *known)
{
	size_t at = 0;

	for (struct unit_functions *of; (of = idmap_next(&known->units, &at, NULL));) {
		free(of->ranges);
		free(of);
	}
	idmap_free(&known->units);
}
