/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks this kernel, once, what it lets us do: by trying, never by version. Each answer carries why it matters
 * and the line that mends it. Loads trivial programs and closes them again; leaves nothing behind. Works
 * without root, where most answers are "no" with the missing right as the detail.
 */
#ifndef LOOPSTALL_CAPTURE_PROBE_H
#define LOOPSTALL_CAPTURE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ways to see a wait begin and end, cheapest first: the order of the attach ladder. */
enum rung { RUNG_FENTRY, RUNG_TRACEPOINT, RUNG_TP_BTF, RUNG_RAW_TP, RUNGS, RUNG_NONE = -1 };

/* "fentry", "tracepoint", "tp_btf", "raw_tp"; "none". */
const char *rung_word(enum rung rung);
/* RUNG_NONE for an unknown word. */
enum rung rung_parse(const char *word);

enum ability_id {
	ABILITY_CAPABILITIES, /* to load BPF */
	ABILITY_INSPECT,      /* to look into other processes */
	ABILITY_MEMLOCK,
	ABILITY_BTF,
	ABILITY_RING_BUFFER,
	ABILITY_FENTRY,
	ABILITY_TRACEPOINT,
	ABILITY_TP_BTF,
	ABILITY_RAW_TP,
	ABILITY_SWITCH_TP_BTF,
	ABILITY_SWITCH_RAW_TP,
	ABILITY_CPU_CLOCK,
	ABILITY_TASK_REGS, /* bpf_get_current_task_btf and bpf_task_pt_regs */
	ABILITY_CAST,	   /* bpf_rdonly_cast, beside those */
	ABILITY_ITER_TASK,
	ABILITY_COPY_FROM_TASK, /* bpf_copy_from_user_task */
	ABILITY_RECLAIMS,	/* events that some causes and patterns are told from */
	ABILITY_SIGNALS,
	ABILITY_CONNECTIONS,
	ABILITY_READS,
	ABILITY_KALLSYMS,
	ABILITY_MAP_FILES,
	ABILITY_PID_NAMESPACE, /* yes: we are in the initial one */
	ABILITY_CGROUP_V2,
	ABILITIES
};

enum ability_state { ABILITY_UNKNOWN, ABILITY_YES, ABILITY_NO };

struct ability {
	const char *name;  /* "fentry" … stable, for --json */
	const char *title; /* for people */
	const char *why;   /* what is lost without it */
	const char *since; /* the kernel change that brought it, or "" */
	bool needed;	   /* without it nothing works */
	enum ability_state state;
	char detail[192]; /* what was seen: "EPERM at load", "/sys/kernel/tracing", missing capabilities … */
	char fix[192];	  /* exact line to type, "no known fix", or "" when nothing is to be mended */
};

struct probe {
	struct ability abilities[ABILITIES];
	enum rung rung;	    /* the best that works, RUNG_NONE if none does */
	char rung_why[192]; /* one sentence */
};

/* Asks everything; about 100 ms. */
void probe_kernel(struct probe *p);
/*
 * As probe_kernel() but only what the load plan needs (rungs, switch, helpers, BTF, ring): what start-up pays for, 12 to 40 ms.
 * The rest stays unknown, and the tracepoint program is loaded but not attached.
 */
void probe_for_load(struct probe *p);
/* Debian's and Ubuntu's kernels know degrees of perf_event_paranoid above 2, on which only CAP_SYS_ADMIN opens events. */
bool probe_events_are_admins(void);
bool probe_can(const struct probe *p, enum ability_id id);
/* Whether a rung's programs attach here; for --rung. */
bool probe_can_rung(const struct probe *p, enum rung rung);

#endif
