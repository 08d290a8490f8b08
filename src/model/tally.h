/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink that adds facts up: per loop histograms, counters and stalls; over all culprits, blocks, losses and
 * a timeline. It sorts and judges nothing; a summary (model/summary.h) does, as often as wanted. The struct
 * is open to it.
 *
 * A stall that is not over is kept aside, its last report replacing the one before, and counts when it ends
 * or when a summary is made. Memory: about 15 KB a loop that lives, and as much for TALLY_MAX_ENDED of those
 * that are gone; of all others the least harmed are added up in one row, and leave half a KB each. 128 bytes
 * a stall up to TALLY_MAX_STALLS (beyond it only totals grow, counted), the timeline halves its resolution
 * when full.
 */
#ifndef LOOPSTALL_MODEL_TALLY_H
#define LOOPSTALL_MODEL_TALLY_H

#include "model/absence.h"
#include "model/blocked_workers.h"
#include "model/culprit.h"
#include "model/dictionary.h"
#include "model/fact.h"
#include "model/pattern.h"

#define TALLY_MAX_STALLS 100000
#define TALLY_MAX_ENDED	 512
#define TALLY_MAX_CAUSES 1024
#define TALLY_MAX_BLOCKS 1024 /* calls and targets told apart */
#define TALLY_PARTS	 4    /* causes told apart within one stall */
#define TALLY_TOP_STACKS 4    /* kept per cause */
#define TALLY_SECONDS	 4096 /* cells of the timeline */

/* What stall time is put down to: a frame, or something that is not in the code. */
enum cause_kind {
	CAUSE_FRAME,
	CAUSE_THROTTLED,   /* the cgroup's quota was used up */
	CAUSE_NO_CPU,	   /* runnable, others ran */
	CAUSE_STOPPED,	   /* SIGSTOP, ptrace, freezer */
	CAUSE_NO_STACK,	   /* CPU or blocked time that no stack covers */
	CAUSE_UNACCOUNTED, /* not even the ledger has it */
	CAUSE_OTHER,	   /* functions beyond TALLY_MAX_CAUSES */
	CAUSE_KINDS
};

/* Part of one stall. */
struct cause_part {
	uint32_t cause; /* index in tally_totals.causes */
	uint64_t ns;
};

/* A stall in compact form. */
struct tally_stall {
	uint64_t start_ns, lag_ns;
	uint32_t loop;
	enum verdict verdict;
	enum stall_state state;
	uint32_t n_parts;
	struct cause_part parts[TALLY_PARTS + CAUSE_KINDS - 1];
};

/*
 * The cause that most of a culprit's time was named as, if one has more than half: a weighted majority vote, so that one name and one
 * number are enough. "" wins where most stalls are unclassified.
 */
struct tally_naming {
	const char *cause, *remedy;
	uint64_t votes_ns;
};

/* How regularly stalls of a culprit begin: running mean and variance of the time between them. */
struct tally_rhythm {
	uint64_t last_ns;	 /* start of the last one */
	uint64_t n;		 /* times between */
	double mean_ns, squares; /* squares: sum of squared distances from the mean */
};

struct tally_cause {
	uint64_t key; /* equal for frames of one function */
	enum cause_kind kind;
	uint32_t frame; /* CAUSE_FRAME */
	uint64_t ns;	/* of all stalls */
	uint64_t stalls;
	uint64_t longest_ns; /* its part of one stall */
	uint32_t loop;	     /* the first it was seen in */
	uint64_t loop_bits;  /* bit of each loop number modulo 64 */
	uint64_t verdict_ns[VERDICTS];
	struct tally_naming naming; /* by the stalls that it is the first culprit of */
	/* Of the longest of them, its cause and what told it. */
	uint64_t told_ns;
	const char *told_cause;
	char evidence[FACT_EVIDENCE_BYTES];
	struct tally_rhythm rhythm; /* of the same */
	struct weighted_stack stacks[TALLY_TOP_STACKS];
};

/* Blocked time by call and target. */
struct tally_block {
	uint64_t key;
	const char *call, *target; /* target: of the longest */
	bool several;		   /* targets, such as one child after the other */
	enum target_kind kind;
	uint64_t count, sum_ns, max_ns, stalls;
	uint32_t stack; /* of the longest */
	struct waker waker;
};

/* Sums over the stalls of one loop. */
struct tally_loop_stalls {
	uint64_t stalls, stall_ns, longest_ns;
	uint64_t by_verdict[VERDICTS], by_harm[HARMS];
	uint64_t verdict_ns[VERDICTS];
	uint64_t ready_fds, died;
	struct ledger ledger;
	uint64_t delay_ns;
};

