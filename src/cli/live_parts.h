/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the live source share; nobody else includes it. */
#ifndef LOOPSTALL_CLI_LIVE_PARTS_H
#define LOOPSTALL_CLI_LIVE_PARTS_H

#include "base/idmap.h"
#include "base/intern.h"
#include "cli/live.h"
#include "cli/process_info.h"
#include "model/attribution.h"
#include "model/saturation.h"
#include "model/taken.h"
#include "symbol/resolver.h"

#define LIVE_MS 1000000ull
#define LIVE_S	1000000000ull

/* Saturation of one loop (live_saturated.c). */
struct saturation {
	uint64_t since_ns, next_report_ns; /* kernel time; since 0: not saturated */
	uint64_t made_ns;		   /* its object was seen to be a new one; 0 not since it appeared */
	uint64_t iterations;		   /* at since */
	uint64_t busy_ns;
	struct saturation_window window;
};

/* A loop that is gone, whose last stacks may still be looked up. */
struct retired {
	uint32_t id;
	uint64_t at_ns;
};

/* A block of an open gap whose stack a look took. */
struct looked_block {
	uint64_t gap_seq;
	uint64_t ns;	    /* its length by then */
	uint32_t name;	    /* what stacks of the kernel call it */
	uint32_t stack_seq; /* 0: none */
};

/* A loop slot that is followed. */
struct followed {
	uint32_t id; /* fact loop number; 0: slot not in use */
	uint32_t generation;
	struct fact_loop fact;
	bool single_client;
	uint32_t sleep_streak, sleep_seq; /* gaps in a row that only slept, and the last one */
	uint64_t sleep_ns;		  /* its length */
	struct lst_loop last;		  /* counters at the last counts fact */
	struct lst_loop_hists *last_hists;
	uint64_t counted_ns;			/* kernel time of the last counts fact */
	uint64_t open_seq;			/* gap whose open stall is being reported */
	uint64_t open_next_ns;			/* age at which it is reported next */
	uint64_t told_seq;			/* gap whose end was told last */
	struct looked_block looked;		/* the last one */
	uint64_t unobserved_ns, unobserved_seq; /* of a gap before the attach: not told yet; which it was */
	struct saturation saturation;
};

/* One look at a thread: filled while the ring is read (live_stuck.c). */
struct look {
	uint32_t tid;
	bool is_awake;	      /* runs, or is ready to */
	uint32_t stack_seq;   /* 0: its stack could not be taken */
	uint32_t slot;	      /* of the loop whose gap it was made to own, ~0 none */
	uint64_t gap_seq;     /* that gap */
	uint64_t last_ran_ns; /* 0 unknown */
};

/* What a look at one sleeping thread found (live_workers.c). */
struct looked {
	uint32_t tid;
	bool blocked, has_stack;
	char comm[LST_COMM_BYTES];
	struct lst_block block;
	struct raw_stack raw;
	unsigned char pages[RAW_PAGES * RAW_PAGE];
};

#define TAKEN_LOOKS 64 /* about a minute: hardly a stall is longer */

struct taken_look {
	uint64_t at_ns; /* kernel time */
	struct taken taken;
};

