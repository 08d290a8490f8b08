/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <string.h>

const struct report_format report_formats[] = {
	{"text", "the summary, for people", .write = report_text},
	{"html", "the summary as one page to attach to an incident review", .write = report_html},
	{"json", "the summary as one JSON document", .write = report_json},
	{"hist", "lag histograms as bars", .write = report_hist},
	{"folded", "stall time by stack, a line each, for flame graphs", .by_place = true,
	 .write = report_folded},
	{"pprof", "the same as a profile for pprof, with calls, verdicts and causes as labels",
	 .is_binary = true, .by_place = true, .write = report_pprof},
	{"trace", "a timeline for Perfetto, chrome://tracing and speedscope"},
	{NULL},
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
