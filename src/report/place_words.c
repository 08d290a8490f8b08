/* SPDX-License-Identifier: Apache-2.0 */
#include "report/place_words.h"

#include "report/phrase.h"

#include <string.h>

void place_put_missing(struct bytes *out, const struct place *p)
{
	static const char *const words[PLACE_KINDS] = {
		[PLACE_CPU] = "[on CPU, no stack]",
		[PLACE_BLOCKED] = "[blocked, no stack]",
		[PLACE_THROTTLED] = "[throttled by its cgroup]",
		[PLACE_NO_CPU] = "[waiting for a CPU]",
		[PLACE_STOPPED] = "[stopped]",
		[PLACE_UNACCOUNTED] = "[unaccounted]",
		[PLACE_BEYOND] = "[places beyond the first 65,536]",
	};
	if (!p->stack)
		bytes_puts(out, words[p->kind]);
}

void place_put_call(struct bytes *out, const struct place *p)
{
	if (!p->call[0])
		return;
	bytes_puts(out, "[blocked: ");
	phrase_call(out, p->call, p->target_kind, p->target, p->object);
	bytes_puts(out, p->several ? " and others]" : "]");
}

void place_put_function(struct bytes *out, const struct fact_frame *f)
{
	if (f->function[0])
		bytes_puts(out, f->function);
	else if (f->kind == FRAME_JS)
		bytes_puts(out, "[JS]");
	else if (!strcmp(f->object, "[JIT]"))
		bytes_puts(out, f->object);
	else
		bytes_printf(out, "%s+0x%llx", f->object[0] ? f->object : "?", (unsigned long long)f->offset);
}
