/* SPDX-License-Identifier: Apache-2.0 */
/* How text is to look. Nothing in the report asks the terminal, the environment or the clock: it is all told
 * here. */
#ifndef LOOPSTALL_REPORT_STYLE_H
#define LOOPSTALL_REPORT_STYLE_H

#include <stdbool.h>
#include <stdint.h>

#define STYLE_WIDTH_MIN 40 /* narrower than that no layout is worth its while */
#define STYLE_WIDTH	80 /* where there is no terminal to ask */

struct report_style {
	unsigned width; /* columns; 0 is STYLE_WIDTH, less than STYLE_WIDTH_MIN is that */
	bool color;	/* escape sequences wanted */
	bool ascii;	/* no character above 0x7e but those in names */
	bool verbose;	/* loops of hidden classes and per-iteration columns too */
	/* Seconds to add to Unix time for the time of day shown; NULL is UTC. A function, because of summer
	 * time. */
	int32_t (*utc_offset_s)(int64_t unix_s);
};

#endif
