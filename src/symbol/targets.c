/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/targets.h"

#include "base/array.h"
#include "base/clean.h"
#include "base/cursor.h"
#include "symbol/ownership.h"
#include "symbol/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REREADS_EARLY 8

/* A file in one state. No padding: it is hashed as bytes. */
struct module_key {
	uint64_t device, inode, changed_ns, bytes;
};

int targets_init(struct targets *t)
{
	*t = (struct targets){.keys = intern_new(), .names = intern_new()};
	return t->keys && t->names ? 0 : -ENOMEM;
}

static void free_target(struct target *target)
{
	if (!target)
		return;
	maps_free(&target->maps);
	free(target->modules);
	free(target);
}

void targets_free(struct targets *t)
{
	size_t at = 0;
	struct target *target;
	while ((target = idmap_next(&t->by_pid, &at, NULL)))
		free_target(target);
	idmap_free(&t->by_pid);
	intern_free(t->keys);
	intern_free(t->names);
	free(t->modules);
	bytes_free(&t->text);
}

const char *targets_name(struct targets *t, const char *text, size_t len)
{
	bytes_clear(&t->text);
	clean_text(&t->text, text, len);
	return intern_text(t->names, bytes_text(&t->text));
}

struct target_module *targets_module(struct targets *t, uint32_t id)
{
	return id >= MODULE_FIRST && id - MODULE_FIRST < t->n_modules ? &t->modules[id - MODULE_FIRST] : NULL;
}

static uint32_t module_of(struct targets *t, struct target *target, const struct maps_row *row,
			  const struct opened_file *file, const char *exe)
{
	const char *path = maps_path(&target->maps, row);
	struct module_key key = {.inode = row->inode,
				 .device = (uint64_t)row->dev_major << 32 | row->dev_minor,
				 .changed_ns = file->changed_ns,
				 .bytes = file->bytes};

	if (!row->inode)
		return strcmp(path, "[vdso]") ? MODULE_NONE : MODULE_VDSO;
	uint32_t index = intern_id(t->keys, &key, sizeof key);
	if (index == INTERN_NONE ||
	    !array_reserve(&t->modules, &t->cap_modules, index + 1, sizeof *t->modules))
		return MODULE_NONE;
	bool is_main = !strcmp(path, exe);
	if (index == t->n_modules) {
		const char *base = maps_base_name(path);
		t->modules[t->n_modules++].object = targets_name(t, base, strlen(base));
		t->modules[index].application =
			ownership_is_application(path, is_main) && !ownership_is_of_interpreter(path, exe);
		t->modules[index].memory = ownership_is_memory(path);
	}
	if (is_main) {
		t->modules[index].is_program = true;
		t->modules[index].application = ownership_is_application(path, true);
	} else if (ownership_is_plugin(path, exe)) {
		t->modules[index].application = true;
	}
	return index + MODULE_FIRST;
}

static bool take_seen(struct targets *t, struct target *target, struct cursor *c)
{
	const struct opened_target *seen = cursor_take(c, sizeof *seen);
	if (!seen || !memchr(seen->exe, 0, sizeof seen->exe) || seen->n_files > MAPS_MAX_ROWS)
		return false;
	const struct opened_file *files = cursor_take(c, seen->n_files * sizeof *files);
	const char *text = cursor_take(c, seen->text_bytes);
	if (!files || !text || maps_parse(&target->maps, text, seen->text_bytes, true) ||
	    target->maps.n != seen->n_files ||
	    !array_reserve(&target->modules, &target->cap_modules, target->maps.n, sizeof *target->modules))
		return false;
	target->runs_js = ownership_runs_js(seen->exe);
	for (size_t i = 0; i < target->maps.n; i++)
		target->modules[i] = module_of(t, target, &target->maps.rows[i], &files[i], seen->exe);
	return true;
}

static bool have_same_rows(const struct target *a, const struct target *b)
{
	if (a->maps.n != b->maps.n)
		return false;
	for (size_t i = 0; i < a->maps.n; i++) {
		const struct maps_row *x = &a->maps.rows[i], *y = &b->maps.rows[i];
		if (x->start != y->start || x->end != y->end || x->offset != y->offset ||
		    a->modules[i] != b->modules[i])
			return false;
	}
	return true;
}

static void free_rows(struct target *target)
{
	maps_free(&target->maps);
	free(target->modules);
}

void targets_take(struct targets *t, struct target *target, const void *seen, size_t bytes, uint64_t now_ns)
{
	struct cursor c = cursor_over(seen, bytes);
	struct target before = *target;

	target->state = TARGET_READ;
	target->seen_ns = now_ns;
	if (!bytes && target->is_looked_over)
		return; /* what was seen while it lived is what its last stacks are named by */
	target->read_ns = now_ns;
	target->reads = bytes ? target->reads + 1 : REREADS_EARLY;
	target->maps = (struct maps){0};
	target->modules = NULL;
	target->cap_modules = 0;
	if (!take_seen(t, target, &c))
		target->maps.n = 0;
	target->sent &= have_same_rows(&before, target);
	free_rows(&before);
}

