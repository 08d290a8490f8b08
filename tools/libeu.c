/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four functions that libelf.a of elfutils 0.192 (Debian 13) calls and that no package brings: they live in an internal library
 * of elfutils which is part of libelf.so only. Linked into the static program; weak, so that a libelf.a that is complete wins.
 *
 * A search tree there is a struct whose first member is the root of a tsearch(3) tree, followed by a lock unless elfutils was built without
 * locks, as it is by default and in Debian.
 */
#include <search.h>
#include <stddef.h>

typedef int compare_keys(const void *a, const void *b);

void eu_search_tree_init(void **tree);
void eu_search_tree_fini(void **tree, void (*free_node)(void *node));
void *eu_tsearch(const void *key, void **tree, compare_keys *compare);
void *eu_tdelete(const void *key, void **tree, compare_keys *compare);

#pragma weak eu_search_tree_init
#pragma weak eu_search_tree_fini
#pragma weak eu_tsearch
#pragma weak eu_tdelete

void eu_search_tree_init(void **tree)
{
	*tree = NULL;
}

void eu_search_tree_fini(void **tree, void (*free_node)(void *node))
{
	tdestroy(*tree, free_node);
	*tree = NULL;
}

void *eu_tsearch(const void *key, void **tree, compare_keys *compare)
{
	return tsearch(key, tree, compare);
}

void *eu_tdelete(const void *key, void **tree, compare_keys *compare)
{
	return tdelete(key, tree, compare);
}
