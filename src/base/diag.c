/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

int diag_fail(struct diag *d, int err, const char *fmt, ...)
{
	if (!d)
		return err;
	va_list args;
	va_start(args, fmt);
	vsnprintf(d->text, sizeof d->text, fmt, args);
	va_end(args);
	return err;
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
	if (!d)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(d->hint, sizeof d->hint, fmt, args);
	va_end(args);
}
