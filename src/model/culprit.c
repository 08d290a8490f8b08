/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weighs functions by the stacks they are in. Frames of one function count as one: its samples differ in
 * their line, its callers in the place they call from. Functions of one file may have one name, or none: where they begin
 * tells them apart.
 */
#include "model/culprit.h"

#include "base/array.h"
#include "base/idmap.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define STALL_STACKS (FACT_MAX_BLOCKS + FACT_MAX_SAMPLES)

/* A function met in the stacks. */
struct function {
	uint32_t frame, stack; /* where it was met first: the heaviest stack, innermost */
	uint64_t ns;
	size_t last; /* 1 + the last stack counted: recursion counts once */
};

struct functions {
	struct idmap by_key;
	struct function *items;
	size_t n, cap;
};

static uint64_t hash_text(uint64_t h, const char *text)
{
	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

uint64_t culprit_key(const struct fact_frame *f)
{
	uint64_t h = hash_text(0xcbf29ce484222325u ^ f->kind, f->object);
	h = hash_text(hash_text(h, f->file), f->function);
	h = (h ^ f->begins) * 0x100000001b3u;
	return f->function[0] ? h : (h ^ f->offset) * 0x9e3779b97f4a7c15u;
}

static const struct fact_frame *frame_at(const struct dictionary *d, const struct fact_stack *s, uint32_t i)
{
	return dictionary_frame(d, s->frames[i]);
}

static bool functions_reserve(struct functions *fs, const struct weighted_stack *stacks, size_t n,
			      const struct dictionary *d)
{
	for (size_t i = 0; i < n; i++) {
		const struct fact_stack *s = dictionary_stack(d, stacks[i].stack);
		fs->cap += s ? s->n : 0;
	}
	fs->items = calloc(fs->cap ? fs->cap : 1, sizeof *fs->items);
	return fs->items;
}

static bool functions_add(struct functions *fs, const struct fact_frame *f, const struct weighted_stack *w,
			  size_t nth)
{
	uint64_t key = culprit_key(f);
	struct function *at = idmap_get(&fs->by_key, key);
	if (!at) {
		at = &fs->items[fs->n++];
		*at = (struct function){.frame = f->id, .stack = w->stack};
		if (!idmap_put(&fs->by_key, key, at))
			return false;
	}
	if (at->last != nth)
		at->ns += w->ns;
	at->last = nth;
	return true;
}

/* Whose functions are weighed: the application's, or of packages, which are all that an installed service has. */
enum owner { OWN_APPLICATION, OWN_PACKAGES };

static bool is_package(const struct fact_frame *f)
{
	return strstr(f->file, "-packages/") || strstr(f->file, "/node_modules/");
}

static bool is_dispatcher(const struct fact_frame *f)
{
	static const char *const loops[] = {"*/asyncio/*", "*-packages/trio/_core/*",
					    "*-packages/twisted/internet/*", "*-packages/gevent/*",
					    "*-packages/eventlet/*"};
	for (size_t i = 0; i < ARRAY_LEN(loops); i++)
		if (!fnmatch(loops[i], f->file, 0))
			return true;
	return false;
}

/*
 * How many frames of a stack, from the innermost, may be a package's that runs by itself: what application code has called is that
 * code's, unless a loop in between called it.
 */
static uint32_t depth_of_packages(const struct fact_stack *s, const struct dictionary *d)
{
	uint32_t depth = s->n;
	for (uint32_t i = s->n; i-- > 0;) {
		const struct fact_frame *f = frame_at(d, s, i);
		if (f && f->application)
			depth = 0;
		else if (f && !depth && is_dispatcher(f))
			depth = i;
	}
	return depth;
}

static bool functions_of_stack(struct functions *fs, const struct weighted_stack *w, size_t nth,
			       const struct dictionary *d, enum owner owner)
{
	const struct fact_stack *s = dictionary_stack(d, w->stack);
	uint32_t depth = !s ? 0 : owner == OWN_PACKAGES ? depth_of_packages(s, d) : s->n;
	for (uint32_t i = 0; i < depth; i++) {
		const struct fact_frame *f = frame_at(d, s, i);
		bool counts = f && (owner == OWN_PACKAGES ? is_package(f) : f->application);
		if (counts && !functions_add(fs, f, w, nth))
			return false;
	}
	return true;
}

/* Callees never cover more than their callers, so the smallest cover that is enough is the deepest. */
static const struct function *deepest(const struct functions *fs, uint64_t enough_ns)
{
	const struct function *best = NULL;
	for (size_t i = 0; i < fs->n; i++)
		if (fs->items[i].ns >= enough_ns && (!best || fs->items[i].ns < best->ns))
			best = &fs->items[i];
	return best;
}

/* The innermost frame of the function in a stack, 0 for none. */
static uint32_t frame_of(const struct dictionary *d, uint32_t stack, uint64_t key)
{
	const struct fact_stack *s = dictionary_stack(d, stack);
	for (uint32_t i = 0; s && i < s->n; i++) {
		const struct fact_frame *f = frame_at(d, s, i);
		if (f && culprit_key(f) == key)
			return f->id;
	}
	return 0;
}

/* Of the lines of a function the one that most of its time was on, and the heaviest stack there. Stacks: heaviest first. */
static struct culprit on_its_line(const struct function *of, const struct weighted_stack *stacks, size_t n,
				  const struct dictionary *d)
{
	struct culprit best = {of->frame, of->stack, of->ns};
	uint64_t key = culprit_key(dictionary_frame(d, of->frame)), best_ns = 0;
	uint32_t frames[STALL_STACKS];
	for (size_t i = 0; i < n; i++)
		frames[i] = frame_of(d, stacks[i].stack, key);
	for (size_t i = 0; i < n; i++) {
		uint64_t ns = 0;
		for (size_t k = 0; k < n; k++)
			ns += frames[k] == frames[i] ? stacks[k].ns : 0;
		if (frames[i] && ns > best_ns) {
			best.frame = frames[i];
			best.stack = stacks[i].stack;
			best_ns = ns;
		}
	}
	return best;
}

static const struct fact_frame *innermost_user(const struct fact_stack *s, const struct dictionary *d)
{
	const struct fact_frame *f = NULL;
	for (uint32_t i = 0; i < s->n; i++)
		if ((f = frame_at(d, s, i)) && f->kind != FRAME_IN_KERNEL)
			return f;
	return s->n ? frame_at(d, s, 0) : NULL;
}

static uint64_t covered_by(const struct weighted_stack *stacks, size_t n, const struct dictionary *d,
			   uint64_t key)
{
	uint64_t ns = 0;
	for (size_t i = 0; i < n; i++)
		if (frame_of(d, stacks[i].stack, key))
			ns += stacks[i].ns;
	return ns;
}

/* No application frame anywhere: where the heaviest stack with any frame stands. */
static struct culprit culprit_outside(const struct weighted_stack *stacks, size_t n,
				      const struct dictionary *d)
{
	for (size_t i = 0; i < n; i++) {
		const struct fact_stack *s = dictionary_stack(d, stacks[i].stack);
		const struct fact_frame *f = s ? innermost_user(s, d) : NULL;
		if (f)
			return (struct culprit){f->id, s->id, covered_by(stacks, n, d, culprit_key(f))};
	}
	return (struct culprit){0};
}

/* Where a program begins is below no dispatcher; Python's own is Python too. */
static bool is_called(const struct fact_stack *s, const struct fact_frame *callee, const struct dictionary *d)
{
	uint32_t at = 0;
	while (at < s->n && s->frames[at] != callee->id)
		at++;
	if (callee->kind != FRAME_PYTHON)
		return strcmp(callee->function, "main") != 0;
	while (++at < s->n) {
		const struct fact_frame *f = frame_at(d, s, at);
		if (f && f->kind == FRAME_PYTHON && !f->application)
			return true;
	}
	return false;
}

/* Does any of the functions run because a dispatcher called it, and not as the beginning of the program? */
static bool any_is_called(const struct functions *fs, const struct dictionary *d)
{
	for (size_t i = 0; i < fs->n; i++)
		if (is_called(dictionary_stack(d, fs->items[i].stack),
			      dictionary_frame(d, fs->items[i].frame), d))
			return true;
	return false;
}

static bool is_whole(const struct weighted_stack *w, const struct dictionary *d)
{
	const struct fact_stack *s = dictionary_stack(d, w->stack);
	return s && s->state == STACK_COMPLETE;
}

/*
 * A stack without its outer frames lets a function cover more than its callers. Where most of the time has whole ones, only they tell
 * which is the deepest.
 */
static bool most_is_whole(const struct weighted_stack *stacks, size_t n, const struct dictionary *d)
{
	uint64_t whole_ns = 0, other_ns = 0;
	for (size_t i = 0; i < n; i++)
		*(is_whole(&stacks[i], d) ? &whole_ns : &other_ns) += stacks[i].ns;
	return whole_ns > other_ns;
}

/* Of the functions of one owner the deepest that is most of the time, else the innermost of the heaviest stack that has any. */
static struct culprit culprit_owned(const struct weighted_stack *stacks, size_t n, const struct dictionary *d,
				    enum owner owner, bool *any_called)
{
	struct functions fs = {0};
	struct culprit c = {0};
	uint64_t total_ns = 0;
	bool ok = functions_reserve(&fs, stacks, n, d), whole_only = most_is_whole(stacks, n, d),
	     left_out = false;
	for (size_t i = 0; ok && i < n; i++) {
		if (whole_only && !is_whole(&stacks[i], d)) {
			left_out = true;
			continue;
		}
		total_ns += stacks[i].ns;
		ok = functions_of_stack(&fs, &stacks[i], i + 1, d, owner);
	}
	*any_called = ok && any_is_called(&fs, d);
	if (ok && fs.n) {
		const struct function *found = deepest(&fs, total_ns - total_ns / 2);
		c = on_its_line(found ? found : &fs.items[0], stacks, n, d);
		if (left_out)
			c.ns = covered_by(stacks, n, d, culprit_key(dictionary_frame(d, c.frame)));
	}
	idmap_free(&fs.by_key);
	free(fs.items);
	return c;
}

/* Where the program begins is a culprit only if nothing was called from there that may be one. */
static struct culprit culprit_of_sorted(const struct weighted_stack *stacks, size_t n,
					const struct dictionary *d)
{
	bool called;
	struct culprit own = culprit_owned(stacks, n, d, OWN_APPLICATION, &called);
	if (own.frame && called)
		return own;
	struct culprit package = culprit_owned(stacks, n, d, OWN_PACKAGES, &called);
	if (package.frame)
		return package;
	return own.frame ? own : culprit_outside(stacks, n, d);
}

static int heaviest_first(const void *a, const void *b)
{
	const struct weighted_stack *x = a, *y = b;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

struct culprit culprit_of(const struct weighted_stack *stacks, size_t n, const struct dictionary *d)
{
	struct weighted_stack sorted[STALL_STACKS];
	if (n > STALL_STACKS)
		n = STALL_STACKS;
	memcpy(sorted, stacks, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, heaviest_first);
	return culprit_of_sorted(sorted, n, d);
}

static size_t add_samples(const struct fact_stall *s, struct weighted_stack *stacks, size_t n)
{
	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++)
		if (s->samples[i].stack)
			stacks[n++] = (struct weighted_stack){s->samples[i].stack, s->samples[i].ns};
	qsort(stacks, n, sizeof *stacks, heaviest_first);
	return n;
}

static size_t stacks_of(const struct fact_stall *s, struct weighted_stack *stacks)
{
	size_t n = 0;
	for (uint32_t i = 0; i < s->n_blocks && i < FACT_MAX_BLOCKS; i++)
		if (s->blocks[i].stack)
			stacks[n++] = (struct weighted_stack){s->blocks[i].stack, s->blocks[i].sum_ns};
	return add_samples(s, stacks, n);
}

struct culprit culprit_sampled(const struct fact_stall *s, const struct dictionary *d)
{
	struct weighted_stack stacks[STALL_STACKS];
	return culprit_of_sorted(stacks, add_samples(s, stacks, 0), d);
}

/* A wait is one stack and a computation many small ones: what computed is not shown by a short wait beside it. */
void culprit_choose(struct fact_stall *s, const struct dictionary *d)
{
	struct weighted_stack stacks[STALL_STACKS];
	struct culprit c = {0};
	if (s->verdict == VERDICT_CPU)
		c = culprit_sampled(s, d);
	if (!c.frame)
		c = culprit_of_sorted(stacks, stacks_of(s, stacks), d);
	s->culprit_frame = c.frame;
	s->culprit_stack = c.stack;
}

struct culprit culprit_called(const struct fact_stall *s, const struct dictionary *d, unsigned percent)
{
	struct functions fs = {0};
	struct culprit c = {0};
	struct weighted_stack stacks[FACT_MAX_SAMPLES] = {{0}};
	uint64_t total_ns = 0;
	size_t n = 0;
	for (uint32_t i = 0; i < s->n_samples && i < FACT_MAX_SAMPLES; i++) {
		total_ns += s->samples[i].ns;
		if (s->samples[i].stack)
			stacks[n++] = (struct weighted_stack){s->samples[i].stack, s->samples[i].ns};
	}
	bool ok = functions_reserve(&fs, stacks, n, d);
	for (size_t i = 0; ok && i < n; i++)
		ok = functions_of_stack(&fs, &stacks[i], i + 1, d, OWN_APPLICATION);
	const struct function *found = ok ? deepest(&fs, total_ns - total_ns / 100 * (100 - percent)) : NULL;
	if (found && is_called(dictionary_stack(d, found->stack), dictionary_frame(d, found->frame), d))
		c = on_its_line(found, stacks, n, d);
	idmap_free(&fs.by_key);
	free(fs.items);
	return c;
}

static size_t without_key(struct weighted_stack *stacks, size_t n, const struct dictionary *d, uint64_t key)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!frame_of(d, stacks[i].stack, key))
			stacks[kept++] = stacks[i];
	return kept;
}

size_t culprit_split(const struct fact_stall *s, const struct dictionary *d, struct culprit *parts,
		     size_t max)
{
	struct weighted_stack stacks[STALL_STACKS];
	size_t n = stacks_of(s, stacks), n_parts = 0;
	uint64_t left_ns = s->lag_ns;
	while (n && n_parts < max) {
		struct culprit c = culprit_of_sorted(stacks, n, d);
		const struct fact_frame *f = c.frame ? dictionary_frame(d, c.frame) : NULL;
		if (!f)
			break;
		if (c.ns > left_ns) /* samples are estimates, the lag is measured */
			c.ns = left_ns;
		left_ns -= c.ns;
		parts[n_parts++] = c;
		n = without_key(stacks, n, d, culprit_key(f));
	}
	return n_parts;
}
