/* SPDX-License-Identifier: Apache-2.0 */
#include "report/place_words.h"

#include "report/phrase.h"

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
