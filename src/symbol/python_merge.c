/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/python_merge.h"

struct merge {
	const bool *enters;
	size_t n_python, next_python;
	struct merge_item *to;
	size_t n, cap;
};

static void put(struct merge *m, bool is_python, size_t index)
{
	if (m->n < m->cap)
		m->to[m->n++] = (struct merge_item){is_python, (uint32_t)index};
}

/* The frames of one evaluator. */
static void put_group(struct merge *m)
{
	bool last = false;
	while (m->next_python < m->n_python && !last) {
		last = m->enters[m->next_python];
		put(m, true, m->next_python++);
	}
}

static size_t count_groups(const bool *enters, size_t n)
{
	size_t groups = 0;
	for (size_t i = 0; i < n; i++)
		groups += enters[i] || i + 1 == n;
	return groups;
}

/* Up to and with the frame that the stack begins in. */
static size_t without_others(const enum native_part *native, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (native[i] == NATIVE_SWITCHER)
			return i + 1;
	return n;
}

static size_t count_evaluators(const enum native_part *native, size_t n)
{
	size_t evaluators = 0;
	for (size_t i = 0; i < n; i++)
		evaluators += native[i] == NATIVE_EVALUATOR;
	return evaluators;
}

size_t python_merge(const enum native_part *native, size_t n_native, bool complete, const bool *enters,
		    size_t n_python, struct merge_item *to, size_t cap)
{
	struct merge m = {.enters = enters, .n_python = n_python, .to = to, .cap = cap};
	n_native = without_others(native, n_native);
	size_t evaluators = count_evaluators(native, n_native), groups = count_groups(enters, n_python);
	/* An evaluator more than there are groups has not entered its frame yet, or left it already. */
	size_t idle = complete && evaluators > groups ? evaluators - groups : 0;
	/* Groups more than evaluators: one went unrecognised; what is left over belongs to the innermost. */
	size_t extra = complete && groups > evaluators && evaluators ? groups - evaluators : 0;

	for (size_t i = 0; i < n_native; i++) {
		if (native[i] == NATIVE_OTHER || native[i] == NATIVE_SWITCHER)
			put(&m, false, i);
		if (native[i] != NATIVE_EVALUATOR)
			continue;
		if (idle) {
			idle--;
			continue;
		}
		for (; extra; extra--)
			put_group(&m);
		put_group(&m);
	}
	while (m.next_python < n_python)
		put_group(&m);
	return m.n;
}
