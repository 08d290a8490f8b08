/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_function.h"

#include "symbol/v8_lines.h"
#include "symbol/v8_scope.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 16384	 /* per process; few of a large application's are on a stack */
#define LINES_MAX     (4u << 20) /* of all scripts of a process: 16 MB */
#define SCRIPTS_MAX   4096

static void function_free(struct v8_function *f)
{
	if (!f)
		return;
	free((char *)f->function);
	free((char *)f->file);
	free(f);
}

static void clear_scripts(struct v8_functions *known)
{
	size_t at = 0;

	for (struct v8_lines *l; (l = idmap_next(&known->scripts, &at, NULL));)
		v8_lines_free(l);
	idmap_free(&known->scripts);
	known->scripts = (struct idmap){0};
	known->n_lines = 0;
}

static void free_retired(struct v8_functions *known)
{
	while (known->retired) {
		struct v8_function *f = known->retired;
		known->retired = f->retired;
		function_free(f);
	}
}

void v8_functions_clear(struct v8_functions *known)
{
	size_t at = 0;

	for (struct v8_function *f; (f = idmap_next(&known->by_address, &at, NULL));)
		function_free(f);
	free_retired(known);
	clear_scripts(known);
	idmap_free(&known->by_address);
	known->by_address = (struct idmap){0};
}

/* --- one function */

struct shared_head {
	uint64_t data, scope, script;
};

static bool read_head(struct v8_functions *known, const struct v8_space *v, uint64_t shared,
		      struct shared_head *head)
{
	const struct v8_offsets *o = &v->offsets;
	uint64_t words[8];

	if (!v8_is_object(shared) || !v8_read(v, shared - 1, words, sizeof words))
		return false;
	if (words[0] != known->map) {
		if (!v8_is_a(v, shared, o->shared_type))
			return false;
		known->map = words[0];
	}
	*head = (struct shared_head){words[o->shared_data / 8], words[o->shared_name / 8],
				     words[o->shared_script / 8]};
	return true;
}

static char *read_text(const struct v8_space *v, uint64_t string, bool keep_end)
{
	struct bytes text = {0};
	char *copy = NULL;

	if (!string || v8_read_string(v, string, keep_end, &text))
		copy = strdup(bytes_text(&text));
	bytes_free(&text);
	return copy;
}

static uint64_t script_name(const struct v8_space *v, uint64_t script)
{
	uint64_t name;
	uint16_t type;

	if (!v8_is_a(v, script, v->offsets.script_type) || !v8_load(v, script, V8_SCRIPT_NAME, &name) ||
	    !v8_type(v, name, &type) || type >= V8_STRING_TYPES)
		return 0; /* made from a text, without a name */
	return name;
}

static struct v8_function *function_read(const struct v8_space *v, const struct shared_head *head)
{
	struct v8_scope scope;
	struct v8_function *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	if (!v8_scope_read(v, head->scope, &scope)) {
		free(f);
		return NULL;
	}
	*f = (struct v8_function){.scope = head->scope, .script = head->script, .start = scope.start};
	f->function = read_text(v, scope.name, false);
	f->file = read_text(v, script_name(v, head->script), true);
	if (f->function && f->file)
		return f;
	function_free(f);
	return NULL;
}

static bool is_same(const struct v8_function *f, const struct shared_head *head)
{
	return f->scope == head->scope && f->script == head->script;
}

/* The object was read in pieces: what it is now must be what it was before. */
static const struct v8_function *function_new(struct v8_functions *known, const struct v8_space *v,
					      uint64_t shared, const struct shared_head *head)
{
	struct shared_head again;
	struct v8_function *f = function_read(v, head);

	if (f && read_head(known, v, shared, &again) && is_same(f, &again) &&
	    idmap_put(&known->by_address, shared, f)) {
		f->id = (*known->next_id)++;
		f->shared = shared;
		return f;
	}
	function_free(f);
	return NULL;
}

void v8_functions_begin(struct v8_functions *known)
{
	free_retired(known);
	if (known->by_address.n >= FUNCTIONS_MAX)
		v8_functions_clear(known);
}

const struct v8_function *v8_function_find(struct v8_functions *known, const struct v8_space *v,
					   uint64_t shared, uint64_t *data)
{
	struct shared_head head;
	struct v8_function *f = idmap_get(&known->by_address, shared);

	if (!read_head(known, v, shared, &head))
		return NULL;
	*data = head.data;
	if (f && is_same(f, &head))
		return f;
	if (f) {
		f->retired = known->retired;
		known->retired = idmap_take(&known->by_address, shared);
	}
	return function_new(known, v, shared, &head);
}

const struct v8_function *v8_function_recall(const struct v8_functions *known, uint64_t shared, uint32_t id)
{
	const struct v8_function *f = idmap_get(&known->by_address, shared);
	return f && f->id == id ? f : NULL;
}

/* --- lines */

static const struct v8_lines *lines_of(struct v8_functions *known, const struct v8_space *v, uint64_t script)
{
	struct v8_lines *lines;

	if (known->scripts.n >= SCRIPTS_MAX)
		clear_scripts(known);
	lines = idmap_get(&known->scripts, script);
	if (lines && v8_lines_are_of(lines, v, script))
		return lines;
	if (lines) {
		known->n_lines -= lines->n;
		v8_lines_free(idmap_take(&known->scripts, script));
	}
	lines = v8_lines_read(v, script, LINES_MAX - known->n_lines);
	if (lines && !idmap_put(&known->scripts, script, lines)) {
		v8_lines_free(lines);
		return NULL;
	}
	known->n_lines += lines ? lines->n : 0;
	return lines;
}

uint32_t v8_function_line(struct v8_functions *known, const struct v8_space *v, const struct v8_function *f,
			  uint32_t position)
{
	const struct v8_lines *lines = position == V8_NO_POSITION ? NULL : lines_of(known, v, f->script);
	return lines ? v8_lines_at(lines, position) : 0;
}
