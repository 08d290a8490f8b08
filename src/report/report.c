/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <string.h>

const struct report_format report_formats[] = {
	{"text", "for people: losses, loops, culprits, what a fix would bring", report_text},
	{"json", "the whole summary as one JSON document", report_json},
	{"hist", "lag histograms as bars", report_hist},
	{"html", "one page to attach to an incident review: no script, nothing loaded", report_html},
	{NULL, NULL, NULL},
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