struct live_source {
	struct live_source_options options;
	struct capture *capture;
	struct resolver *resolver;
	struct attribution *attribution;
	struct intern *texts;		/* strings of facts */
	struct intern *frames, *stacks; /* keys → numbers */
	uint64_t start_ns;		/* kernel time of at_ns = 0 */
	uint64_t cookie;
	struct followed *loops; /* by slot */
	uint64_t *holders;	/* by slot: process << 32 | descriptor, as last seen; 0: not followed */
	uint32_t max_loops, n_ids;
	uint64_t next_tick_ns, next_clock_ns, next_open_ns, stuck_at_ns;
	uint64_t lost[LST_LOSS_KINDS], lost_skipped, lost_samples, lost_stacks, lost_worker, lost_opening,
		lost_unnamed, lost_jit;
	struct retired *retired; /* oldest first */
	size_t n_retired, retired_cap;
	struct idmap processes; /* followed tgid → itself */
	struct idmap pythons;	/* pid → struct followed_python (live_python.c) */
	struct idmap jvms;	/* pid → struct followed_jvm (live_collector.c) */
	bool had_process;
	bool ring_is_empty;    /* when it was last read */
	uint64_t missed_known; /* records lost, when that was last looked at (live_missed.c) */
	unsigned missed_looks; /* to be had still */
	struct fact_end end;   /* its totals so far */
	struct look *look;     /* the one that is under way, or NULL */
	struct idmap workers;  /* tid → struct worker (live_workers.c) */
	struct looked *looked; /* filled while the ring is read, or NULL */
	struct taken_look takens[TAKEN_LOOKS]; /* a ring, by number of the look (live_taken.c) */
	uint64_t taken_looks;
	struct told_lines *lines; /* NULL: none have been asked for (live_lines.c) */
	bool watches_reads;	  /* live_reads.c */
};

uint64_t kernel_now_ns(void);
/* A kernel time as CLOCK_MONOTONIC of this process. */
uint64_t own_clock_ns(uint64_t kernel_ns);
uint64_t live_at(const struct live_source *s, uint64_t kernel_ns);
/* Sends a fact at a kernel time (clamped to the start). */
void live_emit(struct live_source *s, struct fact *f, uint64_t kernel_ns);
/* A loss: the kernel does not let us see this kind of event. */
void live_refused(struct live_source *s, const struct capture_refusal *r);
/* Cleaned, kept text. */
const char *live_text(struct live_source *s, const char *text, size_t max);
void live_process_ended(struct live_source *s, uint32_t tgid, uint64_t at_ns);

/* live_targets.c */
/* A process is followed from now on. */
void targets_add(struct live_source *s, uint32_t tgid);
/* Before the attach; 0 or a negative errno. */
int targets_follow(struct live_source *s);
/* Right after it: who came meanwhile is followed, too, and who went is not. */
void targets_complete(struct live_source *s);

/* live_missed.c */
/* Zombies have. */
bool missed_has_ended(uint32_t pid);
/* About every second: the loops that began and the processes that ended while the ring was full. */
void missed_look(struct live_source *s, uint64_t now);

/* live_loops.c */
void loops_appeared(void *context, const struct lst_loop_record *r);
void loops_changed(struct live_source *s, struct followed *l);
/* About every second: their counts, and the end of those that were closed. */
void loops_beat(struct live_source *s, uint64_t now);
void loops_process_gone(struct live_source *s, uint32_t tgid, uint64_t before_ns);
void loops_release_dead(struct live_source *s);
/* Forgets the stacks of loops that have been gone long enough. */
void loops_forget_retired(struct live_source *s, uint64_t now);
void loops_judge_stall(struct live_source *s, struct followed *l, const struct lst_stall_record *r);
/* A gap that began before the attach is open, or has ended: its time before that is told with the next counts, once. */
void loops_note_unobserved(struct live_source *s, struct followed *l, uint64_t gap_seq,
			   uint64_t gap_start_ns);
/* NULL for a slot that is not followed. */
struct followed *loops_at(struct live_source *s, uint32_t slot);

/* live_peers.c */
/* Whom the loop connected to and waited for since `last`, and what its process has open. */
void peers_count(struct live_source *s, struct fact_counts *c, const struct lst_loop *now,
		 const struct lst_loop *last);

/* live_reads.c */
/* A process is followed: has it connected to anybody? */
void reads_follow(struct live_source *s, uint32_t pid);
/* A loop has connected to somebody. */
void reads_connected(struct live_source *s);

/* live_stacks.c */
void stacks_taken(void *context, const struct lst_stack_record *r, const void *pages,
		  const struct lst_python_stack *python);

/* The number of a stack as the resolver names it, sent when it is new; 0 for none. */
uint32_t stacks_number(struct live_source *s, const struct resolved_stack *stack);
void stacks_raw(struct raw_stack *raw, const struct lst_stack_record *r, const void *pages,
		const struct lst_python_stack *python);

