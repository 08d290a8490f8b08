/* SPDX-License-Identifier: Apache-2.0 */
#include "report/moment.h"

#include <stdio.h>

#define DAY_S 86400

static int64_t local_seconds(const struct report_style *style, uint64_t wall_us)
{
	int64_t unix_s = (int64_t)(wall_us / 1000000);
	return unix_s + (style->utc_offset_s ? style->utc_offset_s(unix_s) : 0);
}

static int64_t floor_mod(int64_t a, int64_t b)
{
	int64_t m = a % b;
	return m < 0 ? m + b : m;
}

const char *moment_text(const struct report_style *style, uint64_t wall_us, bool milliseconds,
			char text[MOMENT_BYTES])
{
	int s = (int)floor_mod(local_seconds(style, wall_us), DAY_S);
	int n = snprintf(text, MOMENT_BYTES, "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
	if (milliseconds)
		snprintf(text + n, MOMENT_BYTES - (size_t)n, ".%03d", (int)(wall_us / 1000 % 1000));
	return text;
}

/* Days since 1970-03-01 counted in 400-year eras, so that the leap day is a year's last. */
const char *moment_date(const struct report_style *style, uint64_t wall_us, char text[MOMENT_BYTES])
{
	int64_t local_s = local_seconds(style, wall_us);
	int64_t days = (local_s - floor_mod(local_s, DAY_S)) / DAY_S + 719468;
	int64_t era = days / 146097, day = floor_mod(days, 146097);
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	char time[MOMENT_BYTES];
	snprintf(text, MOMENT_BYTES, "%04d-%02d-%02d %s", (int)(era * 400 + year + (month >= 10)) % 10000,
		 (int)(month < 10 ? month + 3 : month - 9), (int)(day_of_year - (153 * month + 2) / 5 + 1),
		 moment_text(style, wall_us, false, time));
	return text;
}

const char *number_text(uint64_t n, char text[MOMENT_BYTES])
{
	char digits[MOMENT_BYTES];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = 0;
	return text;
}

const char *percent_text(double share, char text[MOMENT_BYTES])
{
	double percent = share * 100;
	if (percent > 0 && percent < 0.1)
		snprintf(text, MOMENT_BYTES, "<0.1 %%");
	else
		snprintf(text, MOMENT_BYTES, "%.*f %%", percent > 0 && percent < 1 ? 1 : 0, percent);
	return text;
}
