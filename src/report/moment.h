/* SPDX-License-Identifier: Apache-2.0 */
/* Times of day and numbers as people read them. No clock, no locale: the style brings the time zone. */
#ifndef LOOPSTALL_REPORT_MOMENT_H
#define LOOPSTALL_REPORT_MOMENT_H

#include "report/style.h"

#include <stddef.h>

#define MOMENT_BYTES 32

/* "14:03:22.118", or "14:03:22" without milliseconds. Returns text. */
const char *moment_text(const struct report_style *style, uint64_t wall_us, bool milliseconds,
			char text[MOMENT_BYTES]);
/* "2026-11-20 14:03:22" */
const char *moment_date(const struct report_style *style, uint64_t wall_us, char text[MOMENT_BYTES]);
/* "81,234" */
const char *number_text(uint64_t n, char text[MOMENT_BYTES]);
/* "38 %", "0.4 %", "<0.1 %" */
const char *percent_text(double share, char text[MOMENT_BYTES]);

#endif
