/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of options; options.c reads command lines by it, option_text.c makes help, man page and
 * completions of it. */
#ifndef LOOPSTALL_CLI_OPTION_TABLE_H
#define LOOPSTALL_CLI_OPTION_TABLE_H

#include "cli/options.h"

/* How an argument is read, and into what kind of member. */
enum option_kind {
	OPTION_FLAG,	 /* sets a bool */
	OPTION_UNFLAG,	 /* clears a bool */
	OPTION_DURATION, /* uint64_t ns, unit required */
	OPTION_SECONDS,	 /* uint64_t ns, a bare number is seconds */
	OPTION_NUMBER,	 /* uint32_t between min and max */
	OPTION_BYTES,	 /* uint64_t, K M G, a power of two between min and max */
	OPTION_TEXT,	 /* const char * */
	OPTION_RUNG,	 /* int, enum rung */
	OPTION_FORMAT,	 /* const char *, a name in report_formats */
	OPTION_TARGET,	 /* appends to targets, comma separated; min is the enum target_as */
	OPTION_VERB,	 /* becomes another verb; min is the enum verb_id */
	OPTION_KINDS
};

struct option_spec {
	const char *name;     /* without dashes */
	char letter;	      /* 0 none */
	const char *argument; /* NULL: takes none */
	unsigned verbs;	      /* bit per enum verb_id */
	const char *help;     /* may hold %s once: the default */
	enum option_kind kind;
	size_t member; /* offset in struct options */
	uint64_t min, max;
	const char *otherwise; /* the default as text */
	bool hidden;
};

extern const struct option_spec option_table[];
extern const size_t option_count;

/* Reads value (NULL for a flag) into the option's member. 0 or -EINVAL, -ENOMEM with the diag filled. */
int option_set(struct options *o, const struct option_spec *spec, const char *value, struct diag *d);
/* A plain decimal number; what follows it is refused, or left to *end if that is asked for. */
bool option_number(const char *text, uint64_t *value, char **end);

int option_add_target(struct options *o, enum target_as as, const char *text, struct diag *d);

/* The names of verbs, by bit. */
void options_put_verbs(struct bytes *out, unsigned of);

#define OPTION_VERB_BIT(id) (1u << (id))

#endif
