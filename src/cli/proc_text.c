/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proc_text.h"

#include "base/array.h"
#include "model/taken.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PF_KTHREAD 0x00200000u /* linux/sched.h, in the flags of /proc/PID/stat */

void proc_text_base(char to[PROC_NAME_BYTES], const char *path, size_t len)
{
	size_t from = len;
	while (from && path[from - 1] != '/')
		from--;
	size_t n = len - from < PROC_NAME_BYTES - 1 ? len - from : PROC_NAME_BYTES - 1;
	memcpy(to, path + from, n);
	to[n] = 0;
}

/* "pid (comm) S ppid pgrp session tty tpgid flags … threads 0 start …"; comm may hold anything, so its end is the last
 * parenthesis. */
bool proc_text_stat(const char *text, struct proc *p)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long flags;
	unsigned long long start;
	long threads;
	if (!open || !close || close < open)
		return false;
	snprintf(p->comm, sizeof p->comm, "%.*s", (int)(close - open - 1), open + 1);
	if (sscanf(close + 1,
		   " %c %u %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
		   &p->state, &p->parent, &flags, &threads, &start) != 5)
		return false;
	p->start_ticks = start;
	p->is_kernel = flags & PF_KTHREAD;
	p->threads = threads > 0 ? (uint32_t)threads : 0;
	return true;
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice" */
bool proc_text_taken(const char *text, unsigned ticks_per_s, struct taken *taken)
{
	unsigned long long irq, softirq, steal;
	if (!ticks_per_s || strncmp(text, "cpu ", 4) != 0 ||
	    sscanf(text, "cpu %*u %*u %*u %*u %*u %llu %llu %llu", &irq, &softirq, &steal) != 3)
		return false;
	uint64_t tick_ns = 1000000000u / ticks_per_s;
	*taken = (struct taken){steal * tick_ns, (irq + softirq) * tick_ns};
	return true;
}

uint32_t proc_text_number(const char *status, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != ':')
			continue;
		const char *end = line + strcspn(line, "\n");
		while (end > line && isdigit((unsigned char)end[-1]))
			end--;
		return (uint32_t)strtoul(end, NULL, 10);
	}
	return 0;
}

bool proc_text_call(const char *text, struct proc_call *call)
{
	unsigned long long number, first;

	*call = (struct proc_call){.runs = !strncmp(text, "running", 7)};
	if (call->runs)
		return true;
	if (sscanf(text, "%llu %llx", &number, &first) != 2)
		return false;
	call->number = (uint32_t)number;
	call->first = first;
	return true;
}

uint32_t proc_text_watched(const char *fdinfo)
{
	uint32_t n = 0;
	for (const char *at = fdinfo; (at = strstr(at, "tfd:")); at++)
		n++;
	return n;
}

/* --- interpreters: what matters is what they run ----------------------------------------------------------------------- */

struct interpreter {
	const char *name;	 /* may be followed by a version: python3.11 */
	const char *with_value;	 /* options whose value is the next word */
	const char *naming;	 /* options whose next word names what is run */
	const char *inlined;	 /* options that bring the code itself: nothing is named */
	const char *passed_over; /* words before the script */
};

static const struct interpreter interpreters[] = {
	{"python", " -W -X ", " -m ", " -c ", ""},
	{"pypy", " -W -X ", " -m ", " -c ", ""},
	{"node", " -r --require --import --loader -C ", "", " -e --eval -p --print ", ""},
	{"nodejs", " -r --require --import --loader -C ", "", " -e --eval -p --print ", ""},
	{"bun", " -r --preload ", "", " -e --eval ", " run "},
	{"deno", " -c --config ", "", " eval ", " run serve "},
	{"ruby", " -I -r -C ", "", " -e ", ""},
	{"perl", " -I ", "", " -e -E ", ""},
	{"php", " -c -d -z ", " -f -F ", " -r ", ""},
	{"lua", " -l -e ", "", "", ""}, /* code goes before a script, too */
	{"luajit", " -l -e -j ", "", "", ""},
	{"java", " -cp -classpath --class-path -p --module-path --add-modules ", " -jar -m --module ", "",
	 ""},
};

static const struct interpreter *interpreter_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(interpreters); i++) {
		size_t len = strlen(interpreters[i].name);
		if (!strncmp(program, interpreters[i].name, len) &&
		    !program[len + strspn(program + len, "0123456789.")])
			return &interpreters[i];
	}
	return NULL;
}

static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; len && (at = strstr(at, word)); at++)
		if (at > list && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

/* argv as /proc/PID/cmdline holds it: words ending in NUL. */
static const char *next_word(const struct bytes *argv, const char *word)
{
	const char *end = argv->data + argv->len;
	word += strlen(word) + 1;
	return word < end ? word : NULL;
}

static const char *script_word(const struct interpreter *lang, const struct bytes *argv)
{
	const char *word = bytes_text(argv);
	while ((word = next_word(argv, word))) {
		if (listed(lang->inlined, word))
			return NULL;
		if (listed(lang->naming, word))
			return next_word(argv, word);
		if (listed(lang->with_value, word))
			word = next_word(argv, word);
		else if (word[0] != '-' && !listed(lang->passed_over, word))
			return word;
		if (!word)
			return NULL;
	}
	return NULL;
}

void proc_text_argv(const struct bytes *argv, struct proc *p)
{
	if (!argv->len)
		return;
	const char *first = bytes_text(argv);
	proc_text_base(p->title, first, strcspn(first, ": "));
	const struct interpreter *lang = interpreter_of(p->program[0] ? p->program : p->title);
	const char *script = lang ? script_word(lang, argv) : NULL;
	if (script)
		proc_text_base(p->script, script, strlen(script));
}
