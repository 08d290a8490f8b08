/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/confinement.h"

#include "base/array.h"
#include "symbol/resolver.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 1000
#define STEP_MS	    10

#define FIX_NAMESPACE                                                                                        \
	"allow namespaces of users (sysctl user.max_user_namespaces), or run loopstall with sudo"

static const struct step {
	const char *name, *title, *why, *fix;
	bool opener;
	enum lockdown_step step;
} steps[] = {
	{"worker_network", "symbol worker without network",
	 "one that is taken over is held by its other walls alone", FIX_NAMESPACE, false,
	 LOCKDOWN_NAMESPACES},
	{"worker_root", "symbol worker with an empty root",
	 "one that is taken over is held by its other walls alone", FIX_NAMESPACE, false, LOCKDOWN_ROOT},
	{"worker_user", "symbol worker as nobody's user", "it has loopstall's own user, and no capabilities",
	 "run loopstall with sudo", false, LOCKDOWN_USER},
	{"worker_capabilities", "symbol worker without capabilities",
	 "one that is taken over has loopstall's rights", "no known fix", false, LOCKDOWN_CAPABILITIES},
	{"worker_limits", "symbol worker with a bound on memory",
	 "the monitor looks at its size once a second", "mount /proc", false, LOCKDOWN_LIMITS},
	{"worker_calls", "symbol worker with few system calls",
	 "one that is taken over may open files and connect", "use a kernel with CONFIG_SECCOMP_FILTER=y",
	 false, LOCKDOWN_CALLS},
	{"opener_user", "opener as nobody's user", "it has loopstall's own user", "run loopstall with sudo",
	 true, LOCKDOWN_USER},
	{"opener_capabilities", "opener with few capabilities", "it keeps all of loopstall's", "no known fix",
	 true, LOCKDOWN_CAPABILITIES},
	{"opener_calls", "opener with few system calls", "one that is taken over may do more than open files",
	 "use a kernel with CONFIG_SECCOMP_FILTER=y", true, LOCKDOWN_CALLS},
};

static void judge(struct ability *a, const struct step *s, const struct lockdown *l)
{
	*a = (struct ability){.name = s->name, .title = s->title, .why = s->why, .since = ""};
	if (!l) {
		snprintf(a->detail, sizeof a->detail, "it did not say");
		return;
	}
	int err = l->err[s->step];
	a->state = err ? ABILITY_NO : ABILITY_YES;
	snprintf(a->detail, sizeof a->detail, "%s%s", err ? "refused by this host: " : "works",
		 err < 0 ? strerror(-err) : "");
	if (err)
		snprintf(a->fix, sizeof a->fix, "%s", s->fix);
}

static void judge_memory(struct ability *a, int err)
{
	*a = (struct ability){.name = "stacks_in_memory",
			      .title = "stacks never swapped to disk",
			      .why = "a page of somebody's stack may come to lie in swap",
			      .since = "",
			      .state = err ? ABILITY_NO : ABILITY_YES};
	snprintf(a->detail, sizeof a->detail, "%s", err ? strerror(-err) : "works");
	if (err)
		snprintf(a->fix, sizeof a->fix, "ulimit -l 8192, or run loopstall with sudo");
}

size_t confinement_ask(struct ability abilities[CONFINEMENTS_MAX])
{
	_Static_assert(ARRAY_LEN(steps) < CONFINEMENTS_MAX, "room for all");
	struct diag d = {0};
	struct resolver *r = resolver_start(&d);
	size_t n = 0;

	if (!r)
		return 0;
	struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
	for (int ms = 0; ms < PATIENCE_MS && !(resolver_lockdown(r, false) && resolver_lockdown(r, true));
	     ms += STEP_MS) {
		poll(&p, 1, STEP_MS);
		resolver_receive(r, (uint64_t)ms * 1000000u + 1);
	}
	for (; n < ARRAY_LEN(steps); n++)
		judge(&abilities[n], &steps[n], resolver_lockdown(r, steps[n].opener));
	judge_memory(&abilities[n++], resolver_memory_lock(r));
	resolver_stop(r);
	return n;
}
