/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of /proc/PID/maps as a sorted table. Knows the format of a line and nothing of where the text came
 * from.
 *
 * Lines that do not parse, and lines out of order, are left out; a torn last line (the file is read in pieces
 * while the process runs) is one of them.
 */
#ifndef LOOPSTALL_SYMBOL_MAPS_H
#define LOOPSTALL_SYMBOL_MAPS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The default vm.max_map_count is 65,530. */
#define MAPS_MAX_ROWS 65536

struct maps_row {
	uint64_t start, end; /* [start, end) */
	uint64_t offset;     /* in the file, bytes */
	uint64_t inode;	     /* 0: no file */
	uint32_t dev_major, dev_minor;
	bool exec;
	bool deleted;  /* the path carried " (deleted)", which is taken off */
	uint32_t path; /* see maps_path() */
};

struct maps {
	struct maps_row *rows;
	size_t n, cap;
	struct bytes paths;
};

/*
 * Replaces the contents. Rows that are not executable are kept only if asked for. 0 or -ENOMEM (then empty).
 */
int maps_parse(struct maps *m, const char *text, size_t len, bool only_exec);
/* NULL if the address is not in a row. */
const struct maps_row *maps_find(const struct maps *m, uint64_t address);
/* "" if the row has none; as the kernel escapes it. Valid until the next parse. */
const char *maps_path(const struct maps *m, const struct maps_row *row);
/* The part behind the last slash. */
const char *maps_base_name(const char *path);
void maps_free(struct maps *m);

#endif
