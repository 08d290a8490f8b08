/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that opens what belongs to a traced process, without looking inside, and passes descriptors of
 * regular files back: one request at a time, in order. What it opens may lie on a dead network share or a file
 * system whose owner wants to see us hang; so it may be killed at any point, and keeps nothing between two
 * requests.
 */
#ifndef LOOPSTALL_SYMBOL_OPENER_H
#define LOOPSTALL_SYMBOL_OPENER_H

#include "symbol/debug_link.h"
#include "symbol/lockdown.h"
#include "symbol/maps.h"

#include <limits.h>

enum opening_kind {
	OPENING_TARGET, /* what a process has mapped: a descriptor of a struct opened_target and what follows */
	OPENING_MODULE, /* the file of a mapping, also if deleted or in another mount namespace */
	/*
	 * The separate debug file of a build id, in the target's file tree, else in ours. Else the one that the module names, where
	 * gdb looks for it, and only if the target may read it itself: the name is the target's or the worker's.
	 */
	OPENING_DEBUG,
	OPENING_MEMORY, /* the memory of a process, to be read only */
	/*
	 * The map of the code that a process compiles, /tmp/perf-PID.map as it calls that file itself: only its own or root's,
	 * and not one that an earlier process of the same number left behind.
	 */
	OPENING_JIT,
	OPENING_LINE, /* a copy of one line of a source file in the target's file tree that the target may read itself */
	OPENINGS
};

/* A request, as long as its path: OPENING_BYTES(). */
struct opening {
	uint32_t kind, pid;
	uint32_t module;     /* MODULE, DEBUG: for whom, which is not ours to know */
	struct maps_row row; /* MODULE */
	uint32_t build_id_bytes;
	unsigned char build_id[ELF_BUILD_ID_BYTES]; /* DEBUG */
	char link[DEBUG_LINK_BYTES];		    /* DEBUG; "" none */
	uint32_t line;				    /* LINE */
	char path[PATH_MAX];			    /* of the module, or of a source file; "" none */
};
#define OPENING_BYTES(o) (offsetof(struct opening, path) + strlen((o)->path) + 1)

/* The answer; a descriptor comes along unless it failed. */
struct opened {
	int32_t err; /* 0 or -errno */
};

/* A mapped file as stat() sees it; all 0 unknown. */
struct opened_file {
	uint64_t changed_ns, bytes;
};

/* Then n_files struct opened_file, one for each row that maps_parse() makes of the text, and the text. */
struct opened_target {
	uint32_t n_files, text_bytes;
	char exe[PATH_MAX]; /* the program it runs, "" unknown */
};

/* Of a line that is copied; what is longer is cut. */
#define OPENING_LINE_BYTES 512

/* Does it here and now, however long it takes. A descriptor, or -errno. */
int opener_open(const struct opening *o);
/* All of /proc/PID/maps. 0 or -errno. */
int opener_read_maps(uint32_t pid, struct bytes *text);

/* Says what came of its lockdown, and serves until the other end of the socket is closed. */
_Noreturn void opener_main(int socket, const struct lockdown *own);

#endif
