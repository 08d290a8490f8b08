/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

static bool color_wanted(const struct options *o)
{
	const char *term = getenv("TERM");
	bool dumb = !term || !*term || !strcmp(term, "dumb");
	return !o->no_color && !is_set("NO_COLOR") && !dumb && isatty(STDOUT_FILENO);
}

/* The first of these that is set decides, as setlocale() has it; none at all (cron, ssh without a locale) is ASCII. */
static bool is_utf8(void)
{
	static const char *const order[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const char *locale = getenv(order[i]);
		if (locale && *locale)
			return strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8");
	}
	return false;
}

static int32_t local_offset_s(int64_t unix_s)
{
	time_t when = (time_t)unix_s;
	struct tm local;
	return localtime_r(&when, &local) ? (int32_t)local.tm_gmtoff : 0;
}

struct report_style terminal_style(const struct options *o)
{
	struct winsize size = {0};
	unsigned width = o->width;
	if (!width && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		width = size.ws_col;
	return (struct report_style){
		.width = width ? width : STYLE_WIDTH,
		.color = color_wanted(o),
		.ascii = !is_utf8(),
		.verbose = o->verbose,
		.utc_offset_s = local_offset_s,
	};
}

int terminal_write(void *unused, const char *text, size_t bytes)
{
	(void)unused;
	while (bytes) {
		ssize_t wrote = write(STDOUT_FILENO, text, bytes);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		text += wrote;
		bytes -= (size_t)wrote;
	}
	return 0;
}

int terminal_finish(const struct bytes *out, struct diag *d)
{
	if (!bytes_ok(out))
		return diag_fail(d, -ENOMEM, "out of memory");
	int err = terminal_write(NULL, bytes_text(out), out->len);
	return err ? diag_fail(d, err, "cannot write to standard output: %s", strerror(-err)) : 0;
}

bool terminal_is_tty(void)
{
	return isatty(STDOUT_FILENO);
}

void terminal_end_echo(void)
{
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		fputc('\n', stderr);
}
