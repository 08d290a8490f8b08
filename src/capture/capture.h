/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live capture: loads the BPF programs that this kernel allows, attaches them, reads what they send and keep. Knows records and
 * slots (bpf/wire.h); knows nothing of facts, stacks' names or output. The only folder with libbpf.
 *
 *	capture_open()  load plan, load, configure        capture_attach()  attach        capture_seed()   what was the case before
 *	capture_poll()  records → handlers                capture_close()   detach; nothing is left in the kernel
 */
#ifndef LOOPSTALL_CAPTURE_CAPTURE_H
#define LOOPSTALL_CAPTURE_CAPTURE_H

#include "base/diag.h"
#include "bpf/wire.h"
#include "capture/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct capture_options {
	enum lst_scope scope;
	int cgroup_fd; /* LST_SCOPE_CGROUP, else -1 */
	bool only_tids;
	bool follow_forks;
	uint64_t threshold_ns, record_ns;
	bool stacks, kernel_stacks;
	uint32_t sample_hz; /* 0: no samples */
	bool per_cpu_samples; /* sample CPUs, not threads: for the whole host; else only where threads cannot be */
	uint64_t ring_bytes;
	uint32_t max_loops, max_threads;
	enum rung rung; /* RUNG_NONE: the best that works */
};

/* Called from capture_poll(); a record is valid during the call. Its size has been checked against its kind. */
struct capture_handlers {
	void *context;
	void (*loop)(void *context, const struct lst_loop_record *r);
	void (*stall)(void *context, const struct lst_stall_record *r);
	/* python: NULL unless the thread is one of an interpreter that is followed. */
	void (*stack)(void *context, const struct lst_stack_record *r, const void *pages,
		      const struct lst_python_stack *python);
	void (*process)(void *context, const struct lst_process_record *r);
	void (*task)(void *context, const struct lst_task_record *r);
};

/* Loads; nothing runs yet. *out is NULL on failure; a negative errno with the diag filled. */
int capture_open(struct capture **out, const struct capture_options *o, const struct capture_handlers *h,
		 struct diag *d);
/* Adds a process or thread to the scope; also later. 0 or a negative errno. */
int capture_follow(struct capture *c, uint32_t tgid);
int capture_follow_tid(struct capture *c, uint32_t tid);
/* The process has ended before it was followed: its number may be another one's next. */
void capture_unfollow(struct capture *c, uint32_t tgid);
/* The process runs this interpreter: its stacks come with Python's own from now on. NULL: not any more. 0 or a negative errno. */
int capture_python(struct capture *c, uint32_t tgid, const struct lst_python_process *p);
/* Attaches everything; but for what capture_refused() tells then. */
int capture_attach(struct capture *c, struct diag *d);

/* A kind of event that is not seen, as a loss. */
struct capture_refusal {
	const char *reason, *meaning;
};
/* From *at = 0 on the kinds that this kernel refused; NULL: there is no other. */
const struct capture_refusal *capture_refused(const struct capture *c, size_t *at);
/* What would not be seen without a program; NULL: it is not one that we can do without. */
const struct capture_refusal *capture_refusal_of(const char *program);
/* Makes threads of followed processes that are asleep in a wait count as waiters; once, when all are followed that were there at the attach. */
void capture_seed(struct capture *c);
/* From now on loops tell how often they read from whom (lst_peer.reads); once. Kernels that cannot attach it late do so from the start. 0 or a
 * negative errno. */
int capture_watch_reads(struct capture *c);
/* Readable when a record asks to be read at once. */
int capture_fd(const struct capture *c);
/* Hands out what is in the ring, at most a bounded amount. Returns the number of records, or a negative errno. */
int capture_poll(struct capture *c);
/* Samples a thread from now on (no-op when CPUs are sampled). 0 or a negative errno; -ESRCH when it is gone. */
int capture_sample_thread(struct capture *c, uint32_t tid);
void capture_unsample_thread(struct capture *c, uint32_t tid);
/* Threads for which the kernel refused it. */
uint64_t capture_unsampled(const struct capture *c);
/* Looks at sleeping threads with stack and call (task and stack records follow in the ring). fd ~0: only look; else the thread becomes the
 * owner of that epoll descriptor's gap, open since since_ns. -ENOTSUP where the kernel has no such iterator. */
int capture_want(struct capture *c, uint32_t tid, uint32_t fd, uint64_t since_ns);
int capture_look(struct capture *c);
void capture_unwant(struct capture *c, uint32_t tid);

/* The mapped arrays: [0, n). Read while the kernel writes: a reader takes single members, or copies and compares. */
struct lst_loop *capture_loops(const struct capture *c, uint32_t *n);
const struct lst_loop_hists *capture_hists(const struct capture *c);
const struct lst_thread *capture_threads(const struct capture *c, uint32_t *n);
/* Gives a dead loop's or thread's slot back, cleared. */
void capture_release_loop(struct capture *c, uint32_t slot);
void capture_release_thread(struct capture *c, uint32_t slot);
/* Losses since the start, by reason, with what the kernel skipped added. */
uint64_t capture_lost(const struct capture *c, enum lst_loss reason);
/* Times a program of ours was not run because another one ran on that CPU. */
uint64_t capture_skipped(const struct capture *c);
enum rung capture_rung(const struct capture *c);
/* Nanoseconds that our programs ran, 0 unless the kernel counts them (kernel.bpf_stats_enabled). */
uint64_t capture_run_ns(const struct capture *c);
/* Bytes of kernel memory in our maps. */
uint64_t capture_map_bytes(const struct capture *c);
void capture_close(struct capture *c);

/* Name of a system call of this machine, NULL unknown. */
const char *call_name(uint32_t nr);
const char *loss_text(enum lst_loss reason);
const char *loss_meaning(enum lst_loss reason);

#endif
