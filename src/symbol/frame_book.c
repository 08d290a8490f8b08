/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/frame_book.h"

#include "base/array.h"
#include "symbol/ownership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void name_compiled(struct frame_book *b, const struct report_frame *report, struct fact_frame *frame)
{
	if (report->jit == JIT_JS) {
		frame->kind = FRAME_JS;
		frame->file = targets_name(b->targets, report->file, strlen(report->file));
		frame->line = report->line;
		frame->application = ownership_is_js_application(frame->file);
		return;
	}
	frame->object = "[JIT]";
	if (report->jit == JIT_METHOD)
		frame->application = ownership_is_method_application(frame->function);
}

/* Whose code it is cannot be told without a name, and each address as something of its own says even less. */
static bool is_unknown(const struct report_frame *report, const struct target_module *m)
{
	return report->place == PLACE_ANONYMOUS ||
	       (report->place == PLACE_MODULE && m && m->memory && !report->name[0]);
}

static void name_place(struct frame_book *b, const struct report_frame *report, struct fact_frame *frame)
{
	const struct target_module *m = targets_module(b->targets, report->module);

	if (report->place == PLACE_PYTHON) {
		frame->kind = FRAME_PYTHON;
		frame->application = ownership_is_python_application(frame->file);
	} else if (report->place == PLACE_JIT) {
		name_compiled(b, report, frame);
	} else if (is_unknown(report, m)) {
		frame->object = "[JIT]";
		frame->offset = 0;
	} else if (report->place == PLACE_MODULE && report->module == MODULE_VDSO) {
		frame->object = "[vdso]";
	} else if (report->place == PLACE_MODULE && m) {
		frame->object = m->object;
		frame->application = m->application && !ownership_is_linked_library(frame->function) &&
				     (m->is_program || !ownership_is_interposer(frame->function)) &&
				     !ownership_is_installed_source(frame->file);
	}
}

/* Where this is in a stack, V8 interprets a function: one like those that it has compiled, and as little known by name. */
static bool is_interpreted(const char *name)
{
	return !strncmp(name, "Builtins_InterpreterEntryTrampoline",
			strlen("Builtins_InterpreterEntryTrampoline"));
}

int frame_book_define(struct frame_book *b, const struct report_frame *report)
{
	size_t len = strnlen(report->name, sizeof report->name);
	size_t file_len = strnlen(report->file, sizeof report->file);
	if (report->frame != b->n || report->place >= PLACES || report->method >= FRAME_METHODS ||
	    len == sizeof report->name || file_len == sizeof report->file)
		return -EPROTO;
	if (b->n >= FRAME_BOOK_MAX)
		return -E2BIG;
	if (!array_reserve(&b->entries, &b->cap, b->n + 1, sizeof *b->entries))
		return -ENOMEM;
	struct frame_book_entry *e = &b->entries[b->n++];
	e->compiled = report->place == PLACE_ANONYMOUS || is_interpreted(report->name);
	e->frame = (struct fact_frame){
		.kind = FRAME_NATIVE,
		.method = report->method,
		.function = targets_name(b->targets, report->name, len),
		.object = "",
		.offset = report->offset,
		.file = targets_name(b->targets, report->file, file_len),
		.line = report->line,
		.begins = report->begins,
	};
	name_place(b, report, &e->frame);
	return 0;
}

bool frame_book_get(const struct frame_book *b, uint32_t number, bool runs_js, struct fact_frame *frame)
{
	if (number >= b->n)
		return false;
	*frame = b->entries[number].frame;
	if (!b->entries[number].compiled || !runs_js)
		return true;
	frame->kind = FRAME_JS;
	frame->function = "";
	frame->object = "[JIT]";
	return true;
}

void frame_book_open(struct frame_book *b, struct targets *targets)
{
	*b = (struct frame_book){.targets = targets, .kernel_text = fopen("/proc/kallsyms", "re")};
}

static void load_kernel(struct frame_book *b)
{
	b->kernel = kallsyms_read(b->kernel_text);
	fclose(b->kernel_text);
	b->kernel_text = NULL;
}

struct fact_frame frame_book_kernel(struct frame_book *b, uint64_t address)
{
	struct fact_frame frame = {
		.kind = FRAME_IN_KERNEL,
		.method = FRAME_KERNEL,
		.function = "",
		.object = "[kernel]",
		.offset = address,
		.file = "",
	};
	uint64_t offset;

	if (b->kernel_text)
		load_kernel(b);
	const char *name = b->kernel ? kallsyms_find(b->kernel, address, &offset) : NULL;
	if (name) {
		frame.function = targets_name(b->targets, name, strlen(name));
		frame.offset = offset;
	}
	return frame;
}

void frame_book_clear(struct frame_book *b)
{
	b->n = 0;
}

void frame_book_free(struct frame_book *b)
{
	free(b->entries);
	kallsyms_free(b->kernel);
	if (b->kernel_text)
		fclose(b->kernel_text);
	*b = (struct frame_book){0};
}
