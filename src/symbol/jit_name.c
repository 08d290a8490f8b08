/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/jit_name.h"

#include "base/array.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FILE_SCHEME "file://"

/* A part of the name. */
struct span {
	const char *at;
	size_t len;
};

static bool begins(struct span s, const char *prefix)
{
	size_t len = strlen(prefix);
	return s.len >= len && !memcmp(s.at, prefix, len);
}

static struct span from(struct span s, size_t start)
{
	return start < s.len ? (struct span){s.at + start, s.len - start} : (struct span){s.at + s.len, 0};
}

static struct span upto(struct span s, size_t len)
{
	return len < s.len ? (struct span){s.at, len} : s;
}

static void keep(char to[JIT_NAME_BYTES], struct span s)
{
	s = upto(s, JIT_NAME_BYTES - 1);
	if (s.len)
		memcpy(to, s.at, s.len);
	to[s.len] = 0;
}

/* The last c of s, s.len if there is none. */
static size_t last_of(struct span s, char c)
{
	const char *at = s.len ? memrchr(s.at, c, s.len) : NULL;
	return at ? (size_t)(at - s.at) : s.len;
}

/* --- V8 ------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* "%20" becomes what it stands for; false if it is none. */
static bool take_escape(const char **at, char *to)
{
	const char *p = *at;
	int high = *p == '%' ? hex_digit(p[1]) : -1, low = high >= 0 ? hex_digit(p[2]) : -1;
	unsigned char byte = low >= 0 ? (unsigned char)(high << 4 | low) : 0;

	if (!byte)
		return false;
	memcpy(to, &byte, sizeof byte);
	*at += strlen("%20");
	return true;
}