uint32_t targets_surplus(const struct targets *t)
{
	size_t at = 0;
	struct target *target, *oldest = NULL;
	if (t->by_pid.n < TARGETS_MAX)
		return 0;
	while ((target = idmap_next(&t->by_pid, &at, NULL)))
		if (!oldest || target->used < oldest->used)
			oldest = target;
	return oldest->pid; /* NOLINT(clang-analyzer-core.NullDereference): there are TARGETS_MAX */
}

struct target *targets_get(struct targets *t, uint32_t pid)
{
	struct target *target = idmap_get(&t->by_pid, pid);
	if (!target) {
		target = calloc(1, sizeof *target);
		if (!target || !idmap_put(&t->by_pid, pid, target)) {
			free_target(target);
			return NULL;
		}
		target->pid = pid;
	}
	target->used = ++t->uses;
	return target;
}

struct target *targets_find(const struct targets *t, uint32_t pid)
{
	return idmap_get(&t->by_pid, pid);
}

/* At once after the first time, then after 16, 31, 62 … ms. */
static uint64_t pause_ns(const struct target *target)
{
	if (target->reads < 2)
		return 0;
	return TARGET_REREAD_NS >> (target->reads < REREADS_EARLY ? REREADS_EARLY - target->reads : 0);
}

bool targets_may_reread(const struct target *target, uint64_t now_ns)
{
	return target->state != TARGET_READING && now_ns - target->read_ns >= pause_ns(target);
}

bool targets_are_stale(const struct target *target, uint64_t now_ns)
{
	return target->state == TARGET_READ && now_ns >= target->seen_ns + TARGET_STALE_NS;
}

void targets_forget(struct targets *t, uint32_t pid)
{
	free_target(idmap_take(&t->by_pid, pid));
}

bool targets_opening(struct targets *t, const struct target *target, uint32_t id, struct opening *o)
{
	const struct target_module *m = targets_module(t, id);
	if (!m || m->crashes >= MODULE_MAX_CRASHES)
		return false;
	for (size_t i = 0; i < target->maps.n; i++) {
		if (target->modules[i] != id)
			continue;
		const struct maps_row *row = &target->maps.rows[i];
		*o = (struct opening){.kind = OPENING_MODULE, .pid = target->pid, .module = id, .row = *row};
		snprintf(o->path, sizeof o->path, "%s", maps_path(&target->maps, row));
		return true;
	}
	return false;
}

/* "python3.9", "libpython3.9.so.1.0" */
static uint32_t named_minor(const char *name)
{
	const char *at = strstr(name, "python3.");
	return at ? (uint32_t)strtoul(at + strlen("python3."), NULL, 10) : 0;
}

/* How likely a module is the interpreter; 0: it is not. Programs that embed one may have any name. */
static unsigned likelihood(const char *object, bool first)
{
	if (strstr(object, ".cpython-")) /* an extension */
		return 0;
	if (strstr(object, "libpython"))
		return 3;
	return strstr(object, "python") || strstr(object, "libnode.so") ? 2 : first;
}

static bool is_in(uint32_t module, const uint32_t *modules, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (modules[i] == module)
			return true;
	return false;
}

uint32_t targets_pythons(struct targets *t, const struct target *target, uint32_t *modules, uint32_t *minors,
			 uint32_t max)
{
	uint32_t n = 0;

	for (unsigned likely = 3; likely; likely--)
		for (size_t i = 0; i < target->maps.n && n < max; i++) {
			const struct target_module *m = targets_module(t, target->modules[i]);
			if (!m || likelihood(m->object, i == 0) != likely ||
			    is_in(target->modules[i], modules, n))
				continue;
			minors[n] = named_minor(m->object);
			modules[n++] = target->modules[i];
		}
	return n;
}

/* "_asyncio.cpython-314-x86_64-linux-gnu.so" */
uint32_t targets_asyncio(struct targets *t, const struct target *target)
{
	for (size_t i = 0; i < target->maps.n; i++) {
		const struct target_module *m = targets_module(t, target->modules[i]);
		if (m && !strncmp(m->object, "_asyncio.", strlen("_asyncio.")))
			return target->modules[i];
	}
	return MODULE_NONE;
}

void targets_mark_unsent(struct targets *t)
{
	size_t at = 0;
	struct target *target;
	while ((target = idmap_next(&t->by_pid, &at, NULL)))
		target->sent = false;
	for (size_t i = 0; i < t->n_modules; i++)
		t->modules[i].sent = t->modules[i].missing = false;
}
