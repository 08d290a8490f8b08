/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts: everything loopstall knows, as plain structs. A source (live capture or a recording) yields them in order, sinks (recording
 * writer, tally, live printer) take them. No system calls, no clock: a fact carries its time.
 *
 * Times are nanoseconds since the start of the capture (`at_ns`), monotonic; the header and clock facts map them to wall
 * time. Loops, frames and stacks are numbered from 1 in order of first sight and are defined before they are used; 0 means none.
 * Strings are UTF-8 cleaned for display (base/clean.h), never NULL ("" is unknown), and live as long as the source.
 */
#ifndef LOOPSTALL_MODEL_FACT_H
#define LOOPSTALL_MODEL_FACT_H

#include "model/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACT_FORMAT_VERSION 1
#define FACT_MAX_FRAMES	    512
#define FACT_MAX_BLOCKS	    8
#define FACT_MAX_PEERS	    8
#define FACT_MAX_RUNNERS    8
#define FACT_EVIDENCE_BYTES 192
#define FACT_MAX_SAMPLES    64 /* distinct stacks kept per stall; the rest is summed without a stack */

enum fact_kind {
	FACT_HEADER, /* first, once */
	FACT_CLOCK,
	FACT_LOOP, /* a loop seen first, or changed (class, exe, shared): the last one of an id wins */
	FACT_FRAME,
	FACT_STACK,
	FACT_STALL,
	FACT_WORKER, /* a worker of a shared loop is blocked and others serve: no stall of the loop, told like an open one */
	FACT_SATURATED,
	FACT_COUNTS, /* what one loop counted since its last counts fact; at least every second while anything changed */
	FACT_LOSS,
	FACT_TICK, /* a second has passed: all counts up to at_ns have been sent */
	FACT_END,  /* last, once; missing means cut short */
	FACT_KINDS
};

struct fact_header {
	uint64_t wall_us; /* Unix time of at_ns = 0, microseconds */
	uint64_t threshold_ns, record_ns;
	uint32_t sample_hz;
	const char *version; /* of loopstall */
	const char *host, *boot_id, *kernel, *machine;
	const char *target; /* what was asked for, as typed: "uvicorn", "-p 4121" */
	const char *rung;   /* how waits are traced: "fentry", "tracepoint", "tp_btf", "raw_tp" */
};

struct fact_clock {
	uint64_t wall_us; /* wall time at at_ns of the fact */
};

/* notes/runtimes.md; slave, sleep-poll and single-client are hidden unless -v */
enum loop_class {
	LOOP_SINGLE,
	LOOP_SHARED,
	LOOP_SLAVE,
	LOOP_SPIN,
	LOOP_SLEEP_POLL,
	LOOP_SINGLE_CLIENT,
	LOOP_CLASSES
};

struct fact_loop {
	uint32_t id;
	uint32_t pid, tid; /* process and owning (first waiting) thread, initial namespace */
	uint32_t ns_pid;   /* as its own namespace numbers it */
	uint32_t fd;	   /* of the epoll object */
	const char *comm;  /* of the thread */
	const char
		*process; /* name shown for the process: base name of its program or script, else its comm */
	const char *runtime;   /* "cpython 3.11", "node", "" unknown */
	const char *wait_call; /* "epoll_wait" … */
	const char *container; /* id, short, or "" */
	const char *unit;      /* systemd unit or "" */
	enum loop_class class;
	uint32_t threads; /* that were seen waiting on it */
	bool gone;	  /* closed, exec'd or exited */
};

/* How a frame was found; printed only where it is not the sure way. */
enum frame_method { FRAME_PC, FRAME_CFI, FRAME_FP, FRAME_GUESS, FRAME_LANGUAGE, FRAME_KERNEL, FRAME_METHODS };
enum frame_kind { FRAME_NATIVE, FRAME_IN_KERNEL, FRAME_PYTHON, FRAME_JS, FRAME_KINDS };

