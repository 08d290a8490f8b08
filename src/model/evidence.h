/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules of model/cause.c look at, and the line of numbers that each tells: what was waited for, how long, which share of the lag,
 * by which library.
 */
#ifndef LOOPSTALL_MODEL_EVIDENCE_H
#define LOOPSTALL_MODEL_EVIDENCE_H

#include "base/bytes.h"
#include "model/dictionary.h"
#include "model/library.h"
#include "model/service.h"

/* A block of the stall with what its stack and target tell. */
struct wait {
	const struct block *block;
	struct library_trace trace;
	const struct service *service; /* NULL unknown */
};

struct scene {
	const struct fact_stall *stall;
	const struct fact_loop *loop; /* NULL unknown */
	const struct dictionary *dictionary;
	struct wait waits[FACT_MAX_BLOCKS]; /* longest first */
	size_t n_waits;
	uint64_t blocked_ns;
	uint64_t sampled_ns, collecting_ns; /* on CPU, by samples; of that in a garbage collector */
	uint64_t in_file_calls_ns;	    /* of that inside system calls on files */
	uint32_t samples;
	const struct library *computing; /* called in at least half of it, NULL none */
};

/* The blocks that speak for a cause. */
struct share {
	uint64_t ns, max_ns, same_target_ns; /* same_target: as that of main */
	uint64_t count;
	const struct wait *main; /* the longest, NULL none */
	const struct library *library;
};

struct evidence {
	struct bytes text;
};

#define HOT_PERCENT 80 /* of the samples below one function, for it to be what a stall was about */

typedef void evidence_tell(struct evidence *e, const struct scene *sc, const struct share *sh);
evidence_tell evidence_stopped, evidence_throttled, evidence_no_cpu, evidence_reclaim, evidence_faults,
	evidence_gil, evidence_gc, evidence_gc_wait, evidence_safepoint, evidence_child, evidence_sqlite,
	evidence_sleep, evidence_peer, evidence_call, evidence_lock, evidence_many, evidence_cpu,
	evidence_copying, evidence_flood, evidence_cascade, evidence_hot_loop;

/* "301 ms"; "301 ms, 99 % of the lag" */
void evidence_duration(struct evidence *e, uint64_t ns);
void evidence_part(struct evidence *e, const struct scene *sc, uint64_t ns);

/* Adds what waited beside the cause, fits the line into the stall's member and frees it. */
void evidence_end(struct evidence *e, const struct scene *sc, char to[FACT_EVIDENCE_BYTES]);

/* "its tracer gdb[812]" */
void evidence_stopper(struct bytes *out, const struct stopper *s);
/* "cgroup /system.slice/api.service may run 50 ms of every 100 ms" */
void evidence_limit(struct bytes *out, const struct limit *l);

/* "load (svc.py:7)" */
void evidence_frame(struct bytes *out, const struct fact_frame *f);

/* By what the chain's gaps grew from one to the next, on the average. */
double chain_factor(const struct chain *c);

void evidence_saturated(struct evidence *e, const struct fact_saturated *s, uint64_t elapsed_ns,
			const struct dictionary *d);

#endif