struct tally_loop {
	uint32_t id;  /* 0: the rest of the ended ones */
	bool counted; /* a counts fact was seen */
	bool ended;   /* the loop is gone */
	uint64_t elapsed_ns, iterations, waits, events, zero_waits, slept_waits, busy_ns, over_threshold;
	uint64_t
		unobserved_ns; /* of a gap that began before the attach: part of busy and lag once it has ended */
	uint64_t max_lag_ns, min_gap_ns;
	struct histogram lag, gap, delay, offcpu;
	struct fact_stall *open; /* not over yet, last report; NULL none */
	uint64_t open_at_ns;
	uint64_t saturated_ns, saturated_periods, saturated_since_ns; /* since: running one, else 0 */
	bool saturated;
	struct fact_saturated last_saturated; /* the last report: its top stacks */
	struct blocked_workers workers;
	struct habits habits;
	struct tally_loop_stalls stalls; /* those that are over */
};

/* What grows with finished stalls. Apart, so that a summary can copy it and add those that are still open. */
struct tally_totals {
	struct tally_cause *causes;
	size_t n_causes, causes_cap;
	struct tally_block *blocks;
	size_t n_blocks, blocks_cap;
	struct tally_stall *stalls;
	size_t n_stalls, stalls_cap;
	struct absence absence;
	uint64_t beyond_stalls, beyond_blocks; /* over their bound: in the sums only */
};

struct tally_loss {
	const char *reason, *meaning;
	uint64_t count;
};

/* Ended loops without a row of their own, added up. */
struct tally_rest {
	struct tally_loop *loop; /* NULL: there are none */
	uint32_t n;
	char name[32];
	struct fact_loop fact;
};

/* A loop without a row, which others may still name for a while: a stall that ends with it is told late. */
struct tally_folded {
	uint32_t id;
	uint64_t at_ns;
};

/* One cell of the timeline: cell_ns of time. */
struct tally_cell {
	uint64_t max_lag_ns; /* longest stall that was running in it */
	uint32_t stalls;     /* ended in it */
};

struct tally {
	struct sink sink; /* first member */
	struct dictionary *dictionary;
	uint64_t threshold_ns; /* stalls below are not counted; 0 until the header gives one */
	struct fact_header header;
	bool has_header, ended;
	struct fact_end end;
	uint64_t last_ns;		     /* latest at_ns */
	uint64_t clock_at_ns, clock_wall_us; /* latest clock fact; 0 none */
	struct tally_loop **loops;	     /* by loop number - 1; NULL not seen, or that of a rest */
	size_t n_loops, loops_cap;
	uint32_t
		gone[TALLY_MAX_ENDED + 1]; /* numbers of the ended ones that still have a row, oldest first */
	size_t n_gone;
	struct tally_rest rest[2];   /* of loops that are shown, and that are hidden */
	struct tally_folded *folded; /* into a rest and not forgotten yet, oldest first */
	size_t n_folded, folded_cap;
	struct tally_totals totals;
	struct tally_loss *losses;
	size_t n_losses, losses_cap;
	struct tally_cell *cells;
	size_t n_cells, cells_cap;
	uint64_t cell_ns;
};

/* threshold_ns 0: that of the header. The dictionary has taken a fact before the tally sees it, and outlives
 * it; loops that have lost their row are forgotten in it. NULL without memory. */
struct tally *tally_new(struct dictionary *d, uint64_t threshold_ns);
void tally_free(struct tally *t);
/* Slave, sleep-poll and single-client loops: counted for themselves, in no total, shown on request. */
bool tally_is_hidden(const struct fact_loop *l);
/* take(): 0 or -ENOMEM. */
struct sink *tally_sink(struct tally *t);

/* For the summary. A copy to which stalls can be added; 0 or -ENOMEM. */
int tally_totals_copy(struct tally_totals *to, const struct tally_totals *from);
void tally_totals_free(struct tally_totals *t);
/* Adds the stalls of one loop to those of others. */
void tally_stalls_merge(struct tally_loop_stalls *into, const struct tally_loop_stalls *from);
/* Adds a stall to those of its loop. */
void tally_stalls_add(struct tally_loop_stalls *to, const struct fact_stall *s);
/* False for one that no sum can take: numbers in a recording may be anything. */
bool tally_takes(const struct fact_stall *s);
/* Equal for blocks of one kind: children differ in their numbers only, and addresses of locks and faults tell nobody anything. */
uint64_t tally_block_key(const struct block *b);
/* Adds a stall that tally_takes(), of a known loop. 0 or -ENOMEM. */
int tally_totals_add(struct tally_totals *t, const struct fact_stall *s, const struct dictionary *d);

#endif