struct fact_frame {
	uint32_t id;
	enum frame_kind kind;
	enum frame_method method;
	const char *
		function; /* demangled; "" when there is no name: then object+offset is shown, never a guess */
	const char *object; /* base name of the ELF file, "[vdso]", "[kernel]", "[anon]" or "" */
	uint64_t offset;    /* from the symbol's start, or in the object when function is "" */
	const char *file;   /* source file or "" */
	uint32_t line;	    /* 0 unknown */
	uint32_t begins; /* of a language's function, in its file: tells those of one name apart; 0 unknown */
	bool application; /* neither libc, interpreter, loader nor a system library */
};

enum stack_state { STACK_COMPLETE, STACK_TRUNCATED, STACK_BROKEN, STACK_STATES };

struct fact_stack {
	uint32_t id;
	enum stack_state state;
	uint32_t n;
	const uint32_t *frames; /* ids, innermost first; kernel frames, if any, come first */
};

struct ledger {
	uint64_t cpu_ns, blocked_ns, runnable_ns, stopped_ns;
	uint64_t throttled_ns;	       /* of runnable and delay */
	uint64_t fault_ns, reclaim_ns; /* of blocked or cpu */
	uint64_t unaccounted_ns;
	uint64_t preempted; /* times */
	uint64_t minor_faults, major_faults;
	uint64_t stolen_ns, interrupts_ns; /* of cpu, taken by the hypervisor and by interrupts */
};

enum target_kind {
	TARGET_NONE,
	TARGET_FILE,
	TARGET_INET,
	TARGET_UNIX,
	TARGET_PIPE,
	TARGET_ANON,
	TARGET_FUTEX,
	TARGET_CHILD,
	TARGET_SLEEP,
	TARGET_FAULT,
	TARGET_PATH,
	TARGET_SOCKET,
	TARGET_GIL,
	TARGET_KINDS
};

struct waker {
	uint32_t pid, tid; /* 0: not proven ("timer or interrupt") */
	const char *comm;
	const char *why; /* "futex", "pipe", "socket", "exit" */
	uint32_t stack;
};

struct block {
	const char *call; /* "poll", "recvfrom", "page fault" */
	const char *
		target; /* for people: "tcp 10.0.3.9:5432", "/var/lib/x", "2 pipes of pid 4180 nvidia-smi", "" */
	enum target_kind kind;
	uint64_t
		object; /* TARGET_SLEEP: requested ns; TARGET_CHILD: pid; TARGET_FUTEX, _FAULT: address; else 0 */
	uint32_t count;
	uint64_t sum_ns, max_ns;
	struct waker waker;
	uint32_t stack; /* of the longest, 0 none */
	bool paused;	/* the language's collector had stopped the thread */
};

/* Who ran on the CPU that a ready thread waited for. */
struct runner {
	uint32_t pid; /* process; with own: thread */
	bool own;     /* a thread of the same process */
	const char *comm;
	uint64_t ns;
};

enum stop { STOP_UNKNOWN, STOP_SIGNAL, STOP_FROZEN, STOP_TRACED, STOPS };

/* Who did not let a thread run. */
struct stopper {
	enum stop by;
	uint32_t pid;	 /* process of the tracer, or of who sent the signal; 0 not known */
	uint32_t signal; /* STOP_SIGNAL: which, 0 not known */
	const char *comm;
};

/* The CPU time that a cgroup may use, of those that held a loop back. */
struct limit {
	const char *cgroup; /* path below the root, "" unknown */
	uint64_t quota_ns, period_ns;
	uint32_t version; /* of its hierarchy, whose files have other names: 1 or 2, 0 unknown */
};

struct sample {
	uint64_t ns;	/* time it stands for */
	uint32_t stack; /* 0: taken but not resolved */
	uint32_t n;
	uint32_t gil_held,
		gil_released; /* of n: with and without the interpreter's lock; the rest is not known */
};

enum harm { HARM_UNKNOWN, HARM_QUEUED, HARM_LATE, HARM_OWN, HARMS };

enum verdict {
	VERDICT_NONE,
	VERDICT_CPU,
	VERDICT_BLOCKED,
	VERDICT_LOCK,
	VERDICT_GIL,
	VERDICT_GC,
	VERDICT_STARVED,
	VERDICT_THROTTLED,
	VERDICT_FAULT,
	VERDICT_STOPPED,
	VERDICTS
};

