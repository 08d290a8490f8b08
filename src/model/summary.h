/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tally becomes: sorted, judged, immutable. Every renderer reads this and nothing else. Times are
 * nanoseconds, shares 0 to 1.
 *
 * Quantiles come in two kinds. *Arrival*: the lag that something arriving at a random moment had to wait.
 * *Iteration*: over iterations, each counting once however long it was; a freeze hides among quick ones.
 */
#ifndef LOOPSTALL_MODEL_SUMMARY_H
#define LOOPSTALL_MODEL_SUMMARY_H

#include "model/tally.h"

struct places;

struct summary_quantiles {
	uint64_t p50_ns, p90_ns, p99_ns, max_ns;
};

struct summary_loop {
	const struct fact_loop *loop; /* never NULL */
	bool hidden;		      /* slave, sleep-poll, single-client: only shown on request */
	uint64_t elapsed_ns, iterations, waits, events, busy_ns;
	uint64_t unobserved_ns; /* what was taken off the longest lag: of before the attach */
	struct summary_quantiles arrival, iteration; /* of lag */
	struct summary_quantiles gap, delay;	     /* per iteration */
	struct histogram lag;			     /* with the stalls that are still open */
	double utilisation, iterations_per_s, events_per_wait, zero_wait_share, slept_wait_share;
	double over_threshold_share; /* of arrivals: P(lag > threshold) */
	struct tally_loop_stalls stalls;
	enum verdict top_verdict;      /* by stall time */
	const struct fact_stall *open; /* not over yet, NULL none; belongs to the tally */
	uint64_t saturated_ns, saturated_periods;
	bool saturated;			       /* still */
	const struct blocked_workers *workers; /* belongs to the tally */
	size_t n_patterns;
	struct pattern patterns[PATTERN_MOST];
	const struct fact_saturated *last_saturated; /* NULL: never was */
};

struct summary_cause {
	struct tally_cause tally;
	const struct fact_frame *frame; /* CAUSE_FRAME, else NULL */
	enum verdict verdict;		/* of most of its time */
	uint32_t loops;			/* different ones, up to 64 */
	double share;			/* of all stall time */
	const char *named, *remedy;	/* the cause of most of its time and its remedy; "" unclassified */
	const char *evidence;		/* of its longest stall, if that has the name; else "" */
	uint64_t period_ns;		/* between the starts of its stalls, if they come regularly; else 0 */
	const struct fact_stack *stack; /* the heaviest, NULL none */
};

/* p99 lag of one loop if the causes had taken no time, one after the other. First order: what would follow
 * from that is not known. */
#define SUMMARY_STEPS 6
struct summary_without {
	uint32_t loop;	    /* index in loops; the worst one */
	uint64_t before_ns; /* arrival p99 */
	size_t n;
	struct {
		uint32_t cause;	   /* index in causes */
		uint64_t after_ns; /* without it and those before it */
	} steps[SUMMARY_STEPS];
};

struct summary {
	const struct fact_header *header; /* NULL: the source had none */
	uint64_t threshold_ns;
	uint64_t start_wall_us, elapsed_ns;
	bool cut_short;		    /* the source ended without saying so */
	const char *end_reason;	    /* "" unknown */
	struct summary_loop *loops; /* most harmed first: by stall time, then arrival p99 */
	size_t n_loops, n_hidden;
	uint64_t stalls, stall_ns;    /* of loops not hidden */
	struct summary_cause *causes; /* most stall time first */
	size_t n_causes;
	struct tally_block *blocks; /* most time first */
	size_t n_blocks;
	struct absence absence;		 /* most time first */
	struct summary_without without;	 /* n 0: nothing to say */
	const struct tally_loss *losses; /* belong to the tally */
	size_t n_losses;
	uint64_t stalls_beyond; /* in the sums, but not in `without` */
	const struct tally_cell *cells;
	size_t n_cells;
	uint64_t cell_ns;
	const struct dictionary *dictionary;
	const struct places *places; /* all stall time by place (model/places.h); NULL: not kept */
};

/* Everything in it is valid while the tally is neither fed nor freed. NULL without memory. */
struct summary *summary_new(const struct tally *t);
void summary_free(struct summary *s);

#endif