/* live_python.c */
/* Looks whether the process runs Python; its stacks are Python's too as soon as that is known. */
void python_follow(struct live_source *s, uint32_t pid);
/* Waits a little for what is not known yet: the first stacks are often the ones that count. */
void pythons_await(struct live_source *s);
void python_forget(struct live_source *s, uint32_t pid);
void python_free(struct live_source *s);
/* Does the address lie in the lock of the process' interpreter? */
bool python_is_gil(const struct live_source *s, uint32_t pid, uint64_t address);
/* Once a second, before the loops tell what they counted: which of them tells of its process' tasks. */
void tasks_share(struct live_source *s);
/* Asyncio's tasks as they were when they were last asked for, and asks again. */
void tasks_count(struct live_source *s, struct fact_counts *c, uint32_t pid);
/* The asyncio task that a stack ran, and who waits for it; its texts are kept. */
struct fact_task python_task(struct live_source *s, const struct lst_python_stack *python);

/* live_workers.c */
/* About every 100 ms: workers of shared loops that are blocked. */
void workers_look(struct live_source *s, uint64_t now);
/* What a look took; true for a stack that was waited for. */
void workers_task_taken(struct live_source *s, const struct lst_task_record *r);
bool workers_stack_taken(struct live_source *s, const struct lst_stack_record *r, const void *pages,
			 const struct lst_python_stack *python);
void workers_free(struct live_source *s);

/* live_collector.c */
/* The process of a loop is a JVM: what its collector's threads do is followed from now on. */
void collector_follow(struct live_source *s, uint32_t pid);
/* About every second. */
void collectors_look(struct live_source *s);
/* CPU time of the collector's threads in the stall and up to a second before it, if it may be a pause of theirs; 0 unknown. */
uint64_t collector_ran_ns(struct live_source *s, const struct fact_stall *stall);
void collector_forget(struct live_source *s, uint32_t pid);
void collectors_free(struct live_source *s);

/* live_taken.c */
/* About every second. */
void taken_look(struct live_source *s, uint64_t now);
/* Fills what was taken of a stall's CPU time; ran_ns is the scheduler's count of it, 0 unknown. */
void taken_measure(struct live_source *s, struct fact_stall *stall, uint64_t ran_ns);

/* live_stalls.c */
void stalls_ended(void *context, const struct lst_stall_record *r);
void stalls_ready(void *context, const struct fact_stall *stall, uint64_t at_ns);
void stalls_emit(struct live_source *s, const struct fact_stall *stall, uint64_t at_ns);
enum open_which {
	OPEN_DUE,
	OPEN_OVER,
	OPEN_ANY
}; /* whose report is due; all over the threshold; every open gap */
void stalls_open(struct live_source *s, uint64_t now, enum open_which which);
/* Fills a block from the kernel's; stack numbers stay 0. */
void stalls_block(struct live_source *s, struct block *to, const struct lst_block *b, uint32_t pid,
		  const struct lst_child *children);

/* live_lines.c */
struct told_lines;
/* Passes a stall on, once the text of its culprit's line is known if that was asked for. */
void lines_tell(struct live_source *s, const struct fact_stall *stall, uint64_t at_ns);
/* Passes on what has waited long enough. */
void lines_advance(struct live_source *s, uint64_t now_ns);
/* Waits a little for what is under way, and passes everything on. */
void lines_settle(struct live_source *s);
void lines_free(struct live_source *s);

/* live_saturated.c */
void saturation_watch(struct live_source *s, struct followed *l, uint32_t slot,
		      const struct lst_loop *now_state, const struct fact_counts *counts, uint64_t now);

/* live_stuck.c */
void stuck_find(struct live_source *s, uint64_t now);
void look_taken(void *context, const struct lst_task_record *r);
/* Looks at one sleeping thread; its stack record follows through the ring. */
struct look look_at(struct live_source *s, uint32_t tid);
/* A stack that a look took: remembers its number, and names the gap of the thread if the kernel did not. */
void look_stack_taken(struct live_source *s, const struct lst_stack_record *r);

#endif