enum stall_state {
	STALL_ENDED,
	STALL_OPEN,  /* not over yet: lengths are ages */
	STALL_STUCK, /* as open, and it began before the attach: ages are lower bounds */
	STALL_DIED,  /* its thread died in it */
	STALL_EXEC,  /* its thread ran another program in its own place */
	STALL_STATES
};

/*
 * The gaps from a wait that may sleep up to the next such wait; a stall's own is the last of them so far. Their lengths are without
 * the time they had no CPU. gaps 0: not known, as of loops with several threads.
 */
struct chain {
	uint32_t gaps;
	uint64_t ns, last_ns; /* of all, of the stall's own */
	uint32_t growth;      /* steps up to this gap, each to a multiple of the one before */
	uint64_t grown_from_ns;
	bool timed; /* a timer began it */
};

#define FACT_MAX_AWAITERS 4

/* A task that waits for another one; texts "" unknown. */
struct awaiter {
	const char *task, *coroutine;
	uint32_t others; /* tasks that wait for the same one besides */
};

/* An asyncio task: its name, the function it runs if its stack does not show that, and who waits for it, one for the other, the nearest first. */
struct fact_task {
	const char *name, *coroutine;
	uint32_t n_awaiters;
	struct awaiter awaiters[FACT_MAX_AWAITERS];
	bool cut; /* more tasks wait for the last of them */
};

struct fact_stall {
	uint64_t
		start_ns; /* capture time at which the lag began: wakeup, or gap start without delay; 0 if before the attach */
	uint32_t loop;
	uint32_t pid, tid;
	const char *comm;
	enum stall_state state;
	bool lower_bound; /* ended, but began before the attach */
	uint64_t gap_seq; /* pairs the open reports of a stall with its end */
	uint64_t lag_ns, gap_ns, delay_ns;
	enum harm harm;
	uint32_t ready_fds; /* HARM_QUEUED */
	uint64_t late_ns;   /* HARM_LATE; 0 unknown */
	uint32_t signal;    /* STALL_DIED: the signal, 0 none */
	uint32_t connects;  /* TCP connections begun in it */
	struct chain chain;
	enum verdict verdict;
	struct ledger ledger;
	struct limit limit;	/* with throttled time */
	struct stopper stopper; /* with stopped time */
	uint32_t n_blocks, n_samples, n_runners;
	struct runner
		runners[FACT_MAX_RUNNERS]; /* longest first; the others are missing to runnable and delay */
	struct block blocks[FACT_MAX_BLOCKS];	 /* longest sum first */
	struct sample samples[FACT_MAX_SAMPLES]; /* longest first */
	uint64_t collecting_ns; /* part of the samples in which the language's garbage collector ran */
	uint64_t gil_wait_ns;	/* waited for the interpreter's lock; part of the blocks */
	uint64_t paused_ns;	/* part of the blocks in which the thread waited for it */
	uint64_t collector_ns;	/* CPU time of a JVM's collector threads at about that time, 0 unknown */
	uint64_t ready_ns; /* not over: for how long by now it could run and had no CPU, 0 it runs or waits */
	struct fact_task task;	/* that most of its stacks ran */
	uint64_t task_ns;	/* of what its stacks stand for, the part in that task */
	uint64_t covered_ns;	/* part of the gap that the stacks stand for */
	uint32_t culprit_frame; /* frame id, 0 none */
	uint32_t culprit_stack;
	const char *source; /* text of the culprit's line, if it was asked for; "" unknown */
	const char *cause;  /* a word of model/cause.h; "" unclassified, and then no evidence and no remedy */
	const char *remedy; /* what would end it, in one line */
	char evidence
		[FACT_EVIDENCE_BYTES]; /* what the cause is told by, in one line; in the fact: every stall has its own */
};

static inline bool stall_is_over(const struct fact_stall *s)
{
	return s->state != STALL_OPEN && s->state != STALL_STUCK;
}

/* A loop without a sleeping wait for a second, or 90 % busy for five. */
struct fact_saturated {
	uint32_t loop;
	uint64_t since_ns, busy_ns; /* of at_ns - since_ns */
	uint64_t iterations;
	bool ended;
	uint32_t n_samples;
	struct sample samples[8]; /* its top culprits */
	char evidence[FACT_EVIDENCE_BYTES];
};

