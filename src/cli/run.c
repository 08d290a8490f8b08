/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every verb that attaches: resolves the target, opens outputs and source, and turns the one poll loop until Ctrl-C, the duration, or the
 * end of the target. First Ctrl-C: flush, print, exit 0; a second one stops at once.
 */
#include "cli/command.h"
#include "cli/live.h"
#include "cli/outputs.h"
#include "cli/rights.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DUMP_AFTER_NS 600000000ull /* long enough to tell a loop that waits from one that does not */
#define THREAD_HZ     199
#define HOST_HZ	      99
#define HOST_LOOPS    2048
#define HOST_THREADS  4096

struct run {
	const struct options *options;
	struct target_set targets;
	struct command command;
	struct outputs outputs;
	struct live_source *source;
	int signal_fd;
	const char *end; /* why the run ends, NULL while it goes on */
	int exit_code;
	uint64_t next_interval_ns, intervals;
	uint64_t next_members_ns; /* when the members of cgroups are asked for again */
};

static int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* timeout(1) signals its child and at once its group; nobody presses a key twice as fast. */
#define SAME_SIGNAL_NS 50000000

/* From here on a second Ctrl-C ends the program the usual way. */
static void signals_release(void)
{
	const struct timespec grace = {.tv_nsec = SAME_SIGNAL_NS};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigtimedwait(&set, NULL, &grace);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void signal_take(struct run *r)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGUSR2)
			outputs_keep(&r->outputs);
		else
			r->end = info.ssi_signo == SIGINT   ? "ctrl-c"
				 : info.ssi_signo == SIGHUP ? "hangup"
							    : "sigterm";
		if (info.ssi_signo == SIGINT)
			terminal_end_echo();
	}
	if (r->end)
		signals_release();
}

/* --- what to trace --------------------------------------------------------------------------------------------------------------- */

static enum lst_scope scope_of(const struct target_set *targets)
{
	if (targets->all)
		return LST_SCOPE_ALL;
	return targets->n_cgroups == 1 && targets->cgroups[0].is_v2 ? LST_SCOPE_CGROUP : LST_SCOPE_TARGETS;
}

