/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include "base/array.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *suffix;
	double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};

int duration_parse(const char *text, bool bare_seconds, uint64_t *ns)
{
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL; /* no sign, no "nan", no "0x" */
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return -EINVAL;
	char *end;
	double value = strtod(text, &end), scale = bare_seconds && !*end ? 1e9 : 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(end, units[i].suffix))
			scale = units[i].ns;
	if (end == text || scale == 0)
		return -EINVAL;
	if (!(value * scale < 1e18)) /* 31 years */
		return -ERANGE;
	*ns = (uint64_t)(value * scale + 0.5);
	return 0;
}

/* A hundred seconds and more, in the two largest units that say something. */
static void long_text(double s, char text[DURATION_TEXT_BYTES])
{
	unsigned long long whole = (unsigned long long)(s + 0.5), minutes = whole / 60;
	if (minutes < 60)
		snprintf(text, DURATION_TEXT_BYTES, "%llu min %llu s", minutes, whole % 60);
	else if (minutes < 48 * 60)
		snprintf(text, DURATION_TEXT_BYTES, "%llu h %llu min", minutes / 60, minutes % 60);
	else
		snprintf(text, DURATION_TEXT_BYTES, "%llu days %llu h", minutes / (24 * 60),
			 minutes / 60 % 24);
}

const char *duration_text(uint64_t ns, char text[DURATION_TEXT_BYTES])
{
	double us = (double)ns / 1e3, ms = us / 1e3, s = ms / 1e3;
	if (us < 0.05)
		snprintf(text, DURATION_TEXT_BYTES, "0");
	else if (us < 999.5)
		snprintf(text, DURATION_TEXT_BYTES, "%.*f us", us < 9.95 ? 1 : 0, us);
	else if (ms < 999.5)
		snprintf(text, DURATION_TEXT_BYTES, "%.*f ms", ms < 9.95 ? 1 : 0, ms);
	else if (s < 99.95)
		snprintf(text, DURATION_TEXT_BYTES, "%.*f s", s < 9.995 ? 2 : 1, s);
	else
		long_text(s, text);
	return text;
}