/* Another end that a loop connects to, or waits for in its gaps. Differences, but for the last three. */
struct fact_peer {
	const char *peer; /* "tcp 10.0.3.9:5432" */
	uint64_t connects;
	uint64_t timed_connects;   /* of them in chains that a timer began */
	uint64_t waits, waited_ns; /* gaps in which it was waited for, and how long */
	uint64_t reads;		   /* gaps in which something was read from it */
	uint64_t work_ns;	   /* of chains that read from it first */
	uint64_t open;		   /* connections made while we watched that are open now */
	uint64_t most_connects;	   /* in one gap, since its first */
	uint64_t most_open;	   /* of `open` at any moment, since its first */
};

/* Differences since the last counts fact of the loop. */
struct fact_counts {
	uint32_t loop;
	uint64_t elapsed_ns; /* observed time these counts cover */
	uint64_t iterations, waits, events, zero_waits, slept_waits, busy_ns, over_threshold;
	uint64_t open_ns; /* age of the gap that is open now, 0 none: it is in no other figure */
	uint64_t
		unobserved_ns; /* of a gap that began before the attach, told once: part of busy and lag when it ends */
	uint64_t max_lag_ns, min_gap_ns; /* since the loop's start, not differences */
	uint64_t timed_chains, timed_ns; /* chains that a timer began, and their gaps */
	uint64_t connects, bursts;	 /* bursts: gaps with 16 connects or more */
	uint64_t most_connects;		 /* in one gap, since the loop's start */
	uint64_t open_files;		 /* of its process now, 0 unknown */
	uint64_t
		tasks; /* asyncio's that are not done, of its process now; 0 unknown, or told with another loop of it */
	bool tasks_at_least;  /* there are more */
	uint64_t tasks_loops; /* of how many loops, 0 unknown */
	uint32_t n_peers;
	struct fact_peer peers[FACT_MAX_PEERS];
	struct histogram lag, gap, delay, offcpu; /* their min and max: bucket edges, unless known */
};

struct fact_loss {
	const char *reason; /* "ring_full" … */
	const char *meaning;
	uint64_t count; /* since the last loss fact of this reason */
};

struct fact_end {
	uint64_t stalls, iterations;
	uint64_t walks, walked_frames,
		walks_ns;   /* Python stacks taken, their frames, and what that took of the threads' time */
	const char *reason; /* "ctrl-c", "duration", "target exited" … */
};

struct fact {
	enum fact_kind kind;
	uint64_t at_ns;
	union {
		struct fact_header header;
		struct fact_clock clock;
		struct fact_loop loop;
		struct fact_frame frame;
		struct fact_stack stack;
		struct fact_loss loss;
		struct fact_end end;
		const struct fact_stall *stall; /* FACT_STALL, FACT_WORKER */
		const struct fact_saturated *saturated;
		const struct fact_counts *counts;
	};
};

/* What takes facts. take() copies what it keeps (strings excepted: they live as long as the source). Returns 0 or a negative errno. */
struct sink {
	int (*take)(struct sink *self, const struct fact *f);
};

/* Words as printed and recorded: "CPU", "single", "queued", "complete" …; the _parse functions give -1 for an unknown word. */
const char *fact_kind_word(enum fact_kind k); /* "type" of a recorded line */
const char *stall_state_word(enum stall_state s);
const char *verdict_word(enum verdict v);
const char *loop_class_word(enum loop_class c);
const char *harm_word(enum harm h);
const char *stack_state_word(enum stack_state s);
const char *frame_method_word(enum frame_method m);
const char *frame_kind_word(enum frame_kind k);
const char *target_kind_word(enum target_kind k);
const char *stop_word(enum stop s);
int fact_kind_parse(const char *word);
int stall_state_parse(const char *word);
int verdict_parse(const char *word);
int loop_class_parse(const char *word);
int harm_parse(const char *word);
int stack_state_parse(const char *word);
int frame_method_parse(const char *word);
int frame_kind_parse(const char *word);
int target_kind_parse(const char *word);
int stop_parse(const char *word);

#endif
