/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a page is XML and HTML at once: every tag is closed in turn, attributes are quoted, & begins one of the entities that the
 * program writes, and what is closed in itself is what HTML lets be empty.
 */
#ifndef LOOPSTALL_TESTS_WELL_FORMED_H
#define LOOPSTALL_TESTS_WELL_FORMED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define TAG_BYTES 16
#define TAGS_DEEP 64

struct open_tags {
	char names[TAGS_DEEP][TAG_BYTES];
	size_t n;
};

static inline void ill_formed(const char *why, const char *at)
{
	fail_msg("%s: %.200s", why, at);
}

static inline const char *after(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) ? NULL : text + strlen(begin);
}

static inline const char *after_entity(const char *at)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (after(at, entities[i]))
			return after(at, entities[i]);
	ill_formed("no entity", at);
	return at;
}

static inline const char *after_name(const char *at, char name[TAG_BYTES])
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (!len || len >= TAG_BYTES)
		ill_formed("no tag", at);
	memset(name, 0, TAG_BYTES);
	memcpy(name, at, len < TAG_BYTES ? len : TAG_BYTES - 1);
	return at + len;
}

static inline const char *after_attributes(const char *at)
{
	while (*at == ' ') {
		const char *begin = at;
		at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyzB-0123456789");
		if (!after(at, "=\""))
			ill_formed("no attribute", begin);
		for (at += 2; *at && *at != '"';) {
			if (*at == '<' || *at == '>')
				ill_formed("markup in an attribute", begin);
			at = *at == '&' ? after_entity(at) : at + 1;
		}
		if (!*at++)
			ill_formed("an open attribute", begin);
	}
	return at;
}

static inline bool may_be_empty(const char *name)
{
	static const char *const names[] = {"meta", "wbr", "rect", "line"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static inline const char *after_opening(const char *at, struct open_tags *open)
{
	const char *begin = at;
	char name[TAG_BYTES];
	at = after_attributes(after_name(at + 1, name));
	if (after(at, "/>")) {
		if (!may_be_empty(name))
			ill_formed("HTML leaves it open", begin);
		return after(at, "/>");
	}
	if (*at != '>')
		ill_formed("an open tag", begin);
	if (open->n == TAGS_DEEP)
		ill_formed("too deep", begin);
	memcpy(open->names[open->n++], name, TAG_BYTES);
	return at + 1;
}

static inline const char *after_closing(const char *at, struct open_tags *open)
{
	char name[TAG_BYTES];
	const char *end = after_name(at + 2, name);
	if (*end != '>' || !open->n || strcmp(open->names[--open->n], name))
		ill_formed("closes what is not open", at);
	return end + 1;
}

static inline void assert_well_formed(const char *page)
{
	struct open_tags open = {.n = 0};
	const char *at = after(page, "<!DOCTYPE html>\n");
	if (!at)
		ill_formed("no document type", page);
	while (at && *at) {
		if (after(at, "</"))
			at = after_closing(at, &open);
		else if (*at == '<')
			at = after_opening(at, &open);
		else
			at = *at == '&' ? after_entity(at) : at + 1;
	}
	if (open.n)
		ill_formed("left open", open.names[open.n - 1]);
}

#endif