void jit_name_path(char *file)
{
	if (strncmp(file, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
		return;
	for (const char *at = file + strlen(FILE_SCHEME); *at && *at != '?' && *at != '#'; file++)
		if (!take_escape(&at, file))
			*file = *at++;
	*file = 0;
}

/* Takes ":41" off the end. */
static bool take_number(struct span *s, uint32_t *number)
{
	size_t digits = 0, colon;

	while (digits < s->len && s->at[s->len - 1 - digits] >= '0' && s->at[s->len - 1 - digits] <= '9')
		digits++;
	if (!digits || digits > 9 || digits == s->len || s->at[colon = s->len - digits - 1] != ':')
		return false;
	*number = 0;
	for (size_t i = colon + 1; i < s->len; i++)
		*number = *number * 10 + (uint32_t)(s->at[i] - '0');
	s->len = colon;
	return true;
}

/*
 * Function and file are parted by a blank, and both may hold others ("get [Symbol.a] /srv/my app/x.js"): the file begins where something
 * looks like the start of one, else behind the last blank.
 */
static size_t file_start(struct span s)
{
	static const char *const starts[] = {" /",	  " node:",	   " file:",	" [eval", " [stdin]",
					     " [worker ", " evalmachine.", " webpack:", " ext:",  " http"};

	for (size_t i = 0; i < s.len; i++)
		for (size_t k = 0; s.at[i] == ' ' && k < ARRAY_LEN(starts); k++)
			if (begins(from(s, i), starts[k]))
				return i;
	return last_of(s, ' ');
}

/* "*poll /srv/app.js:41:12" with the tier before it; Node 18 leaves the column out, Node 24 writes "*'poll" for code of one closure. */
static void parse_js(struct span s, struct jit_name *name)
{
	uint32_t column;

	name->kind = JIT_JS;
	if (s.len && strchr("~^*+", s.at[0]))
		s = from(s, s.len > 1 && s.at[1] == '\'' ? 2 : 1);
	if (take_number(&s, &column) && !take_number(&s, &name->line))
		name->line = column;
	size_t blank = file_start(s);
	struct span function = upto(s, blank), file = from(s, blank + 1);
	keep(name->file, file);
	jit_name_path(name->file);
	if (!*name->file) /* or a URL of nothing */
		name->line = 0;
	keep(name->function,
	     function.len ? function : (struct span){JIT_NAME_ANONYMOUS, strlen(JIT_NAME_ANONYMOUS)});
}

static void parse_builtin(struct span s, struct jit_name *name)
{
	snprintf(name->function, JIT_NAME_BYTES, "Builtins_%.*s", (int)upto(s, JIT_NAME_BYTES).len, s.at);
}

static void parse_handler(struct span s, struct jit_name *name)
{
	snprintf(name->function, JIT_NAME_BYTES, "Builtins_%.*sHandler", (int)upto(s, JIT_NAME_BYTES).len,
		 s.at);
}

/* The tags of V8's log. Others ("RegExp:", "Stub:") say what the code is, and stay. */
static const struct {
	const char *tag;
	void (*parse)(struct span s, struct jit_name *name);
} tags[] = {
	{"JS:", parse_js},	     {"LazyCompile:", parse_js},
	{"Function:", parse_js},     {"Script:", parse_js},
	{"Eval:", parse_js},	     {"NativeFunction:", parse_js},
	{"NativeScript:", parse_js}, {"NativeLazyCompile:", parse_js},
	{"Builtin:", parse_builtin}, {"BytecodeHandler:", parse_handler},
};

/* --- the JVM, .NET ------------------------------------------------------------------------------- */

static bool is_class_part(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr("._$/<>`-+[],", c) || (unsigned char)c >= 0x80;
}

/* Of a class that the JVM made itself the address, which is another one in each process: "app.Svc$$Lambda$1/0x00007f81ac000c08.handle". */
static void keep_method(char to[JIT_NAME_BYTES], struct span method)
{
	const char *slash = memchr(method.at, '/', method.len);
	size_t class_len = slash ? (size_t)(slash - method.at) : method.len;
	struct span rest = from(method, class_len + 1);
	size_t dot = last_of(rest, '.'), digits = 0;

	while (digits < dot && (isxdigit((unsigned char)rest.at[digits]) || rest.at[digits] == 'x'))
		digits++;
	keep(to, method);
	if (slash && digits && digits == dot && dot < rest.len)
		snprintf(to, JIT_NAME_BYTES, "%.*s%.*s", (int)upto(method, class_len).len, method.at,
			 (int)upto(from(rest, dot), JIT_NAME_BYTES).len, rest.at + dot);
}

/* "java.lang.String app.Loop.name(int, long)": what is before the parenthesis, and behind the last blank before it. */
static bool parse_method(struct span s, struct jit_name *name)
{
	const char *open = memchr(s.at, '(', s.len);
	struct span before = upto(s, open ? (size_t)(open - s.at) : 0);
	size_t blank = last_of(before, ' ');

	if (blank == before.len)
		return false;
	struct span method = from(before, blank + 1);
	for (size_t i = 0; i < method.len; i++)
		if (!is_class_part(method.at[i]) && method.at[i] != ':')
			return false;
	if (last_of(method, '.') == method.len && last_of(method, ':') == method.len)
		return false;
	keep_method(name->function, method);
	return true;
}

/* "Lapp/Loop;::spin", as perf-map-agent writes it. */
static bool parse_signature(struct span s, struct jit_name *name)
{
	const char *semicolon = memchr(s.at, ';', s.len);

	if (s.len < 4 || s.at[0] != 'L' || !semicolon || !begins(from(s, (size_t)(semicolon - s.at)), ";::"))
		return false;
	struct span class = upto(from(s, 1), (size_t)(semicolon - s.at) - 1);
	struct span method = from(s, (size_t)(semicolon - s.at) + 3);
	for (size_t i = 0; i < class.len; i++)
		if (!is_class_part(class.at[i]))
			return false;
	snprintf(name->function, JIT_NAME_BYTES, "%.*s.%.*s", (int)upto(class, JIT_NAME_BYTES).len, class.at,
		 (int)upto(method, JIT_NAME_BYTES).len, method.at);
	for (size_t i = 0; i < class.len && i < JIT_NAME_BYTES - 1; i++)
		if (name->function[i] == '/')
			name->function[i] = '.';
	return true;
}

void jit_name_parse(const char *text, size_t len, struct jit_name *name)
{
	struct span s = {text, strnlen(text, len)};

	*name = (struct jit_name){.kind = JIT_CODE};
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (!begins(s, tags[i].tag))
			continue;
		tags[i].parse(from(s, strlen(tags[i].tag)), name);
		return;
	}
	if (parse_signature(s, name) || parse_method(s, name))
		name->kind = JIT_METHOD;
	else
		keep(name->function, s);
}
