/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: the probe's answers for people and for programs, and whether the real programs load. Works without root. */
#include "base/json.h"
#include "capture/capture.h"
#include "capture/probe.h"
#include "cli/confinement.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

/* What came of loading the real programs with the default limits; nothing is attached. */
struct trial {
	bool done, loads;
	uint64_t map_bytes;
	struct diag diag;
};

static const struct look {
	const char *mark, *color, *word;
} looks[] = {
	[ABILITY_UNKNOWN] = {" ? ", "33", "unknown"},
	[ABILITY_YES] = {"ok ", "32", "yes"},
	[ABILITY_NO] = {"no ", "33", "no"},
};
static const struct look look_fatal = {"NO ", "31", "no"};

static void ignore_loop(void *context, const struct lst_loop_record *r)
{
	(void)context, (void)r;
}

static void ignore_stall(void *context, const struct lst_stall_record *r)
{
	(void)context, (void)r;
}

static void ignore_stack(void *context, const struct lst_stack_record *r, const void *pages,
			 const struct lst_python_stack *python)
{
	(void)context, (void)r, (void)pages, (void)python;
}

static void ignore_process(void *context, const struct lst_process_record *r)
{
	(void)context, (void)r;
}

static void ignore_task(void *context, const struct lst_task_record *r)
{
	(void)context, (void)r;
}

static void try_loading(const struct options *o, struct trial *t)
{
	static const struct capture_handlers ignore = {NULL,	     ignore_loop,    ignore_stall,
						       ignore_stack, ignore_process, ignore_task};
	const struct capture_options options = {
		.scope = LST_SCOPE_TARGETS,
		.cgroup_fd = -1,
		.follow_forks = true,
		.threshold_ns = o->threshold_ns,
		.record_ns = o->record_ns,
		.stacks = true,
		.ring_bytes = o->ring_bytes,
		.max_loops = o->max_loops,
		.max_threads = o->max_threads,
		.rung = RUNG_NONE,
	};
	struct capture *capture = NULL;
	t->done = true;
	t->loads = !capture_open(&capture, &options, &ignore, &t->diag);
	if (!t->loads)
		return;
	t->map_bytes = capture_map_bytes(capture);
	capture_close(capture);
}

static bool is_usable(const struct probe *p)
{
	bool usable = p->rung != RUNG_NONE &&
		      (probe_can(p, ABILITY_SWITCH_TP_BTF) || probe_can(p, ABILITY_SWITCH_RAW_TP));
	for (int i = 0; i < ABILITIES; i++)
		usable &= !p->abilities[i].needed || p->abilities[i].state != ABILITY_NO;
	return usable;
}

static void put_ability(struct bytes *out, const struct ability *a, const struct options *o, bool color)
{
	const struct look *look = a->needed && a->state == ABILITY_NO ? &look_fatal : &looks[a->state];
	if (color)
		bytes_printf(out, "\033[%sm%s\033[0m", look->color, look->mark);
	else
		bytes_puts(out, look->mark);
	bytes_printf(out, " %-40s %s\n", a->title, a->detail);
	if (o->verbose && a->since[0])
		bytes_printf(out, "      came with: %s\n", a->since);
	if (a->state == ABILITY_YES)
		return;
	bytes_printf(out, "      without it: %s\n", a->why);
	if (a->fix[0])
		bytes_printf(out, "      to mend:    %s\n", a->fix);
}

struct findings {
	struct probe probe;
	struct ability confinements[CONFINEMENTS_MAX];
	size_t n_confinements;
	struct trial trial;
};

static void put_text(struct bytes *out, const struct findings *f, const struct options *o)
{
	const struct probe *p = &f->probe;
	const struct trial *t = &f->trial;
	bool color = terminal_style(o).color;
	struct utsname name;
	if (!uname(&name))
		bytes_printf(out, "loopstall %s on Linux %s %s\n\n", LOOPSTALL_VERSION, name.release,
			     name.machine);
	for (int i = 0; i < ABILITIES; i++)
		put_ability(out, &p->abilities[i], o, color);
	for (size_t i = 0; i < f->n_confinements; i++)
		put_ability(out, &f->confinements[i], o, color);
	bytes_putc(out, '\n');
	if (p->rung == RUNG_NONE)
		bytes_printf(out, "Waits cannot be traced here.\n");
	else
		bytes_printf(out, "Waits will be traced by %s (%s).\n", rung_word(p->rung), p->rung_why);
	if (t->loads)
		bytes_printf(out, "The programs load; their maps take %.1f MB with the default limits.\n",
			     (double)t->map_bytes / 1e6);
	else if (t->done)
		bytes_printf(out, "The programs do not load: %s\n", t->diag.text);
}

static void put_json_ability(struct json *j, const struct ability *a)
{
	json_begin_object(j, NULL);
	json_text(j, "name", a->name);
	json_text(j, "state", looks[a->state].word);
	json_bool(j, "needed", a->needed);
	json_text(j, "detail", a->detail);
	json_text(j, "why", a->why);
	json_text(j, "since", a->since);
	json_text(j, "fix", a->fix);
	json_end(j);
}

static void put_json(struct bytes *out, const struct findings *f)
{
	const struct probe *p = &f->probe;
	const struct trial *t = &f->trial;
	struct json j = json_into(out);
	json_begin_object(&j, NULL);
	json_text(&j, "type", "doctor");
	json_text(&j, "version", LOOPSTALL_VERSION);
	json_text(&j, "rung", rung_word(p->rung));
	json_text(&j, "rung_why", p->rung_why);
	json_bool(&j, "usable", is_usable(p) && (!t->done || t->loads));
	if (t->loads)
		json_uint(&j, "map_bytes", t->map_bytes);
	json_begin_array(&j, "abilities");
	for (int i = 0; i < ABILITIES; i++)
		put_json_ability(&j, &p->abilities[i]);
	for (size_t i = 0; i < f->n_confinements; i++)
		put_json_ability(&j, &f->confinements[i]);
	json_end(&j);
	json_end(&j);
	bytes_putc(out, '\n');
}

int cmd_doctor(const struct options *o, struct diag *d)
{
	struct findings f = {0};
	struct bytes out = {0};
	f.n_confinements = confinement_ask(f.confinements);
	probe_kernel(&f.probe);
	if (is_usable(&f.probe))
		try_loading(o, &f.trial);
	if (o->json)
		put_json(&out, &f);
	else
		put_text(&out, &f, o);
	int err = bytes_ok(&out) ? terminal_write(NULL, bytes_text(&out), out.len) : -ENOMEM;
	bytes_free(&out);
	if (err)
		return diag_fail(d, err, "cannot write to standard output: %s", strerror(-err));
	return f.trial.loads ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}
