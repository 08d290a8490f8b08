/* SPDX-License-Identifier: Apache-2.0 */
/* The output formats: each reads a summary and nothing else, and is one file and one row of the table. */
#ifndef LOOPSTALL_REPORT_REPORT_H
#define LOOPSTALL_REPORT_REPORT_H

#include "base/bytes.h"
#include "model/summary.h"
#include "report/style.h"

struct report_format {
	const char *name;
	const char *what; /* one line for the help */
	bool is_binary;	  /* not for a terminal */
	bool by_place;	  /* reads the summary's places */
	/* 0 or -ENOMEM. NULL: not of the summary, but of the facts as they come (report/trace.h) */
	int (*write)(const struct summary *s, const struct report_style *style, struct bytes *out);
};

extern const struct report_format report_formats[]; /* ends with a NULL name */

/* NULL for an unknown name. */
const struct report_format *report_format_find(const char *name);

/* The same functions by name, for those who need one in particular. */
int report_text(const struct summary *s, const struct report_style *style, struct bytes *out);
int report_json(const struct summary *s, const struct report_style *style, struct bytes *out);
int report_hist(const struct summary *s, const struct report_style *style, struct bytes *out);
int report_folded(const struct summary *s, const struct report_style *style, struct bytes *out);
int report_pprof(const struct summary *s, const struct report_style *style, struct bytes *out);
int report_html(const struct summary *s, const struct report_style *style, struct bytes *out);

#endif
