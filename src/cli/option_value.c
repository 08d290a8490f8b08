/* SPDX-License-Identifier: Apache-2.0 */
/* One setter per kind of option: reads a value's text into its member, or says what is wrong with it and what
 * to write instead. */
#include "cli/option_table.h"

#include "base/array.h"
#include "base/duration.h"
#include "capture/probe.h"
#include "cli/verbs.h"
#include "report/report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(struct diag *d, const char *name, const char *value, const char *what, const char *hint)
{
	diag_hint(d, "%s", hint);
	return diag_fail(d, -EINVAL, "--%s: '%s' %s", name, value, what);
}

static void *member(struct options *o, const struct option_spec *spec)
{
	return (char *)o + spec->member;
}

static int set_flag(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	(void)value, (void)d;
	*(bool *)member(o, spec) = spec->kind == OPTION_FLAG;
	return 0;
}

static int set_duration(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	uint64_t ns;
	bool bare_seconds = spec->kind == OPTION_SECONDS;
	int err = duration_parse(value, bare_seconds, &ns);
	if (err == -ERANGE)
		return usage(d, spec->name, value, "is too long", "give less than 30 years");
	if (err && !bare_seconds && !value[strspn(value, "0123456789.")] && *value)
		return usage(d, spec->name, value, "has no unit",
			     "write it with ns, us, ms, s, m or h: 50ms");
	if (err)
		return usage(d, spec->name, value, "is not a time", "examples: 50ms, 1.5s, 10m");
	if (!ns)
		return usage(d, spec->name, value, "is no time at all", "give something longer than 0");
	*(uint64_t *)member(o, spec) = ns;
	return 0;
}

bool option_number(const char *text, uint64_t *value, char **end)
{
	char *stop;
	if (!isdigit((unsigned char)*text)) /* strtoull alone takes signs and blanks */
		return false;
	errno = 0;
	*value = strtoull(text, &stop, 10);
	if (end)
		*end = stop;
	return !errno && (end || !*stop);
}

static int out_of_range(struct diag *d, const struct option_spec *spec, const char *value)
{
	diag_hint(d, "give %llu to %llu", (unsigned long long)spec->min, (unsigned long long)spec->max);
	return diag_fail(d, -EINVAL, "--%s: '%s' is out of range", spec->name, value);
}

static int set_number(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	uint64_t number;
	if (!option_number(value, &number, NULL))
		return usage(d, spec->name, value, "is not a number", "give a plain decimal number");
	if (number < spec->min || number > spec->max)
		return out_of_range(d, spec, value);
	*(uint32_t *)member(o, spec) = (uint32_t)number;
	return 0;
}

static int set_bytes(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	static const char powers[] = "KMG";
	char *end;
	uint64_t bytes;
	if (!option_number(value, &bytes, &end))
		return usage(d, spec->name, value, "is not a size", "examples: 512K, 4M");
	const char *power = *end ? strchr(powers, toupper((unsigned char)*end)) : NULL;
	if (*end && (!power || end[1]))
		return usage(d, spec->name, value, "is not a size", "examples: 512K, 4M");
	if (power)
		bytes = bytes > spec->max ? UINT64_MAX : bytes << 10 * (power - powers + 1);
	if (bytes < spec->min || bytes > spec->max)
		return out_of_range(d, spec, value);
	if (bytes & (bytes - 1))
		return usage(d, spec->name, value, "is not a power of two", "examples: 512K, 4M");
	*(uint64_t *)member(o, spec) = bytes;
	return 0;
}

static int set_text(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	if (!*value)
		return usage(d, spec->name, value, "is empty", "give a name");
	*(const char **)member(o, spec) = value;
	(void)d;
	return 0;
}

static int set_rung(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	int rung = rung_parse(value);
	if (rung == RUNG_NONE)
		return usage(d, spec->name, value, "is no rung", "one of fentry, tracepoint, tp_btf, raw_tp");
	*(int *)member(o, spec) = rung;
	return 0;
}

static int set_format(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	char names[128] = "one of";
	if (report_format_find(value)) {
		*(const char **)member(o, spec) = value;
		return 0;
	}
	for (const struct report_format *f = report_formats; f->name; f++) {
		size_t used = strlen(names);
		snprintf(names + used, sizeof names - used, "%s %s", f == report_formats ? "" : ",", f->name);
	}
	return usage(d, spec->name, value, "is no format", names);
}

int option_add_target(struct options *o, enum target_as as, const char *text, struct diag *d)
{
	if (!array_reserve(&o->targets, &o->targets_cap, o->n_targets + 1, sizeof *o->targets))
		return diag_fail(d, -ENOMEM, "out of memory");
	o->targets[o->n_targets++] = (struct target_request){as, text};
	return 0;
}

/* -p 1,2 -p 3; a cgroup's path may hold a comma. */
static int set_target(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	enum target_as as = (enum target_as)spec->min;
	if (!*value)
		return usage(d, spec->name, value, "names nothing", "see loopstall --help");
	if (as == TARGET_AS_CGROUP)
		return option_add_target(o, as, value, d);
	while (value) {
		size_t digits = strspn(value, "0123456789");
		const char *comma = strchr(value, ',');
		size_t len = comma ? (size_t)(comma - value) : strlen(value);
		if (!len || digits != len)
			return usage(d, spec->name, value, "is not a list of numbers",
				     "examples: -p 4121, -p 4121,4180");
		char number[32];
		if (len >= sizeof number)
			return usage(d, spec->name, value, "is too large a number",
				     "see ps -e for process ids");
		memcpy(number, value, len);
		number[len] = 0;
		const char *kept = intern_text(o->kept, number);
		int err = *kept ? option_add_target(o, as, kept, d) : diag_fail(d, -ENOMEM, "out of memory");
		if (err)
			return err;
		value = comma ? comma + 1 : NULL;
	}
	return 0;
}

static int set_verb(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	(void)value, (void)d;
	if (o->about == VERBS)
		o->about = o->verb;
	o->verb = (enum verb_id)spec->min;
	return 0;
}

static int (*const setters[OPTION_KINDS])(struct options *o, const struct option_spec *spec,
					  const char *value, struct diag *d) = {
	[OPTION_FLAG] = set_flag,	 [OPTION_UNFLAG] = set_flag,   [OPTION_DURATION] = set_duration,
	[OPTION_SECONDS] = set_duration, [OPTION_NUMBER] = set_number, [OPTION_BYTES] = set_bytes,
	[OPTION_TEXT] = set_text,	 [OPTION_RUNG] = set_rung,     [OPTION_FORMAT] = set_format,
	[OPTION_TARGET] = set_target,	 [OPTION_VERB] = set_verb,
};

int option_set(struct options *o, const struct option_spec *spec, const char *value, struct diag *d)
{
	return setters[spec->kind](o, spec, value, d);
}
