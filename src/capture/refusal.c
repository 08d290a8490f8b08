/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs may be missing because the kernel will not attach them, and what is not seen then. */
#include "capture/internal.h"

#include "base/array.h"

#include <string.h>

#define REFUSED "kind of event refused by the kernel: "

static const struct optional {
	const char *program; /* its name, or the beginning of several */
	struct capture_refusal refusal;
} optionals[] = {
	{"lst_reclaim",
	 {"reclaims", REFUSED "direct reclaim of memory, whose time is told as the application's"}},
	{"lst_signal", {"signals", REFUSED "signals, which tell who has stopped a process"}},
	{"lst_connection",
	 {"connections", REFUSED
	  "TCP connections that begin or end, which tell of pile-ups, bursts and peers that are polled"}},
	{"lst_btf_read",
	 {"reads", REFUSED "reads of TCP sockets, which tell of a peer that is polled on one connection"}},
	{"lst_raw_read",
	 {"reads", REFUSED "reads of TCP sockets, which tell of a peer that is polled on one connection"}},
	{"lst_fe_pwait2", {"pwait2", REFUSED "epoll_pwait2(), whose loops are not seen"}},
	{"lst_fx_pwait2", {"pwait2", REFUSED "epoll_pwait2(), whose loops are not seen"}},
};

static const struct optional *optional_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(optionals); i++)
		if (!strncmp(program, optionals[i].program, strlen(optionals[i].program)))
			return &optionals[i];
	return NULL;
}

bool refusal_note(struct capture *c, const char *program)
{
	const struct optional *o = optional_of(program);

	if (o)
		c->refused |= 1u << (o - optionals);
	return o;
}

const struct capture_refusal *capture_refusal_of(const char *program)
{
	const struct optional *o = optional_of(program);

	return o ? &o->refusal : NULL;
}

/* Two programs may be needed to see one kind of event. */
static bool is_told(const struct capture *c, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (c->refused >> before & 1 &&
		    !strcmp(optionals[before].refusal.reason, optionals[i].refusal.reason))
			return true;
	return false;
}

const struct capture_refusal *capture_refused(const struct capture *c, size_t *at)
{
	while (*at < ARRAY_LEN(optionals)) {
		size_t i = (*at)++;
		if (c->refused >> i & 1 && !is_told(c, i))
			return &optionals[i].refusal;
	}
	return NULL;
}