static void capture_choose(const struct run *r, struct capture_options *c)
{
	const struct options *o = r->options;
	bool host = r->targets.all, samples = o->stacks && o->verb != VERB_HIST && o->verb != VERB_LIST;

	*c = (struct capture_options){
		.scope = scope_of(&r->targets),
		.cgroup_fd = -1,
		.only_tids = r->targets.n_tids > 0,
		.follow_forks = o->follow_forks,
		.threshold_ns = o->threshold_ns,
		.record_ns = o->record_ns < o->threshold_ns ? o->record_ns : o->threshold_ns,
		.stacks = samples,
		.kernel_stacks = o->kernel_stacks,
		.sample_hz = !samples	    ? 0
			     : o->sample_hz ? o->sample_hz
			     : host	    ? HOST_HZ
					    : THREAD_HZ,
		.per_cpu_samples = host,
		.ring_bytes = o->ring_bytes,
		.max_loops = host && o->max_loops < HOST_LOOPS ? HOST_LOOPS : o->max_loops,
		.max_threads = host && o->max_threads < HOST_THREADS ? HOST_THREADS : o->max_threads,
		.rung = (enum rung)o->rung,
	};
	if (c->scope == LST_SCOPE_CGROUP)
		c->cgroup_fd = open(r->targets.cgroups[0].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int targets_find(struct run *r, struct diag *d)
{
	const struct options *o = r->options;
	struct target_roots roots = target_roots_here();
	bool host =
		o->all || ((o->verb == VERB_LIST || o->verb == VERB_HIST) && !o->n_targets && !o->command);

	if (o->command) {
		int err = command_start(&r->command, o->command, d);
		if (err)
			return err;
		if (!o->n_targets)
			return target_add(&r->targets, (uint32_t)r->command.pid, o->command[0]) ? 0 : -ENOMEM;
	}
	return target_resolve(&roots, o->targets, o->n_targets, host, &r->targets, d);
}

static int source_open(struct run *r, struct diag *d)
{
	struct live_source_options s = {
		.targets = &r->targets,
		.target_text = r->targets.text	     ? r->targets.text
			       : r->options->command ? r->options->command[0]
						     : "",
		.sink = &r->outputs.facts.sink,
		.dictionary = r->outputs.facts.dictionary,
		.version = LOOPSTALL_VERSION,
		.source = r->options->source,
	};
	capture_choose(r, &s.capture);
	if (r->targets.note)
		fprintf(stderr, "loopstall: %s\n", r->targets.note);
	r->source = live_source_open(&s, d);
	return r->source ? 0 : -EIO;
}

/* --- the loop --------------------------------------------------------------------------------------------------------------------- */

static void command_watch(struct run *r)
{
	int code;
	if (!r->command.pid || !command_reap(&r->command, &code))
		return;
	r->exit_code = code;
	if (!r->end)
		r->end = "command ended";
}

static void intervals_watch(struct run *r, uint64_t now)
{
	const struct options *o = r->options;
	if (o->verb != VERB_HIST || !o->interval_ns || now < r->next_interval_ns)
		return;
	outputs_interval(&r->outputs);
	r->next_interval_ns += o->interval_ns;
	if (o->count && ++r->intervals >= o->count)
		r->end = "count";
}

static void ends_watch(struct run *r, uint64_t now)
{
	const struct options *o = r->options;

	command_watch(r);
	intervals_watch(r, now);
	if (r->end)
		return;
	if (o->duration_ns && now >= o->duration_ns)
		r->end = "duration";
	else if ((o->verb == VERB_DUMP || o->verb == VERB_LIST) && !o->duration_ns && now >= DUMP_AFTER_NS)
		r->end = "done";
	else if (!r->command.pid && live_source_is_over(r->source))
		r->end = "target ended";
	else if (r->outputs.facts.error == -EPIPE)
		r->end = "output closed";
}

/* Members of a v1 cgroup, or of several, are found by asking again. */
static void members_refresh(struct run *r, uint64_t now)
{
	static const uint64_t every_ns = 1000000000;
	size_t known = r->targets.n_processes;

	if (!r->targets.n_cgroups || scope_of(&r->targets) != LST_SCOPE_TARGETS || now < r->next_members_ns)
		return;
	r->next_members_ns = now + every_ns;
	struct target_roots roots = target_roots_here();
	if (target_refresh(&roots, &r->targets))
		return;
	for (size_t i = 0; i < r->targets.n_processes && r->targets.n_processes > known; i++)
		live_source_follow(r->source, r->targets.processes[i].pid);
}

static int turn(struct run *r)
{
	struct pollfd fds[] = {
		{.fd = live_source_fd(r->source), .events = POLLIN},
		{.fd = live_source_names_fd(r->source), .events = POLLIN},
		{.fd = r->signal_fd, .events = POLLIN},
		{.fd = r->command.pid ? r->command.fd : -1, .events = POLLIN},
	};
	if (poll(fds, sizeof fds / sizeof *fds, live_source_patience_ms(r->source)) < 0 && errno != EINTR)
		return -errno;
	int err = live_source_step(r->source);
	uint64_t now = live_source_now_ns(r->source);
	signal_take(r);
	outputs_beat(&r->outputs, now);
	members_refresh(r, now);
	ends_watch(r, now);
	return err;
}

static int run_until_end(struct run *r, struct diag *d)
{
	int err = 0;

	if (r->command.pid) {
		err = command_release(&r->command, d);
		if (err)
			return err;
	}
	rights_for_watching(r->options->last_ns != 0);
	r->next_interval_ns = r->options->interval_ns;
	while (!r->end && !err)
		err = turn(r);
	if (err)
		return diag_fail(d, err, "reading the capture failed: %s", strerror(-err));
	if (r->options->verb == VERB_DUMP) {
		outputs_unmute(&r->outputs, true);
		live_source_dump(r->source);
		outputs_unmute(&r->outputs, false);
	}
	live_source_finish(r->source, r->end);
	return outputs_finish(&r->outputs, d);
}

int run_live(const struct options *o, struct diag *d)
{
	struct run r = {.options = o, .signal_fd = -1};
	int err = signals_open();

	if (err < 0)
		return diag_fail(d, err, "signals cannot be received: %s", strerror(-err));
	r.signal_fd = err;
	err = rights_check(d);
	if (!err)
		err = targets_find(&r, d);
	if (!err)
		err = outputs_open(&r.outputs, o, d);
	if (!err)
		err = source_open(&r, d);
	if (!err)
		err = run_until_end(&r, d);
	bool breached = r.outputs.breaches, is_cut = r.outputs.told_failure;
	live_source_close(r.source);
	outputs_close(&r.outputs);
	if (r.command.pid)
		command_abandon(&r.command);
	target_free(&r.targets);
	close(r.signal_fd);
	return err ? err : breached ? EXIT_CODE_BREACHED : is_cut ? EXIT_CODE_ERROR : r.exit_code;
}
