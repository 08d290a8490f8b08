/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/demangle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* The demangler is superlinear in hostile names; the longest in node has 3,600 bytes. */
#define MAX_MANGLED_BYTES 4096
#define RUST_HASH_BYTES	  19 /* "::h" and 16 hex digits */

static bool ends_in_hash(const char *text, size_t len)
{
	const char *hash = text + len - RUST_HASH_BYTES;
	return len > RUST_HASH_BYTES && !strncmp(hash, "::h", 3) &&
	       strspn(hash + 3, "0123456789abcdef") == 16;
}

static bool is_mangled(const char *name)
{
	return (!strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2)) && strlen(name) <= MAX_MANGLED_BYTES;
}

void demangle(const char *name, char *text, size_t cap)
{
	char *readable = is_mangled(name) ? cplus_demangle(name, DMGL_AUTO) : NULL;
	const char *shown = readable ? readable : name;
	size_t len = readable ? strlen(shown) : strcspn(shown, "@");

	if (ends_in_hash(shown, len))
		len -= RUST_HASH_BYTES;
	snprintf(text, cap, "%.*s", (int)len, shown);
	free(readable);
}
